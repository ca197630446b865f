"""What people do on Messenger, in the words of its webhooks: Messenger Platform, Webhook events (2026-06)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bot.sandbox.graph.hooks import Hooks
from bot.sandbox.graph.messenger import event_of, file_url
from bot.sandbox.graph.whatsapp_people import pressed
from bot.sandbox.world.acts import Act, Picture
from bot.sandbox.world.chats import Chat, Line
from bot.sandbox.world.world import World

KINDS = {"voice": "audio", "document": "file", "animation": "video"}
# What the page's own inbox signs its echoes with.
PAGE_INBOX = 26390203743090
REACTIONS = {
    "❤": "love",
    "❤️": "love",
    "😆": "smile",
    "😮": "wow",
    "😢": "sad",
    "😠": "angry",
    "👍": "like",
    "👎": "dislike",
}


class MessengerPeople:
    def __init__(self, world: World, hooks: Hooks) -> None:
        self._world, self._hooks = world, hooks

    def act(self, chat: Chat, act: Act) -> str:
        at = act.at or self._world.now()
        mid = "m_" + self._world.serial()
        field, event, line = self._event(chat, act, mid, at)
        if act.reply_to and "message" in event:
            event["message"]["reply_to"] = {"mid": act.reply_to}
        if act.referral:
            event.setdefault("message", {})["referral"] = act.referral
        done = self._remember(chat, line, mid, act) if line else None
        if act.from_company and "message" in event:
            field, event["message"] = "message_echoes", event["message"] | {"is_echo": True, "app_id": PAGE_INBOX}
        self._offer(chat, field, event_of(chat, event, at, outbound=act.from_company), done)
        return mid

    def _remember(self, chat: Chat, line: Line, mid: str, act: Act) -> Callable[[], None] | None:
        line.id, line.quoted = mid, act.reply_to
        if act.from_company:
            line.by = "company"
            chat.add(line)
            self._world.chats.changed(chat)
            return None
        self._world.chats.hear(chat, line)
        return partial(self._delivered, chat, line)

    def _delivered(self, chat: Chat, line: Line) -> None:
        if line.climb("delivered"):
            self._world.chats.changed(chat)

    def _event(self, chat: Chat, act: Act, mid: str, at: float) -> tuple[str, dict[str, Any], Line | None]:
        match act.thing:
            case "text":
                text = act.text or ""
                return "messages", _message(mid, text=text), Line(mid, "person", "text", at, text)
            case "media":
                return self._media(chat, act.media or Picture(sample="llave"), mid, at)
            case "location":
                return self._link(act, mid, at)
            case "contact":
                card = act.contact
                text = " ".join([card.name, *card.phones]) if card else ""
                return "messages", _message(mid, text=text), Line(mid, "person", "text", at, text)
            case "press":
                return self._press(chat, act, mid, at)
            case "raw":
                return "messages", dict(act.raw or {}), Line(mid, "person", "raw", at)
            case _:
                return self._on_another(chat, act, at)

    def _media(self, chat: Chat, picture: Picture, mid: str, at: float) -> tuple[str, dict[str, Any], Line | None]:
        data, mime, name = picture.read(), picture.type(), picture.title()
        stored = self._world.files.add(data, account=chat.account.id, mime=mime, name=name, at=at)
        kind = KINDS.get(picture.kind, picture.kind)
        attachment = {"type": kind, "payload": {"url": file_url(self._world, stored.id)}}
        media = {"kind": picture.kind, "id": stored.id, "name": name, "seconds": picture.seconds}
        event = _message(mid, attachments=[attachment])
        if picture.caption:
            event["message"]["text"] = picture.caption
        return "messages", event, Line(mid, "person", kind, at, picture.caption, data={"media": media})

    def _link(self, act: Act, mid: str, at: float) -> tuple[str, dict[str, Any], Line | None]:
        """Messenger has no place of its own any more: people share a map link."""
        place = act.location
        where = f"{place.latitude},{place.longitude}" if place else ""
        title = place.name or where if place else ""
        payload = {"url": f"https://www.google.com/maps?q={where}", "title": title}
        line = Line(mid, "person", "location", at, data={"place": place.model_dump() if place else {}})
        return "messages", _message(mid, attachments=[{"type": "fallback", "payload": payload}]), line

    def _press(self, chat: Chat, act: Act, mid: str, at: float) -> tuple[str, dict[str, Any], Line | None]:
        target, button = pressed(chat, act)
        line = Line(mid, "person", "text", at, button["title"])
        if button["kind"] == "contact":
            phone = "+" + chat.person.phone
            line.text = phone
            return "messages", _message(mid, text=phone, quick_reply={"payload": phone}), line
        if button["kind"] == "postback":
            line.quoted = target.id
            postback = {"mid": mid, "title": button["title"], "payload": button["id"]}
            return "messaging_postbacks", {"postback": postback}, line
        quick = {"payload": button["id"]}
        return "messages", _message(mid, text=button["title"], quick_reply=quick), line

    def _on_another(self, chat: Chat, act: Act, at: float) -> tuple[str, dict[str, Any], Line | None]:
        if act.react:
            target, emoji = chat.find(act.react.message), act.react.emoji
            if target:
                target.reactions.pop("person", None)
                if emoji:
                    target.reactions["person"] = emoji
                self._world.chats.changed(chat)
            chat.heard_at = max(chat.heard_at or 0.0, at)
            reaction = {"mid": act.react.message, "action": "react" if emoji else "unreact"}
            if emoji:
                reaction |= {"emoji": emoji, "reaction": REACTIONS.get(emoji, "other")}
            return "message_reactions", {"reaction": reaction}, None
        if act.edit is None:
            raise LookupError("On Messenger nobody is told that a message was deleted.")
        target = chat.find(act.edit.message)
        number = 1
        if target:
            number = target.data["edits"] = target.data.get("edits", 0) + 1
            target.text, target.data["edited"] = act.edit.text, True
            self._world.chats.changed(chat)
        edit = {"mid": act.edit.message, "text": act.edit.text, "num_edit": str(number)}
        return "message_edits", {"message_edit": edit}, None

    def share_phone(self, chat: Chat) -> str:
        """Messenger has no card of one's own: the number is written."""
        return self.act(chat, Act(text="+" + chat.person.phone))

    def block(self, chat: Chat, blocked: bool) -> None:
        """Nobody is told; the next send is refused with 551."""
        chat.blocked = blocked
        self._world.chats.changed(chat)

    def _offer(self, chat: Chat, field: str, event: dict[str, Any], done: Callable[[], None] | None) -> None:
        if field in chat.account.fields:
            self._hooks.offer(chat.account, event, done=done)


def _message(mid: str, **content: Any) -> dict[str, Any]:
    return {"message": {"mid": mid, **content}}
