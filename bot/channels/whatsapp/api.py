"""What is asked of WhatsApp's API about the account itself, its templates and its files."""

import re
from collections.abc import Mapping
from typing import Any

from bot.channels.contract import Account, Fetched, FetchProblem, Health, MediaRef, Rejected, Template
from bot.channels.fields import a_dict, a_list, a_text, an_id
from bot.channels.meta_graph import Graph, GraphError, NoAnswer, Unreached, named_by_remedy
from bot.channels.meta_templates import list_templates
from bot.channels.meta_token import ask_about_token, lacking
from bot.channels.remedies import Remedy
from bot.channels.whatsapp.errors import remedy_of
from bot.channels.whatsapp.rules import DOCUMENT_BYTES
from bot.errors import N_

NUMBER_FIELDS = "display_phone_number,verified_name,status,quality_rating"
MORE_NUMBER_FIELDS = "platform_type,throughput,whatsapp_business_manager_messaging_limit"
PERMISSIONS = ("whatsapp_business_messaging", "whatsapp_business_management")
ID = re.compile(r"[A-Za-z0-9_.:-]{1,200}")
REFUSED = Remedy("broken", N_("WhatsApp does not know this phone number id, or the access token may not see it."))
NO_BUSINESS = N_("The WhatsApp Business account id is missing: without it there are neither templates nor messages.")
NOT_CONNECTED = N_("WhatsApp does not list this number as connected: register it at Meta first.")
NOT_SUBSCRIBED = N_("Messages do not reach Bandeja yet: it is not subscribed to this WhatsApp Business account.")


def remedy_for(error: GraphError) -> Remedy:
    return remedy_of(error.code, error.subcode)


def _remedy_in_check(error: GraphError) -> Remedy:
    """Any no but "later" means that the credentials do not fit."""
    remedy = remedy_for(error)
    return remedy if remedy.kind in ("later", "broken") else REFUSED


def business_of(account: Account) -> str:
    return str(account.options.get("business_account_id") or account.scope)


async def check(graph: Graph, account: Account) -> Health:
    with named_by_remedy(_remedy_in_check, sending=False):
        number = await _number(graph, account)
    token = await ask_about_token(graph, account)
    subscribed = await _is_subscribed(graph, account, token.app_id if token else "")
    missing = lacking(account, token, PERMISSIONS)
    if a_text(number.get("status")) not in ("", "CONNECTED"):
        missing.append(NOT_CONNECTED)
    if not business_of(account):
        missing.append(NO_BUSINESS)
    elif subscribed is False:
        missing.append(NOT_SUBSCRIBED)
    return Health(
        name=a_text(number.get("verified_name")) or a_text(number.get("display_phone_number")),
        details=_details(number),
        subscribed=subscribed,
        missing=tuple(missing),
        expires_at=token.expires_at if token else None,
    )


async def _number(graph: Graph, account: Account) -> dict[str, Any]:
    """One field that the token may not read fails the whole request: then the others are asked for alone."""
    try:
        return await graph.get(account, account.external_id, fields=f"{NUMBER_FIELDS},{MORE_NUMBER_FIELDS}")
    except GraphError as error:
        if error.code not in (10, 100) or error.subcode:
            raise
    return await graph.get(account, account.external_id, fields=NUMBER_FIELDS)


def _details(number: Mapping[str, Any]) -> dict[str, str]:
    found = {
        "number": number.get("display_phone_number"),
        "status": number.get("status"),
        "quality": number.get("quality_rating"),
        "limit": number.get("whatsapp_business_manager_messaging_limit"),
        "platform": number.get("platform_type"),
        "throughput": a_dict(number.get("throughput")).get("level"),
    }
    return {key: value for key, value in found.items() if isinstance(value, str) and value}


async def _is_subscribed(graph: Graph, account: Account, app_id: str) -> bool | None:
    """None when it cannot be told. Several apps may be subscribed; ours counts where it is known."""
    try:
        answer = await graph.get(account, f"{business_of(account)}/subscribed_apps")
    except (GraphError, NoAnswer, Unreached):
        return None
    apps = [a_dict(a_dict(entry).get("whatsapp_business_api_data")) for entry in a_list(answer.get("data"))]
    return any(not app_id or an_id(app.get("id")) in ("", app_id) for app in apps)


async def subscribe(graph: Graph, account: Account) -> None:
    """Webhook address and fields are set once, by a person, on the app; this binds the business account to it."""
    if not business_of(account):
        raise Rejected("no_business_account", NO_BUSINESS)
    with named_by_remedy(_remedy_in_check, sending=False):
        await graph.post(account, f"{business_of(account)}/subscribed_apps", {})


async def templates(graph: Graph, account: Account) -> list[Template]:
    with named_by_remedy(remedy_for, sending=False):
        return await list_templates(graph, account, business_of(account))


async def fetch(graph: Graph, account: Account, ref: MediaRef) -> Fetched:
    """The id lives seven days, an address from a message or from asking for the id five minutes."""
    url = await _address_of(graph, account, ref) if ref.id else ref.url
    return await graph.download(account, url, authorised=True, limit=DOCUMENT_BYTES)


async def _address_of(graph: Graph, account: Account, ref: MediaRef) -> str:
    gone = N_("WhatsApp no longer keeps this file.")
    if not ID.fullmatch(ref.id):
        raise FetchProblem("bad_id", gone, final=True)
    try:
        answer = await graph.get(account, ref.id, phone_number_id=account.external_id)
    except GraphError as error:
        raise FetchProblem(error.name, gone, final=error.code == 100 or error.status == 404) from error
    except (NoAnswer, Unreached) as error:
        raise FetchProblem("unreachable", N_("The file cannot be fetched right now.")) from error
    return a_text(answer.get("url"))
