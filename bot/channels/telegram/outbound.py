"""What we say as calls of the Bot API. Texts go without a parse mode: what a person typed is never markup."""

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any

from aiogram.methods import (
    SendAnimation,
    SendAudio,
    SendContact,
    SendDocument,
    SendLocation,
    SendMessage,
    SendPhoto,
    SendSticker,
    SendVenue,
    SendVideo,
    SendVoice,
    SetMessageReaction,
    TelegramMethod,
)
from aiogram.types import (
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    InputFile,
    ReactionTypeEmoji,
    ReplyParameters,
)

from bot.channels.contract import Address, Attachment, Outbound, Rejected
from bot.channels.telegram import rules
from bot.content import Button, Buttons, Card, Cards, Content, Emoji, Link, Location, Media, Text
from bot.errors import N_

if TYPE_CHECKING:
    from aiogram import Bot

Method = TelegramMethod[Any]


class Upload(InputFile):
    """A file of ours on its way. `failed` tells a source that broke from a network that did: without its end
    the platform has accepted nothing."""

    def __init__(self, attachment: Attachment) -> None:
        super().__init__(filename=_file_name(attachment.name))
        self.attachment, self.failed = attachment, False

    async def read(self, bot: "Bot") -> AsyncGenerator[bytes, None]:
        self.failed = False
        try:
            async for chunk in self.attachment.chunks():
                yield chunk
        except Exception:
            self.failed = True
            raise


def compose(outbound: Outbound) -> list[Method]:
    """The calls in order; only the first quotes. Raises Rejected for what Telegram would refuse."""
    chat = chat_of(outbound.to)
    reply = _reply_parameters(outbound.reply_to)
    first: dict[str, Any] = {"chat_id": chat} | ({"reply_parameters": reply} if reply else {})
    calls = _calls(outbound.content, outbound.attachment, first)
    if not calls:
        raise Rejected("empty", N_("The message is empty."))
    return calls


def chat_of(addresses: tuple[Address, ...]) -> int:
    """A person's private chat has the person's own id."""
    for address in addresses:
        reach = address.reach or address.value
        if address.kind == "telegram" and reach.removeprefix("-").isdecimal():
            return int(reach)
    raise Rejected("no_address", N_("This person has no Telegram address."))


def _calls(content: Content, attachment: Attachment | None, first: dict[str, Any]) -> list[Method]:
    match content:
        case Text():
            return _texts(content.text, first)
        case Media():
            return _media(content, attachment, first)
        case Location():
            return [_place(content, first)]
        case Cards():
            return [call for card in content.cards for call in _card(card, first)]
        case Buttons():
            return _buttons(content, first)
        case Link():
            return _texts("\n".join(filter(None, (content.title, content.url))), first)
        case Emoji():
            return [_reaction(content, first)]
    raise Rejected("unsupported", N_("Telegram cannot send this kind of message."))


def _texts(text: str, first: dict[str, Any]) -> list[Method]:
    later = {"chat_id": first["chat_id"]}
    pieces = rules.split(text, rules.TEXT_UNITS)
    return [SendMessage(text=piece, **(later if index else first)) for index, piece in enumerate(pieces)]


def _media(content: Media, attachment: Attachment | None, first: dict[str, Any]) -> list[Method]:
    """A caption that is too long follows as a text of its own."""
    if attachment is None:
        raise Rejected("no_file", N_("The file is missing."))
    if attachment.size > rules.UPLOAD_BYTES:
        raise Rejected("too_large", N_("The file is too large for Telegram."))
    fits = content.kind != "sticker" and rules.fits(content.caption, rules.CAPTION_UNITS)
    caption = {"caption": content.caption} if fits and content.caption else {}
    call = _file(content.kind, Upload(attachment), {**first, **caption})
    return [call] if fits else [call, *_texts(content.caption, {"chat_id": first["chat_id"]})]


