"""WhatsApp takes a message of the company: who gets it, whether it may be sent, what becomes of it."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from bot.sandbox.graph import rules
from bot.sandbox.graph.drawing import drawn
from bot.sandbox.graph.errors import GraphError, status_error, whatsapp
from bot.sandbox.graph.hooks import Hooks
from bot.sandbox.graph.template_rules import check_filled
from bot.sandbox.graph.templates import Templates
from bot.sandbox.world.chats import Chat, Line
from bot.sandbox.world.company import Account
from bot.sandbox.world.people import Person, only_digits
from bot.sandbox.world.world import World

WINDOW_SECONDS = 24 * 3600
# 1,000 free service messages per number and month since 2026-10-01: WhatsApp Business Platform, Pricing (2026-07).
FREE_SERVICE_MESSAGES = 1000
NOT_ON_WHATSAPP = "0000"
MEDIA_KINDS = {
    "image": ("image/jpeg", "image/png"),
    "video": ("video/mp4", "video/3gpp"),
    "audio": ("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"),
    "sticker": ("image/webp",),
}
TYPING_SECONDS = 25


class Recipient:
    """Whoever a message goes to. Numbers nobody plays exist as well: WhatsApp has more users than the cast."""

    __slots__ = ("chat", "given", "person", "phone", "user_id")

    def __init__(self, given: str, phone: str, user_id: str, chat: Chat | None) -> None:
        self.given, self.phone, self.user_id, self.chat = given, phone, user_id, chat
        self.person: Person | None = chat.person if chat else None

    @property
    def key(self) -> str:
        return self.phone or self.user_id

    def contact(self) -> dict[str, str]:
        found = {"input": self.given}
        if self.phone:
            found["wa_id"] = self.phone
        if self.user_id:
            found["user_id"] = self.user_id
        return found


class WhatsApp:
    kind = "whatsapp"

    def __init__(self, world: World, hooks: Hooks, templates: Templates) -> None:
        self._world, self._hooks, self._templates = world, hooks, templates

    def accept(self, account: Account, payload: dict[str, Any]) -> dict[str, Any]:
        """The answer to POST /{phone number id}/messages. Raises GraphError."""
        if "status" in payload:
            return self._signal(account, payload)
        kind = rules.check(payload)
        to = self._recipient(account, payload)
        late = self._refusal(account, to, payload, kind)
        wamid = "wamid." + self._world.serial()
        callback = str(payload.get("biz_opaque_callback_data", ""))
        pricing = self._pricing(account, payload, kind)
        text = drawn(self._templates, account, payload, kind) if to.chat or self._world.ledger.full else None
        said = text.text if text else ""
        self._world.accepted(account, to.key, id=wamid, kind=kind, text=said, callback=callback)
        if to.chat and text:
            text.id, text.at, text.data["callback"] = wamid, self._world.now(), callback
            self._show(to.chat, text, kind, payload)
        if self._world.timing.statuses:
            self._plan(account, to, Sent(wamid, callback, pricing, kind), late)
        message = {"id": wamid} | ({"message_status": "accepted"} if kind == "template" else {})
        return {"messaging_product": "whatsapp", "contacts": [to.contact()], "messages": [message]}

    def _recipient(self, account: Account, payload: Mapping[str, Any]) -> Recipient:
        given, user_id = payload.get("to"), payload.get("recipient")
        if given:
            phone = only_digits(str(given))
            if phone == account.phone:
                raise whatsapp(131021)
            person = self._world.people.at_phone(phone)
            if not 6 <= len(phone) <= 20:
                rules.refuse("Param to is not a valid phone number.")
            if person is None:
                return Recipient(str(given), phone, "", None)
            chat = self._world.chats.open(account, person)
            return Recipient(str(given), person.phone, person.whatsapp_id(account.scope), chat)
        if not user_id:
            rules.missing("to")
        if not rules.USER_ID.fullmatch(str(user_id)):
            rules.invalid("recipient is not a business-scoped user id")
        person = self._world.people.at(account, str(user_id))
        if person is None:
            rules.invalid("This business-scoped user id does not belong to your business portfolio")
        return Recipient(str(user_id), "", str(user_id), self._world.chats.open(account, person))

    def _refusal(self, account: Account, to: Recipient, payload: Mapping[str, Any], kind: str) -> int:
        """Raises what is told at once; returns the code of a refusal that comes later as a status, else 0."""
        self._keep_pace(account, to)
        if scripted := self._world.refusal("whatsapp", to.key, to.given, to.person.id if to.person else ""):
            if not scripted.late:
                raise whatsapp(scripted.code, subcode=scripted.subcode)
            return scripted.code
        if kind == "template":
            self._check_template(account, payload["template"])
        elif not self._window_is_open(to.chat):
            return self._sooner_or_later(131047, "Message failed to send because more than 24 hours have passed")
        if code := self._check_media(account, payload, kind):
            return code
        letters_in_to = not to.user_id and any(letter.isalpha() for letter in to.given)
        return 131026 if letters_in_to or to.phone.endswith(NOT_ON_WHATSAPP) else 0

    def _sooner_or_later(self, code: int, details: str) -> int:
        if self._world.chance(self._world.faults.late_refusals, "whatsapp"):
            return code
        raise whatsapp(code, details)

    def _keep_pace(self, account: Account, to: Recipient) -> None:
        limits = self._world.limits
        if not limits.on:
            return
        rate = limits.whatsapp_per_second
        if self._world.buckets.take(account.id, per_second=rate, burst=rate):
            raise whatsapp(130429, "Message failed to send because there were too many messages sent")
        pair = f"{account.id}:{to.key}"
        per_second = 1 / limits.whatsapp_person_seconds
        if self._world.buckets.take(pair, per_second=per_second, burst=limits.whatsapp_person_burst):
            raise whatsapp(131056, "Message failed to send because there were too many messages to this person")

    def _check_template(self, account: Account, template: Mapping[str, Any]) -> None:
        name, language = template["name"], template["language"]["code"]
        _, needs = self._templates.usable(account.owner, name, language)
        check_filled(needs, template.get("components", []))

    def _window_is_open(self, chat: Chat | None) -> bool:
        return bool(chat and chat.heard_at and self._world.now() - chat.heard_at < WINDOW_SECONDS)

    def _check_media(self, account: Account, payload: Mapping[str, Any], kind: str) -> int:
        media_id = payload[kind].get("id") if kind in (*MEDIA_KINDS, "document") else None
        if not media_id:
            return 0
        stored = self._world.files.find(str(media_id))
        if stored is None or stored.account != account.id:
            rules.invalid(f"Media ID {media_id} could not be found")
        # A file of the wrong kind is noticed only when it is processed.
        return 131053 if stored.mime.split(";")[0] not in MEDIA_KINDS.get(kind, (stored.mime,)) else 0

    def _pricing(self, account: Account, payload: Mapping[str, Any], kind: str) -> dict[str, Any]:
        if kind == "template":
            template = payload["template"]
            row = self._templates.find(account, template["name"], template["language"]["code"])
            category, free = str(row["category"]).lower() if row else "utility", False
        else:
            account.free_used += 1
            category, free = "service", account.free_used <= FREE_SERVICE_MESSAGES
        price = "free_customer_service" if free else "regular"
        return {"billable": not free, "pricing_model": "PMP", "type": price, "category": category}

    def _show(self, chat: Chat, line: Line, kind: str, payload: Mapping[str, Any]) -> None:
        chat.typing_until = 0.0
        if kind == "reaction":
            target = chat.find(payload["reaction"]["message_id"])
            if target is None:
                return
            target.reactions.pop("company", None)
            if line.text:
                target.reactions["company"] = line.text
        else:
            line.status = "waiting" if self._world.timing.statuses else "sent"
            line.quoted = (payload.get("context") or {}).get("message_id")
            chat.add(line)
        self._world.chats.changed(chat)

    def _signal(self, account: Account, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Mark as read, and typing: Cloud API, Typing indicators (2026-08). Unknown message ids are refused."""
        if payload["status"] != "read":
            rules.refuse("Param status must be one of {READ}")
        wamid = rules.text_of(payload.get("message_id"), "message_id", 512)
        chat = self._world.chats.holder(wamid)
        if chat is None or chat.account is not account:
            rules.invalid("message_id is unknown")
        chat.mark_read(until=wamid)
        if payload.get("typing_indicator"):
            chat.typing_until = self._world.now() + TYPING_SECONDS
        self._world.chats.changed(chat)
        return {"success": True}

    # --- what becomes of it ---------------------------------------------------------------------------------------

    def _plan(self, account: Account, to: Recipient, sent: "Sent", late: int) -> None:
        world = self._world
        if late:
            delay = world.timing.within(world.timing.delivered, world.dice)
            return world.timetable.add(delay, partial(self._fail, account, to, sent, late))
        reads = world.person_reads(to.chat) if to.chat else world.dice.random() < world.timing.reads
        now, delay = world.now(), world.faults.status_delay
        for status, happens, told in world.timing.plan(world.dice):
            if status == "sent" or self._arrives(to, sent, status, reads):
                news = self._status(to, sent, status, now + happens)
                world.timetable.add(told + delay, partial(self._tell, account, to.chat, sent.wamid, news))
        return None

    def _arrives(self, to: Recipient, sent: "Sent", status: str, reads: bool) -> bool:
        if sent.kind == "reaction" or (to.chat and to.chat.blocked):
            return False
        return status == "delivered" or reads

    def _status(self, to: Recipient, sent: "Sent", status: str, at: float) -> dict[str, Any]:
        found: dict[str, Any] = {"id": sent.wamid, "status": status, "timestamp": str(int(at))}
        if to.phone and not (to.person and to.person.hidden):
            found["recipient_id"] = to.phone
        if to.user_id:
            found["recipient_user_id"] = to.user_id
        if sent.callback:
            found["biz_opaque_callback_data"] = sent.callback
        if status in ("sent", "delivered"):
            found["pricing"] = sent.pricing
        return found

    def _tell(self, account: Account, chat: Chat | None, wamid: str, status: dict[str, Any]) -> None:
        if chat and (line := chat.find(wamid)) and line.climb(status["status"]):
            self._world.chats.changed(chat)
        if self._world.chance(self._world.faults.lost_statuses, "whatsapp"):
            return
        self._hooks.offer(account, change(account, statuses=[status]))

    def _fail(self, account: Account, to: Recipient, sent: "Sent", code: int) -> None:
        status = self._status(to, sent, "failed", self._world.now()) | {"errors": [status_error(code)]}
        if to.chat and (line := to.chat.find(sent.wamid)):
            line.status = "failed"
            self._world.chats.changed(to.chat)
        self._hooks.offer(account, change(account, statuses=[status]))

    def seen(self, chat: Chat) -> None:
        """The person has the chat before their eyes."""
        for line in chat.unread():
            to = Recipient("", chat.person.phone, chat.person.whatsapp_id(chat.account.scope), chat)
            sent = Sent(line.id, line.data.get("callback", ""), {}, line.kind)
            self._tell(chat.account, chat, line.id, self._status(to, sent, "read", self._world.now()))


class Sent:
    """What its statuses tell about a message."""

    __slots__ = ("callback", "kind", "pricing", "wamid")

    def __init__(self, wamid: str, callback: str, pricing: dict[str, Any], kind: str) -> None:
        self.wamid, self.callback, self.pricing, self.kind = wamid, callback, pricing, kind


def change(account: Account, *, field: str = "messages", **value: Any) -> dict[str, Any]:
    """A change of the fields that name the number."""
    metadata = {"display_phone_number": account.phone, "phone_number_id": account.id}
    return {"field": field, "value": {"messaging_product": "whatsapp", "metadata": metadata, **value}}


def expired() -> GraphError:
    """What every call gets once the token is dead."""
    return GraphError(190, "Error validating access token: Session has expired.", http=401, subcode=463)
