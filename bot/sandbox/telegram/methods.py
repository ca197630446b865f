"""What a bot may ask for: Bot API, Available methods (10.3, 2026-08). Every method raises BotError."""

from collections.abc import Callable, Mapping
from typing import Any

from bot.sandbox.telegram.drawing import buttons_of, drawn_file, keyboard_of
from bot.sandbox.telegram.errors import BotError, bad
from bot.sandbox.telegram.messages import user_of
from bot.sandbox.telegram.params import Params, Upload
from bot.sandbox.world.chats import Chat, Line
from bot.sandbox.world.company import Account
from bot.sandbox.world.world import World

MAX_TEXT, MAX_CAPTION, MAX_CALLBACK_ANSWER = 4096, 1024, 200
MB = 2**20
MOST_BYTES = {"photo": 10 * MB}
MAX_UPLOAD, MAX_DOWNLOAD = 50 * MB, 20 * MB
TYPING_SECONDS = 5
REFUSALS = {400: "chat not found", 403: "user is deactivated", 429: "retry after 5"}
# Bot API, ReactionTypeEmoji: the only ones a bot may give.
REACTIONS = frozenset(
    "👍👎🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳🌚🌭💯🤣⚡🍌🏆💔🤨😐🍓🍾💋"
    "🖕😈😴😭🤓👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾😡❤"
) | {"👨‍💻", "❤‍🔥", "❤️"}
FILES = ("photo", "video", "animation", "document", "audio", "voice", "video_note", "sticker")
NO_CAPTION = ("sticker", "video_note")