def _file(kind: str, upload: Upload, fields: dict[str, Any]) -> Method:
    """What Telegram would refuse as a picture or a sound goes as a document, which it never refuses."""
    mime, size = upload.attachment.mime.partition(";")[0].strip().lower(), upload.attachment.size
    if mime == "image/gif" or kind == "animation":
        return SendAnimation(animation=upload, **fields)
    if kind == "sticker":
        return SendSticker(sticker=upload, **fields)
    if mime not in rules.LIMITS.mimes.get(kind, ()) or (kind == "image" and size > rules.PHOTO_BYTES):
        return SendDocument(document=upload, **fields)
    match kind:
        case "image":
            return SendPhoto(photo=upload, **fields)
        case "video":
            return SendVideo(video=upload, supports_streaming=True, **fields)
        case "voice":
            return SendVoice(voice=upload, **fields)
        case "audio":
            return SendAudio(audio=upload, **fields)
    return SendDocument(document=upload, **fields)


def as_document(call: Method) -> Method | None:
    """The same picture as a file: how to send one that Telegram cannot process."""
    if not isinstance(call, SendPhoto) or not isinstance(call.photo, Upload):
        return None
    fields: dict[str, Any] = {
        "chat_id": call.chat_id,
        "caption": call.caption,
        "reply_parameters": call.reply_parameters,
    }
    return SendDocument(document=call.photo, **{key: value for key, value in fields.items() if value})


def broken_upload(call: Method) -> bool:
    return any(isinstance(value, Upload) and value.failed for value in vars(call).values())


def upload_bytes(call: Method) -> int:
    return sum(value.attachment.size for value in vars(call).values() if isinstance(value, Upload))


def _place(place: Location, first: dict[str, Any]) -> Method:
    """A venue needs both a title and an address."""
    where = {"latitude": place.latitude, "longitude": place.longitude, **first}
    if place.name or place.address:
        return SendVenue(title=place.name or place.address, address=place.address or place.name, **where)
    return SendLocation(**where)


def _card(card: Card, first: dict[str, Any]) -> list[Method]:
    if not card.phones:
        return _texts("\n".join(filter(None, (card.name, card.company, *card.emails))), first)
    name = card.name.strip() or card.phones[0]
    return [SendContact(phone_number=card.phones[0], first_name=name, **first)]


def _buttons(content: Buttons, first: dict[str, Any]) -> list[Method]:
    """Telegram's buttons have no room for descriptions, nor a message for a footer: both go into the text. The
    buttons stand below its last part."""
    if not rules.buttons_fit(content):
        raise Rejected("buttons", N_("Telegram does not accept these buttons."))
    described = [f"{one.title}: {one.description}" for one in content.buttons if one.description]
    text = "\n\n".join(filter(None, (content.text, "\n".join(described), content.footer)))
    calls = _texts(text, first)
    keyboard = InlineKeyboardMarkup(inline_keyboard=[[_button(button)] for button in content.buttons])
    return [*calls[:-1], *(call.model_copy(update={"reply_markup": keyboard}) for call in calls[-1:])]


def _button(button: Button) -> InlineKeyboardButton:
    if button.url:
        return InlineKeyboardButton(text=button.title, url=button.url)
    return InlineKeyboardButton(text=button.title, callback_data=button.id)


def _reaction(content: Emoji, first: dict[str, Any]) -> Method:
    """Telegram's list of reactions has them without the variation selector that keyboards add."""
    target = message_number(content.target)
    if target is None:
        raise Rejected("no_message", N_("The message is no longer there."))
    emoji = content.emoji.replace("\ufe0f", "")
    reaction: list[Any] = [ReactionTypeEmoji(emoji=emoji)] if emoji else []
    return SetMessageReaction(chat_id=first["chat_id"], message_id=target, reaction=reaction)


def message_number(platform_id: str | None) -> int | None:
    """None for what is not an ordinary message, such as a button press: it can be neither quoted nor reacted to."""
    number = (platform_id or "").rpartition(":")[2]
    return int(number) if number.isdecimal() and ":cb:" not in (platform_id or "") else None


def _reply_parameters(reply_to: str | None) -> ReplyParameters | None:
    """A quoted message that was deleted meanwhile must not keep the answer from being sent."""
    number = message_number(reply_to)
    return ReplyParameters(message_id=number, allow_sending_without_reply=True) if number else None


def _file_name(name: str) -> str:
    visible = "".join(char for char in name.replace("\\", "/").rpartition("/")[2] if char.isprintable())
    return visible.replace('"', "'").strip(". ")[-120:] or "file"
