"""Messages approved beforehand by a platform: kept in step with it, filled for one person, checked before sending.

A stored template is the contract's `Template` field by field. Places to fill stand as `{{1}}` or `{{name}}` in
`header`, `body` and the `url` of a button; `variables` names them `header`, `header.name`, `body.1`,
`body.name`, `button.0`, and `button.1.code` for a code to copy.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final, Protocol

from pymongo import UpdateMany, UpdateOne

from bot.channels.contract import Account, Template, TemplateChanged
from bot.content import TemplateUse
from bot.errors import N_, Refused
from bot.ids import new_id
from bot.store.database import Database

APPROVED: Final = "APPROVED"
DELETED: Final = "DELETED"
_PLACE: Final = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*\}\}")
# WhatsApp Cloud API, "Templates" and error 132018 (2026-08): no line breaks, tabs or more than four spaces in a row.
_BROKEN: Final = re.compile(r"[\r\n\t]| {5,}")
_MOST: Final = {"header": 60, "body": 1024, "footer": 60, "button": 2000, "code": 15}
_GREETING: Final = re.compile(
    r"(?:hola|buen[oa]s? \w+|estimad[oa](?:/a)?|querid[oa]|hi|hello|hey|dear|olá|ola|oi|prezad[oa])[\s,!¡]*$", re.I
)
_FIRST_NAMES: Final = {
    "first_name", "firstname", "name", "customer", "customer_name", "nombre", "primer_nombre", "cliente",
    "nombre_cliente", "nome", "primeiro_nome", "nome_cliente",
}  # fmt: skip


# --- in step with the platform ---


class Source(Protocol):
    """The part of a channel that is asked here."""

    async def templates(self, account: Account) -> list[Template]: ...


async def sync(db: Database, channel: Source, account: Account, *, scope: str, now: datetime) -> int:
    """Fetch all templates of `scope` by way of `account`; how many there are. Those the platform no longer lists are
    kept as DELETED, so that an old message can still say what it was. Raises what `channel.templates` raises.
    """
    found = await channel.templates(account)
    if found:
        await db["templates"].bulk_write(
            [_upsert(template, scope, account.id, now) for template in found], ordered=False
        )
    gone = {"scope": scope, "synced_at": {"$lt": now}, "status": {"$ne": DELETED}}
    await db["templates"].update_many(gone, {"$set": {"status": DELETED}})
    return len(found)


def _upsert(template: Template, scope: str, account: str, now: datetime) -> UpdateOne:
    fields = asdict(template)
    fields["buttons"] = [dict(button) for button in template.buttons]
    fields["variables"] = list(template.variables)
    key = {"scope": scope, "name": fields.pop("name"), "language": fields.pop("language")}
    # The later of two at once looks for what is older than itself: the earlier one must not set the time back.
    update = {
        "$set": {**fields, "account": account},
        "$max": {"synced_at": now},
        "$setOnInsert": {"_id": new_id()},
    }
    return UpdateOne(key, update, upsert=True)


async def change(db: Database, facts: Iterable[TemplateChanged]) -> set[str]:
    """Apply news from the platform. Answers the scopes that must be synchronised: news of a template that is not
    known here, or a change of its words.
    """
    facts = list(facts)
    writes = [_change(fact) for fact in facts]
    if writes:
        await db["templates"].bulk_write(writes, ordered=True)
    return {fact.scope for fact in facts if fact.resync} | await _unknown(db, facts)


def _change(fact: TemplateChanged) -> UpdateMany:
    told = {"status": fact.status, "reason": fact.reason, "quality": fact.quality, "category": fact.category}
    fields = {key: value for key, value in told.items() if value is not None}
    # Late news must not undo newer: each keeps the time of the one before.
    query = {**_key(fact), "changed_at": {"$not": {"$gt": fact.at}}}
    return UpdateMany(query, {"$set": {**fields, "changed_at": fact.at}})


def _key(fact: TemplateChanged) -> dict[str, Any]:
    if fact.platform_id:
        return {"scope": fact.scope, "platform_id": fact.platform_id}
    return {"scope": fact.scope, "name": fact.name, "language": fact.language.replace("-", "_")}


async def _unknown(db: Database, facts: Sequence[TemplateChanged]) -> set[str]:
    return {fact.scope for fact in facts if not await db["templates"].count_documents(_key(fact), limit=1)}


# --- asking ---


async def get_template(db: Database, scope: str, name: str, language: str) -> dict[str, Any]:
    """Raises Refused when the platform has no such template, or not in this language."""
    found = await db["templates"].find_one({"scope": scope, "name": name, "language": language})
    if found is None:
        raise Refused(
            N_("There is no template “%(name)s” in the language %(language)s."),
            code="template_unknown",
            name=name,
            language=language,
        )
    return dict(found)


async def approved(db: Database, scope: str) -> list[dict[str, Any]]:
    """What may be sent from accounts of this scope, by name."""
    query = {"scope": scope, "status": APPROVED}
    return await db["templates"].find(query).sort([("name", 1), ("language", 1)]).to_list()


# --- filling ---


def places(template: Mapping[str, Any]) -> list[str]:
    """What a person must fill in, in the order it is read."""
    return list(template["variables"])


def fill(template: Mapping[str, Any], variables: Mapping[str, str], *, header_media: str | None = None) -> TemplateUse:
    """The template ready to send. Raises Refused, with `variable` naming what is missing or cannot be sent."""
    _check_usable(template, header_media)
    values = {key: str(value).strip() for key, value in variables.items()}
    _check_variables(template, values)
    return TemplateUse(
        name=template["name"],
        language=template["language"],
        variables=values,
        header_media=header_media,
        text=preview(template, values),
    )


def preview(template: Mapping[str, Any], variables: Mapping[str, str]) -> str:
    """How it reads; a place that is not filled stays visible as `{{1}}`."""
    lines = (
        _render(template.get("header", ""), variables, "header"),
        _render(template.get("body", ""), variables, "body"),
        template.get("footer", ""),
    )
    return "\n\n".join(line for line in lines if line)


def prefill(template: Mapping[str, Any], contact: Mapping[str, Any]) -> dict[str, str]:
    """What the contact already tells, by variable: the first name where the words greet somebody or the variable is
    called so, else a field of the contact by that name, else nothing.
    """
    return {key: _known(template, key, contact) for key in template["variables"]}


def _known(template: Mapping[str, Any], key: str, contact: Mapping[str, Any]) -> str:
    part, _, name = key.partition(".")
    first_name = next(iter(str(contact.get("name") or "").split()), "")
    if part == "body" and (name.lower() in _FIRST_NAMES or _greets(template.get("body", ""), name)):
        return first_name
    fields = {str(label).lower(): value for label, value in (contact.get("fields") or {}).items()}
    return str(fields.get(name.lower(), "")) if part == "body" else ""


def _greets(body: str, name: str) -> bool:
    return any(
        found[1] == name and _GREETING.search(body[: found.start()].rstrip("*_~")) for found in _PLACE.finditer(body)
    )


def _check_usable(template: Mapping[str, Any], header_media: str | None) -> None:
    if template["status"] != APPROVED:
        raise Refused(
            N_("The template “%(name)s” is not approved by the platform (%(status)s)."),
            code="template_not_approved",
            name=template["name"],
            status=template["status"],
        )
    if template.get("header_kind") == "location":
        raise Refused(N_("Templates with a map at the top cannot be sent from here."), code="template_unsupported")
    if template.get("header_kind") in ("image", "video", "document") and not header_media:
        raise Refused(
            N_("This template needs a file at the top."), code="template_media_missing", variable="header_media"
        )


def _check_variables(template: Mapping[str, Any], values: Mapping[str, str]) -> None:
    for key in template["variables"]:
        if not values.get(key):
            raise Refused(N_("Fill in “%(variable)s”."), code="template_variable_missing", variable=key)
        if _BROKEN.search(values[key]):
            raise Refused(
                N_("“%(variable)s” may hold no line breaks, tabs or more than four spaces in a row."),
                code="template_variable_invalid",
                variable=key,
            )
        _check_length(template, key, values)
    for key in values:
        if key not in template["variables"]:
            raise Refused(
                N_("The template “%(name)s” has no place called “%(variable)s”."),
                code="template_variable_unknown",
                name=template["name"],
                variable=key,
            )


def _check_length(template: Mapping[str, Any], key: str, values: Mapping[str, str]) -> None:
    part, _, number = key.partition(".")
    most = _MOST[part]
    text = values[key] if part == "button" else _render(template.get(part, ""), values, part)
    if part == "button" and _button(template, number).get("type", "").lower() == "copy_code":
        most = _MOST["code"]
    if len(text) > most:
        raise Refused(
            N_("“%(variable)s” is too long: this part of the template may have %(most)s characters when filled."),
            code="template_too_long",
            variable=key,
            most=most,
        )


def _button(template: Mapping[str, Any], number: str) -> Mapping[str, str]:
    number = number.partition(".")[0]
    buttons = template.get("buttons") or []
    return buttons[int(number)] if number.isdigit() and int(number) < len(buttons) else {}


def _render(text: str, values: Mapping[str, str], part: str) -> str:
    def value(found: re.Match[str]) -> str:
        return values.get(f"{part}.{found[1]}") or values.get(part) or found[0]

    return _PLACE.sub(value, text)
