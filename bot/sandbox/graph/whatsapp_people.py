"""What people do on WhatsApp, in the words of its webhooks: Cloud API, Webhooks, messages reference (2026-08)."""

import base64
from functools import partial
from typing import Any

from bot.sandbox.graph.hooks import Hooks
from bot.sandbox.graph.whatsapp import change
from bot.sandbox.world.acts import Act, Contact, Picture, Place
from bot.sandbox.world.chats import Chat, Line
from bot.sandbox.world.people import Person
from bot.sandbox.world.world import World

KINDS = {"voice": "audio", "animation": "video"}
HOME = Place(latitude=4.6735, longitude=-74.0557, name="Parque El Virrey", address="Carrera 15 # 87-39, Bogotá")


class WhatsAppPeople:
    def __init__(self, world: World, hooks: Hooks) -> None:
        self._world, self._hooks = world, hooks

    def act(self, chat: Chat, act: Act) -> str:
        """Do it and tell the company. The id of the message, which is new except for what nobody is told of."""
        at = act.at or self._world.now()
        wamid = "wamid." + self._world.serial()
        message, line = self._message(chat, act, at)
        message = {"id": wamid, "timestamp": str(int(at)), **message}
        if act.reply_to:
            message["context"] = {"from": chat.account.phone, "id": act.reply_to} | message.get("context", {})
        if act.forwarded:
            message["context"] = {"forwarded": True}
        if act.referral:
            message["referral"] = act.referral
        done = self._remember(chat, line, wamid, act) if line else None
        self._tell(chat, message, echo=act.from_company, done=done)
        return wamid

    def _remember(self, chat: Chat, line: Line, wamid: str, act: Act) -> Any:
        line.id, line.quoted = wamid, act.reply_to
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

    def _message(self, chat: Chat, act: Act, at: float) -> tuple[dict[str, Any], Line | None]:
        """The message without id and time, and how the phone draws it (nothing for what only changes another)."""
        match act.thing:
            case "text":
                text = act.text or ""
                return {"type": "text", "text": {"body": text}}, Line("", "person", "text", at, text)
            case "media":
                return self._media(chat, act.media or Picture(sample="llave"), at)
            case "location":
                return _place(act.location, at)
            case "contact":
                return _contact(act.contact, at)
            case "press":
                return self._press(chat, act, at)
            case "raw":
                kind = str((act.raw or {}).get("type", "unknown"))
                return dict(act.raw or {}), Line("", "person", "raw", at, kind)
            case _:
                return self._on_another(chat, act), None

    def _media(self, chat: Chat, picture: Picture, at: float) -> tuple[dict[str, Any], Line]:
        data, mime = picture.read(), picture.type()
        stored = self._world.files.add(
            data, account=chat.account.id, mime=mime, name=picture.title(), at=self._world.now()
        )
        kind = KINDS.get(picture.kind, picture.kind)
        body: dict[str, Any] = {"id": stored.id, "mime_type": mime}
        body["sha256"] = base64.b64encode(stored.sha256).decode()
        if picture.caption and kind in ("image", "video", "document"):
            body["caption"] = picture.caption
        if kind == "document":
            body["filename"] = picture.title() or "archivo"
        if kind == "audio":
            body["voice"] = picture.kind == "voice"
        if kind == "sticker":
            body["animated"] = False
        media = {"kind": picture.kind, "id": stored.id, "name": picture.title(), "seconds": picture.seconds}
        return {"type": kind, kind: body}, Line("", "person", kind, at, picture.caption, data={"media": media})

    def _press(self, chat: Chat, act: Act, at: float) -> tuple[dict[str, Any], Line | None]:
        target, button = pressed(chat, act)
        if button["kind"] == "contact":
            return self.shared_phone(chat, at, quoted=target.id)
        if button["kind"] == "location":
            message, line = _place(HOME, at)
            return message | {"context": {"from": chat.account.phone, "id": target.id}}, line
        if button["kind"] == "flow":
            answer = {"name": "flow", "body": "Sent", "response_json": '{"flow_token":"unused"}'}
            content: dict[str, Any] = {"type": "nfm_reply", "nfm_reply": answer}
        else:
            content = _answer(button)
        message = {"type": "interactive", "interactive": content}
        if button["kind"] == "template":
            message = {"type": "button", "button": {"payload": button["id"], "text": button["title"]}}
        message["context"] = {"from": chat.account.phone, "id": target.id}
        return message, Line("", "person", "text", at, button["title"], quoted=target.id)

    def shared_phone(self, chat: Chat, at: float, *, quoted: str = "") -> tuple[dict[str, Any], Line]:
        """The answer to "share your contact". From now on their number is shown again."""
        person = chat.person
        person.hidden = False
        card = _card(Contact(name=person.name, phones=("+" + person.phone,)), wa_id=person.phone)
        message: dict[str, Any] = {"type": "contacts", "contacts": [card | {"origin": "contact_request"}]}
        if quoted:
            message["context"] = {"from": chat.account.phone, "id": quoted}
        line = Line("", "person", "contacts", at, data={"cards": [{"name": person.name, "phones": [person.phone]}]})
        return message, line

    def share_phone(self, chat: Chat) -> str:
        message, line = self.shared_phone(chat, self._world.now())
        line.id = "wamid." + self._world.serial()
        self._world.chats.hear(chat, line)
        told = {"id": line.id, "timestamp": str(int(line.at)), **message}
        self._tell(chat, told, done=partial(self._delivered, chat, line))
        return line.id

    def _on_another(self, chat: Chat, act: Act) -> dict[str, Any]:
        """Reactions, edits and deletions: they have an id of their own and change another message."""
        if act.react:
            if line := chat.find(act.react.message):
                line.reactions.pop("person", None)
                if act.react.emoji:
                    line.reactions["person"] = act.react.emoji
                self._world.chats.changed(chat)
            emoji = {"emoji": act.react.emoji} if act.react.emoji else {}
            return {"type": "reaction", "reaction": {"message_id": act.react.message, **emoji}}
        if act.edit:
            if line := chat.find(act.edit.message):
                line.text, line.data["edited"] = act.edit.text, True
                self._world.chats.changed(chat)
            inner = {"type": "text", "text": {"body": act.edit.text}}
            return {"type": "edit", "edit": {"original_message_id": act.edit.message, "message": inner}}
        if line := chat.find(act.delete):
            line.kind, line.text, line.data = "deleted", "", {}
            self._world.chats.changed(chat)
        return {"type": "revoke", "revoke": {"original_message_id": act.delete}}

    def _tell(self, chat: Chat, message: dict[str, Any], *, echo: bool = False, done: Any = None) -> None:
        person, account = chat.person, chat.account
        user_id = person.whatsapp_id(account.scope)
        if echo:
            whom = {"to_user_id": user_id} | ({} if person.hidden else {"to": person.phone})
            message = {"from": account.phone, **whom, **message}
            news = change(account, field="smb_message_echoes", message_echoes=[message])
        else:
            who = {"from_user_id": user_id} | ({} if person.hidden else {"from": person.phone})
            contacts = [contact_of(person, account.scope)]
            news = change(account, contacts=contacts, messages=[who | message])
        self._hooks.offer(account, news, done=done)

    def block(self, chat: Chat, blocked: bool) -> None:
        """WhatsApp tells nobody: messages simply do not arrive any more."""
        chat.blocked = blocked
        self._world.chats.changed(chat)

    def moved(self, chat: Chat, phone: str) -> None:
        """They change their number, which gives them a new user id as well."""
        person, account = chat.person, chat.account
        before, old_phone = person.whatsapp_id(account.scope), person.phone
        self._world.people.move(person, phone)
        system = {
            "type": "user_changed_number",
            "body": f"{person.name} changed from {old_phone} to {person.phone}",
            "wa_id": person.phone,
            "user_id": person.whatsapp_id(account.scope),
            "previous_user_id": before,
        }
        wamid, at = "wamid." + self._world.serial(), self._world.now()
        message = {"id": wamid, "timestamp": str(int(at)), "from": old_phone, "type": "system", "system": system}
        self._hooks.offer(account, change(account, messages=[message]))

    def stop_marketing(self, chat: Chat, *, stop: bool) -> None:
        """The switch in the app: webhook field user_preferences."""
        person, account = chat.person, chat.account
        preference = {
            "user_id": person.whatsapp_id(account.scope),
            "detail": f"User requested to {'stop' if stop else 'resume'} marketing messages",
            "category": "marketing_messages",
            "value": "stop" if stop else "resume",
            "timestamp": int(self._world.now()),
        }
        contacts = [contact_of(person, account.scope)]
        news = change(account, field="user_preferences", contacts=contacts, user_preferences=[preference])
        self._hooks.offer(account, news)


