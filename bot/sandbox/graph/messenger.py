"""Messenger takes a message of the page, and tells what people do: Messenger Platform, Webhook events (2026-06)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from bot.sandbox.graph import messenger_rules as rules
from bot.sandbox.graph.drawing import template as drawn_template
from bot.sandbox.graph.errors import messenger
from bot.sandbox.graph.hooks import Hooks
from bot.sandbox.graph.template_rules import check_filled
from bot.sandbox.graph.templates import Templates
from bot.sandbox.world.chats import Chat, Line
from bot.sandbox.world.company import Account
from bot.sandbox.world.world import World

WINDOW_SECONDS, HUMAN_SECONDS, TYPING_SECONDS = 24 * 3600, 7 * 24 * 3600, 20


@dataclass(frozen=True, slots=True)
class File:
    """A file that came with the request."""

    name: str
    mime: str
    data: bytes


class Messenger:
    kind = "messenger"

    def __init__(self, world: World, hooks: Hooks, templates: Templates) -> None:
        self._world, self._hooks, self._templates = world, hooks, templates

    def accept(self, account: Account, payload: dict[str, Any], file: File | None = None) -> dict[str, Any]:
        """The answer to POST /{page id}/messages. Raises GraphError."""
        kind = rules.check(payload)
        chat = self._chat(account, payload["recipient"])
        answer = {"recipient_id": payload["recipient"].get("id", "")}
        if kind == "action":
            return answer | self._action(chat, payload)
        self._refuse(account, chat, payload)
        line = self._draw(account, payload["message"], file)
        line.id, line.at = "m_" + self._world.serial(), self._world.now()
        line.quoted = (payload.get("reply_to") or {}).get("mid")
        metadata = str(payload["message"].get("metadata", ""))
        self._world.accepted(
            account, answer["recipient_id"], id=line.id, kind=line.kind, text=line.text, callback=metadata
        )
        chat.typing_until = 0.0
        chat.add(line)
        self._world.chats.changed(chat)
        self._plan(chat, line, payload["message"])
        answer["message_id"] = line.id
        if ((payload["message"].get("attachment") or {}).get("payload") or {}).get("is_reusable"):
            answer["attachment_id"] = line.data.get("media", {}).get("id", "")
        return answer

    def _chat(self, account: Account, recipient: Mapping[str, Any]) -> Chat:
        address = str(recipient.get("id", ""))
        person = self._world.people.at(account, address)
        if person is None:
            raise rules.not_this_person(address)
        return self._world.chats.open(account, person)

    def _action(self, chat: Chat, payload: Mapping[str, Any]) -> dict[str, Any]:
        match payload["sender_action"]:
            case "typing_on":
                chat.typing_until = self._world.now() + TYPING_SECONDS
            case "typing_off":
                chat.typing_until = 0.0
            case "mark_seen":
                chat.mark_read()
            case action:
                self._react(chat, action, payload.get("payload") or {})
        self._world.chats.changed(chat)
        return {}

    def _react(self, chat: Chat, action: str, wanted: Mapping[str, Any]) -> None:
        target = chat.find(wanted.get("message_id"))
        if target is None:
            rules.refuse("The message to react to was not found.")
        target.reactions.pop("company", None)
        if action == "react":
            target.reactions["company"] = str(wanted.get("reaction", "❤"))

    def _refuse(self, account: Account, chat: Chat, payload: Mapping[str, Any]) -> None:
        limits, person = self._world.limits, chat.person
        per_second = limits.messenger_per_second
        if limits.on and self._world.buckets.take(account.id, per_second=per_second, burst=per_second):
            raise messenger(613)
        if scripted := self._world.refusal("messenger", person.messenger_id(account.id), person.id):
            raise messenger(scripted.code, scripted.subcode, scripted.message)
        if chat.blocked:
            raise messenger(551, 1545041)
        how = payload["messaging_type"]
        if how == "UTILITY":
            return self._check_template(account, payload["message"]["template"])
        allowed = HUMAN_SECONDS if how == "MESSAGE_TAG" else WINDOW_SECONDS
        if chat.heard_at is None or self._world.now() - chat.heard_at >= allowed:
            raise messenger(10, 2018278)
        if (mid := (payload.get("reply_to") or {}).get("mid")) and chat.find(mid) is None:
            rules.refuse("The message to reply to was not found.")
        return None

    def _check_template(self, account: Account, template: Mapping[str, Any]) -> None:
        language = (template.get("language") or {}).get("code", "")
        _, needs = self._templates.usable(account.owner, str(template.get("name")), str(language))
        check_filled(needs, [part for part in template.get("components", ()) if part.get("type") != "buttons"])

    # --- how it looks ---------------------------------------------------------------------------------------------

    def _draw(self, account: Account, message: Mapping[str, Any], file: File | None) -> Line:
        line = Line("", "company", "text", 0.0, str(message.get("text", "")))
        if attachment := message.get("attachment"):
            if attachment["type"] == "template":
                line.kind = "interactive"
                line.text, line.data = _card(attachment["payload"])
            else:
                line.kind, line.data = attachment["type"], {"media": self._media(account, attachment, file)}
        elif used := message.get("template"):
            row = self._templates.find(account, used["name"], used["language"]["code"])
            line.kind, (line.text, line.data) = "template", drawn_template(row, used)
        quick = [_quick(reply) for reply in message.get("quick_replies", ())]
        line.data["buttons"] = line.data.get("buttons", []) + quick
        return line

    def _media(self, account: Account, attachment: Mapping[str, Any], file: File | None) -> dict[str, Any]:
        payload, kind = attachment.get("payload") or {}, attachment["type"]
        media = {"kind": "document" if kind == "file" else kind, "id": "", "link": "", "name": ""}
        if file is not None:
            if kind != "file" and not file.mime.startswith(f"{kind}/"):
                raise messenger(100, 2018047)
            return media | self.keep(account, kind, file)
        if payload.get("url"):
            return media | {"link": payload["url"]}
        stored = self._world.files.find(str(payload.get("attachment_id", "")))
        if stored is None or stored.account != account.id:
            raise messenger(100, 2018074)
        return media | {"id": stored.id, "name": stored.name}

    def keep(self, account: Account, kind: str, file: File) -> dict[str, Any]:
        """Pictures up to 8 MB, everything else up to 25 MB: Send API, Attachments (2026-06)."""
        if len(file.data) > (8 if kind == "image" else 25) * 2**20:
            raise messenger(100, 2018109)
        stored = self._world.files.add(
            file.data, account=account.id, mime=file.mime, name=file.name, at=self._world.now()
        )
        return {"id": stored.id, "name": stored.name}

    # --- what becomes of it ---------------------------------------------------------------------------------------

    def _plan(self, chat: Chat, line: Line, message: Mapping[str, Any]) -> None:
        world, timing = self._world, self._world.timing
        # The echo often overtakes the answer, which is what makes it worth playing.
        world.timetable.add(timing.within(timing.sent, world.dice) / 2, partial(self._echo, chat, line, message))
        if not timing.statuses:
            return
        reads = world.person_reads(chat)
        for status, _, told in timing.plan(world.dice):
            if status == "delivered" or (status == "read" and reads):
                delay = told + world.faults.status_delay
                world.timetable.add(delay, partial(self._tell, chat, line, status))

    def _echo(self, chat: Chat, line: Line, message: Mapping[str, Any]) -> None:
        told = {"mid": line.id, "is_echo": True, "app_id": int(chat.account.app_id)}
        told |= {key: message[key] for key in ("text", "metadata") if message.get(key)}
        if media := line.data.get("media"):
            url = media["link"] or file_url(self._world, media["id"])
            kind = "file" if media["kind"] == "document" else media["kind"]
            told["attachments"] = [{"type": kind, "payload": {"url": url}}]
        self._offer(chat, "message_echoes", {"message": told}, at=line.at, outbound=True)

    def _tell(self, chat: Chat, line: Line, status: str) -> None:
        if chat.blocked or (status == "read" and line.status == "read"):
            return
        watermark = int(line.at * 1000)
        for each in chat.lines:
            if each.by == "company" and each.at <= line.at:
                each.climb(status)
        self._world.chats.changed(chat)
        if self._world.chance(self._world.faults.lost_statuses, "messenger"):
            return
        if status == "read":
            self._offer(chat, "message_reads", {"read": {"watermark": watermark}})
        else:
            delivery = {"mids": [line.id], "watermark": watermark}
            self._offer(chat, "message_deliveries", {"delivery": delivery})

    def seen(self, chat: Chat) -> None:
        if unread := chat.unread():
            self._tell(chat, unread[-1], "read")

    def _offer(self, chat: Chat, field: str, event: dict[str, Any], *, at: float = 0.0, outbound: bool = False) -> None:
        if field in chat.account.fields:
            self._hooks.offer(chat.account, event_of(chat, event, at or self._world.now(), outbound=outbound))


def event_of(chat: Chat, event: dict[str, Any], at: float, *, outbound: bool = False) -> dict[str, Any]:
    page, person = chat.account.id, chat.person.messenger_id(chat.account.id)
    sender, recipient = (page, person) if outbound else (person, page)
    return {"sender": {"id": sender}, "recipient": {"id": recipient}, "timestamp": int(at * 1000), **event}


def file_url(world: World, file_id: str) -> str:
    """A signed address that needs no token and ends: Messenger's CDN gives hours, so does this."""
    ends = int(world.now()) + 6 * 3600
    return f"{world.base_url}/graph/cdn/{file_id}?oe={ends:X}"


def _quick(reply: Mapping[str, Any]) -> dict[str, str]:
    if reply["content_type"] == "text":
        return {"kind": "quick", "id": reply["payload"], "title": reply["title"]}
    return {"kind": "contact", "id": reply["content_type"], "title": ""}


def _card(payload: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    element = (payload.get("elements") or [{}])[0]
    text = payload.get("text") or "\n".join(filter(None, (element.get("title"), element.get("subtitle"))))
    data: dict[str, Any] = {"buttons": [_pressable(button) for button in _all_buttons(payload)]}
    if element.get("image_url"):
        data["media"] = {"kind": "image", "id": "", "link": element["image_url"], "name": ""}
    return str(text), data


def _all_buttons(payload: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    nested = [button for element in payload.get("elements") or () for button in element.get("buttons") or ()]
    return [*(payload.get("buttons") or ()), *nested]


def _pressable(button: Mapping[str, Any]) -> dict[str, str]:
    kind = {"web_url": "url", "phone_number": "call"}.get(button["type"], "postback")
    return {
        "kind": kind,
        "id": str(button.get("payload", "")),
        "title": button["title"],
        "url": button.get("url", ""),
    }
