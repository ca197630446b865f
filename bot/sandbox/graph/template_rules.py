"""What a template must be to be taken, and what a message must bring to fill it: Cloud API, Templates (2026-08)."""

import re
from collections.abc import Mapping
from typing import Any

from bot.sandbox.graph.errors import GraphError, whatsapp

NAME = re.compile(r"[a-z0-9_]{1,512}")
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3})?")
PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")
NEIGHBOURS = re.compile(r"\}\}\s*\{\{")
UNFIT = re.compile(r"[\n\t]| {5,}")
CATEGORIES = ("MARKETING", "UTILITY", "AUTHENTICATION")
MEDIA = ("IMAGE", "VIDEO", "DOCUMENT")
BUTTONS = ("QUICK_REPLY", "URL", "PHONE_NUMBER", "COPY_CODE", "FLOW", "REQUEST_CONTACT_INFO")
MAX_BODY, MAX_HEADER, MAX_FOOTER, MAX_BUTTONS, MAX_LABEL = 1024, 60, 60, 10, 25
MOST = {"URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1}


def check_new(draft: Mapping[str, Any]) -> None:
    """Raises GraphError in the words an author sees."""
    if not NAME.fullmatch(str(draft.get("name", ""))):
        _bad(100, "The name may hold lower-case letters, digits and underscores only.")
    if not LANGUAGE.fullmatch(str(draft.get("language", ""))):
        _bad(100, "The language code is not valid.")
    if draft.get("category") not in CATEGORIES:
        _bad(100, f"The category must be one of {', '.join(CATEGORIES)}.")
    parts = _parts(draft.get("components"))
    if "BODY" not in parts:
        _bad(2388073, "A body is required.")
    named = draft.get("parameter_format", "POSITIONAL") == "NAMED"
    _body(parts["BODY"], named=named)
    _header(parts.get("HEADER"))
    _footer(parts.get("FOOTER"))
    _buttons(parts.get("BUTTONS"))


def _bad(code: int, sentence: str) -> None:
    raise GraphError(code, "Invalid parameter", user_message=sentence)


def _parts(components: Any) -> dict[str, Mapping[str, Any]]:
    if not isinstance(components, list) or not all(isinstance(part, dict) for part in components):
        raise whatsapp(100, "(#100) The parameter components is required.")
    return {str(part.get("type", "")).upper(): part for part in components}


def _body(part: Mapping[str, Any], *, named: bool) -> None:
    text = str(part.get("text", ""))
    places = PLACE.findall(text)
    if not text or len(text) > MAX_BODY:
        _bad(2388040, f"The body must have between 1 and {MAX_BODY} characters.")
    if re.match(r"\s*\{\{", text) or re.search(r"\}\}\s*$", text):
        _bad(2388299, "Variables can't be at the start or end of the template.")
    if NEIGHBOURS.search(text):
        _bad(2388299, "Variables can't stand next to each other.")
    if places and len(PLACE.sub("", text).split()) < 2 * len(places) + 1:
        _bad(2388293, "This template has too many variables for its length.")
    if not named and places != [str(number) for number in range(1, len(places) + 1)]:
        _bad(2388073, "Variables must be numbered {{1}}, {{2}} … in order.")
    example = part.get("example") or {}
    given = example.get("body_text_named_params" if named else "body_text")
    rows = given if named else (given or [[]])[0]
    if places and (not isinstance(rows, list) or len(rows) != len(places)):
        _bad(2388073, "Each variable of the body needs an example.")


def _header(part: Mapping[str, Any] | None) -> None:
    if part is None:
        return
    kind, text = part.get("format"), str(part.get("text", ""))
    if kind == "TEXT" and not (0 < len(text) <= MAX_HEADER and len(PLACE.findall(text)) <= 1):
        _bad(2388047, f"The header must have between 1 and {MAX_HEADER} characters and at most one variable.")
    if kind in MEDIA and not (part.get("example") or {}).get("header_handle"):
        _bad(2388047, "A header with media needs an example file.")
    if kind not in ("TEXT", "LOCATION", *MEDIA):
        _bad(2388047, "The header format is not valid.")


def _footer(part: Mapping[str, Any] | None) -> None:
    if part is not None and not 0 < len(str(part.get("text", ""))) <= MAX_FOOTER:
        _bad(2388072, f"The footer must have between 1 and {MAX_FOOTER} characters.")


def _buttons(part: Mapping[str, Any] | None) -> None:
    if part is None:
        return
    buttons = [button for button in part.get("buttons", ()) if isinstance(button, dict)]
    kinds = [str(button.get("type")) for button in buttons]
    if not 1 <= len(buttons) <= MAX_BUTTONS or not set(kinds) <= set(BUTTONS):
        _bad(100, f"Between 1 and {MAX_BUTTONS} buttons of a known type are allowed.")
    if any(kinds.count(kind) > most for kind, most in MOST.items()):
        _bad(100, "At most two links, one phone number and one code are allowed.")
    quick = [kind == "QUICK_REPLY" for kind in kinds]
    if sum(1 for one, other in zip(quick, quick[1:], strict=False) if one != other) > 1:
        _bad(100, "Quick replies must be grouped together.")
    if any(not 0 < len(str(button.get("text", "x"))) <= MAX_LABEL for button in buttons):
        _bad(2388040, f"A button may have {MAX_LABEL} characters.")


class Needs:
    """What a message has to bring. Computed once per template: a campaign asks thousands of times a second."""

    __slots__ = ("body", "body_text", "buttons", "header", "header_count", "named")

    def __init__(self, template: Mapping[str, Any]) -> None:
        parts = _parts(template["components"])
        header, self.body_text = parts.get("HEADER", {}), str(parts["BODY"]["text"])
        self.named = template.get("parameter_format") == "NAMED"
        self.body = tuple(dict.fromkeys(PLACE.findall(self.body_text)))
        self.header = str(header.get("format", "")).lower()
        self.header_count = len(PLACE.findall(str(header.get("text", ""))))
        listed = list(parts.get("BUTTONS", {}).get("buttons", ()))
        self.buttons = {index for index, button in enumerate(listed) if _must_be_filled(button)}


def _must_be_filled(button: Mapping[str, Any]) -> bool:
    return button["type"] == "COPY_CODE" or "{{" in str(button.get("url", ""))


def check_filled(needs: Needs, components: list[Any]) -> None:
    """Raises GraphError when a message does not fill the template as it was approved."""
    given: dict[str, list[Any]] = {"header": [], "body": []}
    filled: set[int] = set()
    for part in components:
        kind = str(part.get("type", "")).lower() if isinstance(part, dict) else ""
        if kind == "button":
            filled.add(int(part.get("index", 0)))
        elif kind in given:
            given[kind] = part.get("parameters") or []
        else:
            raise whatsapp(100, "(#100) Param template['components'] holds an unknown type.")
    _check_body(needs, given["body"])
    _check_header(needs, given["header"])
    if not needs.buttons <= filled:
        index = min(needs.buttons - filled)
        raise whatsapp(131008, f"buttons: Button at index {index} of type Url requires a parameter")


def _check_body(needs: Needs, parameters: list[Any]) -> None:
    if len(parameters) != len(needs.body):
        found, wanted = len(parameters), len(needs.body)
        details = f"body: number of localizable_params ({found}) does not match the expected number of params"
        raise whatsapp(132000, f"{details} ({wanted})")
    length = len(needs.body_text)
    for parameter in parameters:
        name = parameter.get("parameter_name")
        if needs.named != bool(name) or name and name not in needs.body:
            raise whatsapp(132012, "body: parameter_name does not match the created template")
        length += len(_value(parameter, "body"))
    if length > MAX_BODY + len(needs.body) * 5:
        raise whatsapp(132005, f"The text is longer than {MAX_BODY} characters once it is filled")


def _value(parameter: Mapping[str, Any], where: str) -> str:
    kind = parameter.get("type")
    if kind in ("currency", "date_time"):
        return str((parameter.get(kind) or {}).get("fallback_value", ""))
    text = parameter.get("text")
    if kind != "text" or not isinstance(text, str) or not text.strip():
        raise whatsapp(132012, f"{where}: Parameter of type text is missing text value")
    if UNFIT.search(text):
        raise whatsapp(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    return text


def _check_header(needs: Needs, parameters: list[Any]) -> None:
    if needs.header in ("", "text"):
        if len(parameters) != needs.header_count:
            details = f"header: number of localizable_params ({len(parameters)}) does not match the expected"
            raise whatsapp(132000, f"{details} number of params ({needs.header_count})")
        for parameter in parameters:
            _value(parameter, "header")
        return
    kind = parameters[0].get("type") if parameters else "UNKNOWN"
    if kind != needs.header:
        expected = f"expected {needs.header.upper()}, received {str(kind).upper()}"
        raise whatsapp(132012, f"header: Format mismatch, {expected}")
    content = parameters[0].get(kind) or {}
    if kind != "location" and bool(content.get("id")) == bool(content.get("link")):
        raise whatsapp(132012, "header: exactly one of id and link is required")


def fill(text: str, values: Mapping[str, str]) -> str:
    return PLACE.sub(lambda found: values.get(found[1], found[0]), text)
