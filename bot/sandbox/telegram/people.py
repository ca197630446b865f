"""What people do on Telegram, in the words of its updates: Bot API, Available types (10.3, 2026-08)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from bot.sandbox.telegram.drawing import told_file
from bot.sandbox.telegram.messages import user_of
from bot.sandbox.telegram.methods import bot_user
from bot.sandbox.telegram.updates import Updates
from bot.sandbox.world.acts import Act, Picture
from bot.sandbox.world.chats import Chat, Line
from bot.sandbox.world.world import World

KINDS = {"image": "photo"}
NO_CAPTION = ("sticker", "voice")


class TelegramPeople:
    def __init__(self, world: World, updates: Updates) -> None:
        self._world, self._updates = world, updates

    def act(self, chat: Chat, act: Act) -> str:
        if act.from_company:
            raise LookupError("Nobody but the bot itself writes for a Telegram bot.")
        at = act.at or self._world.now()
        match act.thing:
            case "press":
                return self._press(chat, act, at)
            case "react":
                return self._react(chat, act, at)
            case "edit":
                return self._edit(chat, act, at)
            case "delete":
                raise LookupError("On Telegram a bot is not told that a message was deleted.")
            case _:
                content, line = self._content(chat, act, at)
                return self._say(chat, content, line, act)

    def _say(self, chat: Chat, content: dict[str, Any], line: Line, act: Act) -> str:
        line.id, line.quoted = str(chat.next_number()), act.reply_to
        message = self._message(chat, int(line.id), line.at) | content
        if act.reply_to and (quoted := chat.find(act.reply_to)):
            message["reply_to_message"] = self._quoted(chat, quoted)
        if act.forwarded:
            origin = {"type": "hidden_user", "sender_user_name": "Otra persona", "date": int(line.at)}
            message["forward_origin"] = origin
        self._world.chats.hear(chat, line)
        self._offer(chat, "message", message, done=partial(self._read, chat, line))
        return line.id

    def _message(self, chat: Chat, number: int, at: float) -> dict[str, Any]:
        person = chat.person
        return {
            "message_id": number,
            "from": user_of(person),
            "chat": user_of(person, chat=True),
            "date": int(at),
        }

    def _quoted(self, chat: Chat, line: Line) -> dict[str, Any]:
        if "message" in line.data:
            return dict(line.data["message"])
        return self._message(chat, int(line.id), line.at) | {"text": line.text}

    def _read(self, chat: Chat, line: Line) -> None:
        """To a person a bot has read what it has fetched."""
        if line.climb("read"):
            self._world.chats.changed(chat)

    def _content(self, chat: Chat, act: Act, at: float) -> tuple[dict[str, Any], Line]:
        if act.media:
            return self._media(chat, act.media, at)
        if place := act.location:
            content: dict[str, Any] = {"location": {"latitude": place.latitude, "longitude": place.longitude}}
            if place.name:
                content["venue"] = content | {"title": place.name, "address": place.address}
            return content, Line("", "person", "location", at, data={"place": place.model_dump()})
        if card := act.contact:
            phone = card.phones[0] if card.phones else ""
            shown = {"name": card.name, "phones": [phone]}
            contact = {"phone_number": phone, "first_name": card.name}
            return {"contact": contact}, Line("", "person", "contacts", at, data={"cards": [shown]})
        if act.raw is not None:
            return dict(act.raw), Line("", "person", "raw", at)
        text = act.text or ""
        commands = [{"type": "bot_command", "offset": 0, "length": len(text.split()[0])}] if text[:1] == "/" else []
        content = {"text": text} | ({"entities": commands} if commands else {})
        return content, Line("", "person", "text", at, text)

    def _media(self, chat: Chat, picture: Picture, at: float) -> tuple[dict[str, Any], Line]:
        data, mime, name = picture.read(), picture.type(), picture.title()
        stored = self._world.files.add(data, account=chat.account.id, mime=mime, name=name, at=at)
        kind = KINDS.get(picture.kind, picture.kind)
        content: dict[str, Any] = {kind: told_file(kind, stored, seconds=picture.seconds)}
        if kind == "animation":
            content["document"] = told_file("document", stored)
        if picture.caption and kind not in NO_CAPTION:
            content["caption"] = picture.caption
        media = {"kind": picture.kind, "id": stored.id, "name": name, "seconds": picture.seconds}
        return content, Line("", "person", picture.kind, at, picture.caption, data={"media": media})

    def _press(self, chat: Chat, act: Act, at: float) -> str:
        press = act.press
        line = chat.find(press.message) if press else None
        if press is None or line is None:
            raise LookupError("The bot has sent no such message to this person.")
        keys = [*line.data.get("buttons", ()), *line.data.get("keyboard", ())]
        button = next((each for each in keys if each["id"] == press.button), None)
        if button is None:
            raise LookupError("That message has no such button.")
        if button["kind"] == "contact":
            return self.share_phone(chat)
        if button["kind"] != "inline":
            return self.act(chat, Act(text=button["title"], at=at))
        query = str(self._world.dice.randrange(10**17, 10**18))
        line.data["query"] = query
        content = {
            "id": query,
            "from": user_of(chat.person),
            "message": line.data.get("message") or self._message(chat, int(line.id), 0),
            "chat_instance": str(chat.person.telegram_id),
            "data": button["id"],
        }
        chat.heard_at = max(chat.heard_at or 0.0, at)
        self._offer(chat, "callback_query", content)
        return query

    def _react(self, chat: Chat, act: Act, at: float) -> str:
        target = chat.find(act.react.message) if act.react else None
        if act.react is None or target is None:
            raise LookupError("There is no such message in this chat.")
        old = target.reactions.pop("person", "")
        if act.react.emoji:
            target.reactions["person"] = act.react.emoji
        self._world.chats.changed(chat)
        content = {
            "chat": user_of(chat.person, chat=True),
            "message_id": int(target.id),
            "user": user_of(chat.person),
            "date": int(at),
            "old_reaction": [{"type": "emoji", "emoji": old}] if old else [],
            "new_reaction": [{"type": "emoji", "emoji": act.react.emoji}] if act.react.emoji else [],
        }
        self._offer(chat, "message_reaction", content)
        return target.id

    def _edit(self, chat: Chat, act: Act, at: float) -> str:
        line = chat.find(act.edit.message) if act.edit else None
        if act.edit is None or line is None or line.by != "person":
            raise LookupError("The person has written no such message.")
        line.text, line.data["edited"] = act.edit.text, True
        self._world.chats.changed(chat)
        message = self._message(chat, int(line.id), line.at) | {"edit_date": int(at), "text": line.text}
        self._offer(chat, "edited_message", message)
        return line.id

    def share_phone(self, chat: Chat) -> str:
        """The card of a contact button: it carries the sender's own id, which makes it a proof."""
        person = chat.person
        contact = {
            "phone_number": person.phone,
            "first_name": person.first_name,
            "user_id": person.telegram_id,
        }
        shown = {"name": person.name, "phones": ["+" + person.phone]}
        line = Line("", "person", "contacts", self._world.now(), data={"cards": [shown]})
        return self._say(chat, {"contact": contact}, line, Act(text="-"))

    def block(self, chat: Chat, blocked: bool) -> None:
        """Telegram tells the bot at once: update my_chat_member."""
        if chat.blocked == blocked:
            return
        chat.blocked = blocked
        bot, now = bot_user(chat.account), int(self._world.now())
        member = {"status": "member", "user": bot}
        kicked = {"status": "kicked", "user": bot, "until_date": 0}
        content = {
            "chat": user_of(chat.person, chat=True),
            "from": user_of(chat.person),
            "date": now,
            "old_chat_member": member if blocked else kicked,
            "new_chat_member": kicked if blocked else member,
        }
        self._offer(chat, "my_chat_member", content)
        self._world.chats.changed(chat)

    def seen(self, chat: Chat) -> None:
        """Bots are not told what was read; only the phone knows."""
        for line in chat.unread():
            line.climb("read")
        self._world.chats.changed(chat)

    def _offer(self, chat: Chat, kind: str, content: dict[str, Any], *, done: Callable[[], None] | None = None) -> None:
        self._updates.offer(chat.account, kind, content, chat=chat.person.telegram_id, done=done)
