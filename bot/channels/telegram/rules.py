"""What Telegram allows, and how long texts are cut. Telegram Bot API 10.3; Bots FAQ, limits (2026-08)."""

from datetime import datetime
from typing import Final

from bot.channels.contract import Limits, Verdict, Window
from bot.content import Buttons, Content, Emoji, Link, Location, Media, Text
from bot.content import Cards as ContactCards
from bot.errors import N_

OFFICIAL_URL: Final = "https://api.telegram.org"
BOT_TOKEN, WEBHOOK_SECRET = "bot_token", "webhook_secret"  # noqa: S105 - names of secrets
POLLING, WEBHOOK = "polling", "webhook"
# Never left out of a call: a bot once set up by another program would keep that program's choice.
ALLOWED_UPDATES = ("message", "edited_message", "callback_query", "my_chat_member", "message_reaction")

TEXT_UNITS, CAPTION_UNITS = 4096, 1024
CALLBACK_BYTES = 64
MEGABYTE = 1024 * 1024
PHOTO_BYTES, UPLOAD_BYTES, DOWNLOAD_BYTES = 10 * MEGABYTE, 50 * MEGABYTE, 20 * MEGABYTE
VOICE_MIMES = ("audio/ogg", "audio/mpeg", "audio/mp4", "audio/x-m4a")
JOINERS = "\u200d\ufe0f\ufe0e\u20e3"

# 25 of Telegram's "about 30" a second, so that a neighbour with the same token does not push us over.
LIMITS = Limits(
    text=TEXT_UNITS,
    caption=CAPTION_UNITS,
    buttons=100,
    button_title=64,
    media_bytes={
        "image": PHOTO_BYTES,
        **dict.fromkeys(("video", "audio", "voice", "document", "animation"), UPLOAD_BYTES),
        "sticker": MEGABYTE // 2,
    },
    mimes={
        "image": ("image/jpeg", "image/png", "image/webp"),
        "video": ("video/mp4",),
        "animation": ("image/gif", "video/mp4"),
        "audio": ("audio/mpeg", "audio/mp4", "audio/x-m4a"),
        "voice": VOICE_MIMES,
        "sticker": ("image/webp",),
        "document": ("*/*",),
    },
    per_second=25,
    per_person_seconds=1,
    person_burst=3,
    can_mark_read=False,
    can_read_receipts=False,
    can_write_first="never",
    settles_by="nothing",
    reaches=("telegram",),
    hook_per_account=True,
    can_poll=True,
)


def window(heard_at: datetime | None) -> Window:
    """Open for ever once the person has written: a bot can never be the first."""
    return Window(is_open=heard_at is not None)


def allows(content: Content, heard_at: datetime | None) -> Verdict:
    if heard_at is None:
        sentence = N_("On Telegram the person must write to the bot first.")
        return Verdict(False, "never_started", sentence)
    if not isinstance(content, Text | Media | Location | ContactCards | Buttons | Emoji | Link):
        return Verdict(False, "unsupported", N_("Telegram cannot send this kind of message."))
    if isinstance(content, Buttons) and not buttons_fit(content):
        return Verdict(False, "buttons", N_("Telegram does not accept these buttons."))
    return Verdict(True)


def buttons_fit(content: Buttons) -> bool:
    """Each needs a title and a web address or an id of at most 64 bytes: Telegram gives nothing else back."""
    if not 0 < len(content.buttons) <= LIMITS.buttons:
        return False
    return all(
        button.title and (button.url or 0 < len(button.id.encode()) <= CALLBACK_BYTES) for button in content.buttons
    )


def bot_id(token: str) -> str:
    """The account's external id: the digits before the colon. Empty for what is no token."""
    digits, colon, rest = token.partition(":")
    return digits if colon and rest and digits.isdecimal() else ""


def split(text: str, limit: int) -> list[str]:
    """Pieces of at most `limit` UTF-16 units, the stricter of the two ways Telegram counts, cut between words."""
    pieces, rest = [], text.strip()
    while _units(rest) > limit:
        cut = _border(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest else pieces


def fits(text: str, limit: int) -> bool:
    return _units(text) <= limit


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _border(text: str, limit: int) -> int:
    head = text.encode("utf-16-le", "surrogatepass")[: limit * 2].decode("utf-16-le", "ignore")
    if text[len(head)].isspace():
        return len(head)
    for mark in ("\n\n", "\n", " "):
        found = head.rfind(mark, len(head) // 2)
        if found > 0:
            return found
    return _between_characters(text, len(head))


def _between_characters(text: str, cut: int) -> int:
    """Not inside an emoji that is put together of several characters, as long as it is of a sane length."""
    for back in range(min(cut - 1, 32)):
        before, after = text[cut - back - 1], text[cut - back]
        if after not in JOINERS and before != "\u200d" and not 0x1F3FB <= ord(after) <= 0x1F3FF:
            return cut - back
    return cut
