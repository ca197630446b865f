"""Templates approved by the platforms: the picker of the composer, the form with its preview, the list in settings."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from bot.channels.contract import SendProblem
from bot.errors import N_, NotFound, Refused
from bot.records import templates
from bot.records.search import fold
from inbox.gate import AGENT, HOUSE, translator
from inbox.permissions import access_contact, view_of
from inbox.web.answers import done, fragment, page
from inbox.web.template_parts import cut

_LIST_KEYS = ("name", "language", "category", "status", "header_kind", "body", "header", "footer", "quality", "reason")


async def show_picker(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    account = house.accounts.get(request.query.get("account", ""))
    query = request.query.get("q", "").strip()[:100]
    found = (
        await house.db["templates"]
        .find({"scope": account.template_scope, "status": {"$ne": templates.DELETED}})
        .to_list()
    )
    wanted = [template for template in found if fold(query) in fold(f"{template['name']} {template['body']}")]
    wanted.sort(key=lambda template: (template["status"] != templates.APPROVED, template["name"], template["language"]))
    return fragment(
        request,
        "templates",
        templates=[_shown(template) for template in wanted],
        account=account.id,
        contact=request.query.get("contact", ""),
        q=query,
        synced_at=max((template["synced_at"] for template in found), default=None),
    )


def _shown(template: Mapping[str, Any]) -> dict[str, Any]:
    usable = template["status"] == templates.APPROVED and template.get("header_kind") != "location"
    return {**{key: template.get(key, "") for key in _LIST_KEYS}, "id": template["_id"], "usable": usable}


async def show_form(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    template = await house.db["templates"].find_one({"_id": request.match_info["template"]})
    if template is None:
        raise NotFound(N_("There is no such template."))
    contact_id = request.query.get("contact", "")
    contact = await access_contact(house.db, request[AGENT], contact_id) if contact_id else {}
    view = view_of(request[AGENT])
    # Rather nothing than a number this person may not see, or bullets that would be sent.
    known = {key: text for key, text in templates.prefill(template, contact).items() if view.text(text) == text}
    buttons = [{key: button.get(key, "") for key in ("type", "text", "url", "phone")} for button in template["buttons"]]
    return fragment(
        request,
        "template_form",
        template={**_shown(template), "buttons": buttons},
        fields=[
            {"key": key, "label": _label(request, key), "value": known.get(key, ""), "example": ""}
            for key in templates.places(template)
        ],
        parts={part: cut(template.get(part, ""), part) for part in ("header", "body")},
        account=request.query.get("account", ""),
        contact=contact_id,
    )


def _label(request: web.Request, key: str) -> str:
    part, _, name = key.partition(".")
    translate = translator(request)
    if part == "header":
        return translate(N_("Title"))
    if part == "button":
        return translate(N_("Button %(number)s")) % {"number": int(name) + 1}
    return translate(N_("Text %(name)s")) % {"name": name} if name.isdigit() else name.replace("_", " ")


async def sync(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    account = house.accounts.get(request.match_info["account"])
    channel = house.channels[account.kind]
    try:
        await templates.sync(
            house.db, channel, house.accounts.open(account), scope=account.template_scope, now=house.clock.now()
        )
    except SendProblem as error:
        raise Refused(error.message, code="sync_failed") from error
    return await done(request, back=f"/settings/accounts/{account.id}", code="synced")


async def show_templates(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    found = await house.db["templates"].find({"status": {"$ne": templates.DELETED}}).sort("name", 1).to_list(1000)
    by_scope = {account.template_scope: account.name for account in house.accounts.all()}
    return await page(
        request,
        "settings_templates",
        templates=[
            {**_shown(row), "account_name": by_scope.get(row["scope"], ""), "synced_at": row["synced_at"]}
            for row in found
        ],
        accounts=[
            {"id": account.id, "name": account.name}
            for account in house.accounts.all()
            if house.channels[account.kind].limits.can_write_first == "template"
        ],
        done=request.query.get("done", ""),
    )
