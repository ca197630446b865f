"""How a message of the company looks on the phone."""

from collections.abc import Iterable, Mapping
from typing import Any

from bot.sandbox.graph.template_rules import PLACE, fill
from bot.sandbox.graph.templates import Templates
from bot.sandbox.world.chats import Line
from bot.sandbox.world.company import Account

Buttons = list[dict[str, str]]
TEMPLATE_BUTTONS = {"QUICK_REPLY": "template", "URL": "url", "PHONE_NUMBER": "call", "COPY_CODE": "copy"}


def drawn(templates: Templates, account: Account, payload: Mapping[str, Any], kind: str) -> Line:
    """A line without id and time."""
    content = payload[kind]
    line = Line("", "company", kind, 0.0)
    match kind:
        case "text":
            line.text = content["body"]
        case "template":
            row = templates.find(account, content["name"], content["language"]["code"])
            line.text, line.data = template(row, content)
        case "interactive":
            line.text, line.data = interactive(content)
        case "reaction":
            line.text = content["emoji"]
        case "location":
            line.data = {"place": content}
        case "contacts":
            line.data = {"cards": [_card(card) for card in content]}
        case _:
            line.text, line.data = content.get("caption", ""), {"media": _media(kind, content)}
    return line


def _media(kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    kind = "voice" if kind == "audio" and content.get("voice") else kind
    return {
        "kind": kind,
        "id": content.get("id", ""),
        "link": content.get("link", ""),
        "name": content.get("filename", ""),
    }


def _card(card: Mapping[str, Any]) -> dict[str, Any]:
    phones = [str(phone.get("phone", "")) for phone in card.get("phones", ())]
    return {"name": card["name"]["formatted_name"], "phones": phones}


def interactive(content: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    action, kind = content["action"], content["type"]
    data: dict[str, Any] = {"footer": (content.get("footer") or {}).get("text", "")}
    header = content.get("header") or {}
    if header.get("type") == "text":
        data["header"] = header["text"]
    elif header:
        data["media"] = _media(header["type"], header[header["type"]])
    data["buttons"] = list(_choices(kind, action))
    if kind == "list":
        data["menu"] = action["button"]
    return content["body"]["text"], data


def _choices(kind: str, action: Mapping[str, Any]) -> Iterable[dict[str, str]]:
    match kind:
        case "button":
            replies = (button["reply"] for button in action["buttons"])
            return [{"kind": "reply", "id": reply["id"], "title": reply["title"]} for reply in replies]
        case "list":
            return [_row(row, section) for section in action["sections"] for row in section["rows"]]
        case "cta_url":
            link = action["parameters"]
            return [{"kind": "url", "id": "", "title": link["display_text"], "url": link["url"]}]
        case "flow":
            return [{"kind": "flow", "id": "flow", "title": action["parameters"]["flow_cta"]}]
    wanted = "contact" if kind == "request_contact_info" else "location"
    return [{"kind": wanted, "id": wanted, "title": ""}]


def _row(row: Mapping[str, Any], section: Mapping[str, Any]) -> dict[str, str]:
    about = {"description": row.get("description", ""), "section": section.get("title", "")}
    return {"kind": "row", "id": row["id"], "title": row["title"], **about}


def template(row: Mapping[str, Any] | None, content: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """The filled text, and what stands around it."""
    if row is None:
        return content["name"], {}
    given = {str(part["type"]).lower(): part for part in content.get("components", ()) if part["type"] != "button"}
    parts = {part["type"]: part for part in row["components"]}
    text = _filled(parts["BODY"]["text"], given.get("body"))
    data: dict[str, Any] = {"footer": parts.get("FOOTER", {}).get("text", ""), "template": row["name"]}
    if header := parts.get("HEADER"):
        data |= _header(header, given.get("header"))
    data["buttons"] = _template_buttons(parts.get("BUTTONS", {}).get("buttons", ()), content.get("components", ()))
    return text, data


def _filled(text: str, part: Mapping[str, Any] | None) -> str:
    names = list(dict.fromkeys(PLACE.findall(text)))
    given = (part or {}).get("parameters", ())
    values = {
        parameter.get("parameter_name") or name: _said(parameter) for name, parameter in zip(names, given, strict=False)
    }
    return fill(text, values)


def _said(parameter: Mapping[str, Any]) -> str:
    kind = str(parameter.get("type"))
    return str(parameter.get("text") or (parameter.get(kind) or {}).get("fallback_value", ""))


def _header(header: Mapping[str, Any], part: Mapping[str, Any] | None) -> dict[str, Any]:
    kind = str(header["format"]).lower()
    if kind == "text":
        return {"header": _filled(header["text"], part)}
    content = part["parameters"][0][kind] if part else {}
    return {"place": content} if kind == "location" else {"media": _media(kind, content)}


def _template_buttons(buttons: Iterable[Mapping[str, Any]], components: Iterable[Mapping[str, Any]]) -> Buttons:
    given = {int(part.get("index", 0)): part["parameters"][0] for part in components if part["type"] == "button"}
    shown: Buttons = []
    for index, button in enumerate(buttons):
        parameter, title = given.get(index, {}), str(button.get("text", ""))
        kind = TEMPLATE_BUTTONS.get(str(button["type"]), "contact")
        drawn_button = {"kind": kind, "id": str(parameter.get("payload") or title), "title": title}
        if kind == "url":
            drawn_button["url"] = PLACE.sub(str(parameter.get("text", "")), str(button["url"]))
        shown.append(drawn_button)
    return shown
