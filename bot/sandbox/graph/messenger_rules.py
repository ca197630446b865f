"""What Messenger accepts of a message: Messenger Platform, Send API reference (2026-06). Raises GraphError."""

from typing import Any, NoReturn

from bot.sandbox.graph.errors import GraphError, messenger
from bot.sandbox.graph.rules import WEB

RECIPIENTS = ("id", "comment_id", "post_id", "user_ref", "notification_messages_token", "phone_number")
TYPES = ("RESPONSE", "UPDATE", "MESSAGE_TAG", "UTILITY")
LIVE_TAG = "HUMAN_AGENT"
ACTIONS = ("typing_on", "typing_off", "mark_seen", "react", "unreact")
FILES = ("image", "audio", "video", "file")
MAX_TEXT, MAX_METADATA, MAX_QUICK, MAX_TITLE, MAX_PAYLOAD = 2000, 1000, 13, 20, 1000


def check(payload: dict[str, Any]) -> str:
    """What kind of request it is: "action", "text", "attachment" or "template"."""
    recipient = payload.get("recipient")
    if not isinstance(recipient, dict) or sum(key in recipient for key in RECIPIENTS) != 1:
        refuse("The parameter recipient is required and must name exactly one recipient.")
    if action := payload.get("sender_action"):
        if action not in ACTIONS or "message" in payload:
            refuse("Param sender_action must be one of typing_on, typing_off, mark_seen, react, unreact.")
        return "action"
    message = payload.get("message")
    if not isinstance(message, dict):
        refuse("The parameter message is required.")
    _how(payload)
    _text(message.get("metadata"), "message[metadata]", MAX_METADATA)
    if "template" in message:
        return "template"
    return _contents(message)


def refuse(sentence: str) -> NoReturn:
    raise messenger(100, None, f"(#100) {sentence}")


def _how(payload: dict[str, Any]) -> None:
    how = payload.get("messaging_type")
    if how not in TYPES:
        refuse(f"Param messaging_type must be one of {{{', '.join(TYPES)}}}.")
    # CONFIRMED_EVENT_UPDATE, POST_PURCHASE_UPDATE and ACCOUNT_UPDATE ended on 2026-04-27.
    if how == "MESSAGE_TAG" and payload.get("tag") != LIVE_TAG:
        refuse("Invalid parameter: this message tag is not supported.")
    if how == "UTILITY" and "template" not in payload["message"]:
        refuse("Utility messages need a template.")


def _contents(message: dict[str, Any]) -> str:
    text, attachment = message.get("text"), message.get("attachment")
    if (text is None) == (attachment is None):
        refuse("Message cannot be empty, must provide valid attachment or text.")
    _quick_replies(message.get("quick_replies"))
    if attachment is None:
        if not isinstance(text, str) or not text.strip():
            refuse("Message cannot be empty, must provide valid attachment or text.")
        _text(text, "message[text]", MAX_TEXT)
        return "text"
    _attachment(attachment)
    return "attachment"


def _text(value: Any, name: str, longest: int) -> None:
    if value is None:
        return
    if not isinstance(value, str) or len(value) > longest:
        refuse(f"Length of param {name} must be less than or equal to {longest}")


def _titled(value: Any, name: str, longest: int) -> None:
    if not isinstance(value, str) or not value.strip():
        refuse(f"Param {name} must be a non-empty string.")
    _text(value, name, longest)


def _quick_replies(replies: Any) -> None:
    if replies is None:
        return
    if not isinstance(replies, list) or not 1 <= len(replies) <= MAX_QUICK:
        refuse(f"Param message[quick_replies] must have between 1 and {MAX_QUICK} elements.")
    for reply in replies:
        kind = reply.get("content_type")
        if kind not in ("text", "user_phone_number", "user_email"):
            refuse("Param quick_replies[content_type] is not valid.")
        if kind == "text":
            _titled(reply.get("title"), "quick_replies[title]", MAX_TITLE)
            _titled(reply.get("payload"), "quick_replies[payload]", MAX_PAYLOAD)


def _attachment(attachment: Any) -> None:
    kind = attachment.get("type") if isinstance(attachment, dict) else None
    payload = attachment.get("payload", {}) if isinstance(attachment, dict) else {}
    if kind == "template":
        return _template(payload)
    if kind not in FILES:
        refuse(f"Param message[attachment][type] must be one of {', '.join(FILES)}, template.")
    if payload.get("url") and not WEB.fullmatch(str(payload["url"])):
        raise messenger(100, 2018008)
    return None


def _template(payload: dict[str, Any]) -> None:
    kind = payload.get("template_type")
    if kind == "button":
        _titled(payload.get("text"), "text", 640)
        return _buttons(payload.get("buttons"), least=1)
    if kind == "media":
        return _buttons((payload.get("elements") or [{}])[0].get("buttons"), least=0)
    if kind != "generic":
        refuse("Param template_type is not valid.")
    elements = payload.get("elements")
    if not isinstance(elements, list) or not 1 <= len(elements) <= 10:
        refuse("Param elements must have between 1 and 10 elements.")
    for element in elements:
        _titled(element.get("title"), "title", 80)
        _text(element.get("subtitle"), "subtitle", 80)
        _buttons(element.get("buttons"), least=0)
    return None


def _buttons(buttons: Any, *, least: int) -> None:
    if buttons is None and least == 0:
        return
    if not isinstance(buttons, list) or not least <= len(buttons) <= 3:
        refuse("Param buttons must have between 1 and 3 elements.")
    for button in buttons:
        kind = button.get("type")
        if kind not in ("web_url", "postback", "phone_number"):
            refuse("Param buttons[type] is not valid.")
        _titled(button.get("title"), "buttons[title]", MAX_TITLE)
        _titled(button.get("url" if kind == "web_url" else "payload"), "buttons[payload]", MAX_PAYLOAD)


def not_this_person(address: str) -> GraphError:
    return messenger(100, 2018001) if address.isdigit() else messenger(100, None, "(#100) Parameter error")