class Methods:
    def __init__(self, world: World) -> None:
        self._world = world
        self._table: dict[str, Callable[[Account, Params], Any]] = {
            "getme": self._get_me,
            "getchat": self._get_chat,
            "getfile": self._get_file,
            "sendmessage": self._send_message,
            "sendmediagroup": self._send_media_group,
            "sendlocation": self._send_location,
            "sendvenue": self._send_location,
            "sendcontact": self._send_contact,
            "sendchataction": self._send_chat_action,
            "setmessagereaction": self._set_message_reaction,
            "answercallbackquery": self._answer_callback_query,
            "editmessagetext": self._edit_text,
            "editmessagecaption": self._edit_text,
            "editmessagereplymarkup": self._edit_markup,
            "deletemessage": self._delete_message,
        }
        self._table |= {f"send{kind.replace('_', '')}": self._sender(kind) for kind in FILES}
        # Settings of the bot itself change nothing that can be seen here.
        for name in ("setmycommands", "deletemycommands", "setmydescription", "setchatmenubutton", "logout", "close"):
            self._table[name] = lambda account, params: True

    def find(self, name: str) -> Callable[[Account, Params], Any] | None:
        return self._table.get(name)

    # --- asking ---------------------------------------------------------------------------------------------------

    def _get_me(self, account: Account, params: Params) -> dict[str, Any]:
        flags = ("can_join_groups", "can_connect_to_business")
        return bot_user(account) | dict.fromkeys(flags, True) | {"can_read_all_group_messages": False}

    def _get_chat(self, account: Account, params: Params) -> dict[str, Any]:
        return user_of(self._chat(account, params).person, chat=True)

    def _get_file(self, account: Account, params: Params) -> dict[str, Any]:
        file_id = params.text("file_id")
        stored = self._world.files.find(file_id)
        if stored is None or stored.account != account.id:
            raise bad("invalid file_id")
        if len(stored.data) > MAX_DOWNLOAD:
            raise bad("file is too big")
        path = f"files/file_{stored.id}"
        return {
            "file_id": file_id,
            "file_unique_id": f"u{stored.id}",
            "file_size": len(stored.data),
            "file_path": path,
        }

    # --- sending --------------------------------------------------------------------------------------------------

    def _chat(self, account: Account, params: Params) -> Chat:
        person = self._world.people.at(account, params.text("chat_id"))
        chat = self._world.chats.find(account, person) if person else None
        # Bots cannot write first: without a word from the person there is no chat.
        if chat is None or chat.heard_at is None:
            raise bad("chat not found")
        return chat

    def _writable(self, account: Account, params: Params) -> Chat:
        self._keep_bot_pace(account)
        chat = self._chat(account, params)
        person = chat.person
        if scripted := self._world.refusal("telegram", str(person.telegram_id), person.id):
            raise BotError(scripted.code, scripted.message or REFUSALS.get(scripted.code, ""))
        if chat.blocked:
            raise BotError(403, "bot was blocked by the user")
        limits = self._world.limits
        if limits.on:
            per_second = 1 / limits.telegram_chat_seconds
            self._wait_for(
                self._world.buckets.take(
                    f"{account.id}:{person.id}", per_second=per_second, burst=limits.telegram_chat_burst
                )
            )
        return chat

    def _keep_bot_pace(self, account: Account) -> None:
        per_second = self._world.limits.telegram_per_second
        if self._world.limits.on:
            self._wait_for(self._world.buckets.take(account.id, per_second=per_second, burst=per_second))

    def _wait_for(self, seconds: float) -> None:
        if seconds:
            whole = int(seconds) + 1
            raise BotError(429, f"retry after {whole}", retry_after=whole)

    def _send_message(self, account: Account, params: Params) -> dict[str, Any]:
        chat = self._writable(account, params)
        text = _parsed(params, "text", MAX_TEXT)
        if not text.strip():
            raise bad("message text is empty")
        return self._sent(chat, params, Line("", "company", "text", 0.0, text), {"text": text})

    def _sender(self, kind: str) -> Callable[[Account, Params], Any]:
        def send(account: Account, params: Params) -> dict[str, Any]:
            chat = self._writable(account, params)
            caption = "" if kind in NO_CAPTION else _parsed(params, "caption", MAX_CAPTION)
            content, line = self._file(account, kind, params.file(kind), caption)
            return self._sent(chat, params, line, content)

        return send

    def _file(self, account: Account, kind: str, given: Upload | str, caption: str) -> tuple[dict[str, Any], Line]:
        if isinstance(given, str):
            stored = self._world.files.find(given)
            if stored is None or stored.account != account.id:
                raise bad("wrong file identifier/HTTP URL specified")
        else:
            if len(given.data) > MOST_BYTES.get(kind, MAX_UPLOAD):
                raise BotError(413)
            if not given.data:
                raise bad("file must be non-empty")
            stored = self._world.files.add(
                given.data, account=account.id, mime=given.mime, name=given.name, at=self._world.now()
            )
        return drawn_file(kind, stored, caption)

    def _send_media_group(self, account: Account, params: Params) -> list[dict[str, Any]]:
        items = params.json("media")
        if not isinstance(items, list) or not 2 <= len(items) <= 10:
            raise bad("group send failed: 2 to 10 items are allowed")
        chat = self._writable(account, params)
        group = str(self._world.dice.randrange(10**16, 10**17))
        sent = []
        for item in items:
            caption = str(item.get("caption", ""))[:MAX_CAPTION]
            content, line = self._file(account, str(item.get("type")), params.attached(str(item["media"])), caption)
            sent.append(self._sent(chat, params, line, content | {"media_group_id": group}))
        return sent

    def _send_location(self, account: Account, params: Params) -> dict[str, Any]:
        chat = self._writable(account, params)
        place = {"latitude": params.number("latitude"), "longitude": params.number("longitude")}
        content: dict[str, Any] = {"location": place}
        names = {name: params.get(name) for name in ("title", "address") if params.get(name)}
        if names:
            content["venue"] = {"location": place, **names}
        shown = place | {"name": names.get("title", ""), "address": names.get("address", "")}
        return self._sent(chat, params, Line("", "company", "location", 0.0, data={"place": shown}), content)

    def _send_contact(self, account: Account, params: Params) -> dict[str, Any]:
        chat = self._writable(account, params)
        contact = {"phone_number": params.text("phone_number"), "first_name": params.text("first_name")}
        if last := params.get("last_name"):
            contact["last_name"] = last
        name = " ".join(filter(None, (contact["first_name"], last)))
        card = {"name": name, "phones": [contact["phone_number"]]}
        return self._sent(
            chat, params, Line("", "company", "contacts", 0.0, data={"cards": [card]}), {"contact": contact}
        )

    def _sent(self, chat: Chat, params: Params, line: Line, content: dict[str, Any]) -> dict[str, Any]:
        line.quoted = _replied(chat, params)
        markup = params.json("reply_markup") or {}
        line.data["buttons"] = buttons_of(markup)
        if (keyboard := keyboard_of(markup)) is not None:
            line.data["keyboard"] = keyboard
        line.id, line.at, line.status = str(chat.next_number()), self._world.now(), "delivered"
        message = {
            "message_id": int(line.id),
            "from": bot_user(chat.account),
            "chat": user_of(chat.person, chat=True),
            "date": int(line.at),
            **content,
        }
        if "inline_keyboard" in markup:
            message["reply_markup"] = markup
        line.data["message"] = message
        who = str(chat.person.telegram_id)
        self._world.accepted(chat.account, who, id=line.id, kind=line.kind, text=line.text, callback="")
        chat.typing_until = 0.0
        chat.add(line)
        self._world.chats.changed(chat)
        return message

    # --- on other messages ----------------------------------------------------------------------------------------

    def _send_chat_action(self, account: Account, params: Params) -> bool:
        chat = self._chat(account, params)
        params.text("action")
        chat.typing_until = self._world.now() + TYPING_SECONDS
        self._world.chats.changed(chat)
        return True

    def _line(self, account: Account, params: Params, deed: str) -> tuple[Chat, Line]:
        chat = self._chat(account, params)
        line = chat.find(params.text("message_id"))
        if line is None:
            raise bad(f"message to {deed} not found")
        return chat, line

    def _set_message_reaction(self, account: Account, params: Params) -> bool:
        chat, line = self._line(account, params, "react")
        given = params.json("reaction") or []
        emoji = str(given[0].get("emoji", "")) if given else ""
        if len(given) > 1 or emoji and emoji not in REACTIONS:
            raise bad("REACTION_INVALID")
        line.reactions.pop("company", None)
        if emoji:
            line.reactions["company"] = emoji
        self._world.chats.changed(chat)
        return True

    def _answer_callback_query(self, account: Account, params: Params) -> bool:
        query = params.text("callback_query_id")
        if len(params.get("text")) > MAX_CALLBACK_ANSWER:
            raise bad("MESSAGE_TOO_LONG")
        for chat in self._world.chats:
            line = next((each for each in chat.lines if each.data.get("query") == query), None)
            if chat.account is account and line:
                line.data["answered"] = params.get("text") or True
                self._world.chats.changed(chat)
                return True
        raise bad("query is too old and response timeout expired or query ID is invalid")

    def _edit_text(self, account: Account, params: Params) -> dict[str, Any]:
        chat, line = self._own_line(account, params)
        name, most = ("text", MAX_TEXT) if line.kind == "text" else ("caption", MAX_CAPTION)
        text = _parsed(params, name, most)
        if text == line.text:
            raise bad("message is not modified: specified new message content and reply markup are exactly the same")
        line.text, line.data["edited"] = text, True
        return self._edited(chat, line, {name: text})

    def _edit_markup(self, account: Account, params: Params) -> dict[str, Any]:
        chat, line = self._own_line(account, params)
        markup = params.json("reply_markup") or {}
        line.data["buttons"] = buttons_of(markup)
        return self._edited(chat, line, {"reply_markup": markup})

    def _own_line(self, account: Account, params: Params) -> tuple[Chat, Line]:
        chat, line = self._line(account, params, "edit")
        if line.by != "company":
            raise bad("message can't be edited")
        return chat, line

    def _edited(self, chat: Chat, line: Line, changes: Mapping[str, Any]) -> dict[str, Any]:
        message: dict[str, Any] = line.data["message"] | changes | {"edit_date": int(self._world.now())}
        line.data["message"] = message
        self._world.chats.changed(chat)
        return message

    def _delete_message(self, account: Account, params: Params) -> bool:
        chat, line = self._line(account, params, "delete")
        line.kind, line.text, line.data = "deleted", "", {}
        self._world.chats.changed(chat)
        return True


def bot_user(account: Account) -> dict[str, Any]:
    return {"id": int(account.id), "is_bot": True, "first_name": account.name, "username": account.username}


def _parsed(params: Params, name: str, longest: int) -> str:
    text = params.get(name)
    if params.get("parse_mode").upper() == "HTML" and text.count("<") != text.count(">"):
        raise bad("can't parse entities: Unclosed start tag at byte offset 0")
    if len(text) > longest:
        raise bad("message is too long" if name == "text" else "message caption is too long")
    return text


def _replied(chat: Chat, params: Params) -> str | None:
    reply = params.json("reply_parameters") or {}
    wanted = str(reply.get("message_id") or params.get("reply_to_message_id") or "")
    if not wanted:
        return None
    if chat.find(wanted) is None:
        if reply.get("allow_sending_without_reply"):
            return None
        raise bad("message to be replied not found")
    return wanted