def contact_of(person: Person, portfolio: str) -> dict[str, Any]:
    profile = {"name": person.name} | ({"username": person.username} if person.username else {})
    phone = {} if person.hidden else {"wa_id": person.phone}
    return {"profile": profile, "user_id": person.whatsapp_id(portfolio), **phone}


def pressed(chat: Chat, act: Act) -> tuple[Line, dict[str, str]]:
    """What was pressed, on which message. Raises LookupError."""
    press = act.press
    line = chat.find(press.message) if press else None
    if press is None or line is None:
        raise LookupError("The company has sent no such message to this person.")
    for button in line.data.get("buttons", ()):
        if button["id"] == press.button:
            return line, button
    raise LookupError("That message has no such button.")


def _answer(button: dict[str, str]) -> dict[str, Any]:
    if button["kind"] != "row":
        return {"type": "button_reply", "button_reply": {"id": button["id"], "title": button["title"]}}
    row = {"id": button["id"], "title": button["title"]}
    if button.get("description"):
        row["description"] = button["description"]
    return {"type": "list_reply", "list_reply": row}


def _place(place: Place | None, at: float) -> tuple[dict[str, Any], Line]:
    found = place.model_dump(exclude_defaults=True) if place else {}
    return {"type": "location", "location": found}, Line("", "person", "location", at, data={"place": found})


def _contact(contact: Contact | None, at: float) -> tuple[dict[str, Any], Line]:
    card = contact or Contact(name="")
    shown = {"name": card.name, "phones": list(card.phones)}
    return (
        {"type": "contacts", "contacts": [_card(card)]},
        Line("", "person", "contacts", at, data={"cards": [shown]}),
    )


def _card(contact: Contact, *, wa_id: str = "") -> dict[str, Any]:
    first, _, last = contact.name.partition(" ")
    name = {"formatted_name": contact.name, "first_name": first} | ({"last_name": last} if last else {})
    known = {"wa_id": wa_id} if wa_id else {}
    phones = [{"phone": phone, "type": "CELL", **known} for phone in contact.phones]
    return {"name": name, "phones": phones} | ({"org": {"company": contact.company}} if contact.company else {})
