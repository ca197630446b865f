"""What is asked of Messenger about the page itself, the people who write to it, and its files."""

import re
from typing import Any

from bot.channels.contract import Account, Address, Fetched, FetchProblem, Health, MediaRef, Sender, Template
from bot.channels.fields import a_dict, a_list, a_text, an_id
from bot.channels.messenger.errors import remedy_of
from bot.channels.meta_graph import Graph, GraphError, NoAnswer, Unreached, named_by_remedy
from bot.channels.meta_templates import list_templates
from bot.channels.meta_token import Token, ask_about_token, lacking
from bot.channels.remedies import Remedy
from bot.errors import N_

LARGEST_FILE = 100 * 2**20
PERSON = re.compile(r"[0-9]{1,40}")
PERMISSIONS = ("pages_messaging", "pages_manage_metadata")
# Without the first five the inbox is deaf or blind; the rest is asked for as well, where Meta allows it.
NEEDED = ("messages", "messaging_postbacks", "message_deliveries", "message_reads", "message_echoes")
WANTED = (
    *NEEDED,
    "message_reactions",
    "message_edits",
    "messaging_referrals",
    "messaging_optins",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
    "messaging_account_linking",
    "messaging_feedback",
)
# The codes of permissions, which a page needs for templates and may well not have.
NO_TEMPLATES = frozenset({3, 10, 100, *range(200, 300)})
REFUSED = Remedy("broken", N_("Messenger does not know this page id, or the access token may not see it."))
NOT_SUBSCRIBED = N_("Messages do not reach Bandeja yet: it is not subscribed to this page.")
NOT_A_PAGE_TOKEN = N_("This is not the page's own access token: get the page's token at Meta and connect again.")


def remedy_for(error: GraphError) -> Remedy:
    return remedy_of(error.code, error.subcode)


def _remedy_in_check(error: GraphError) -> Remedy:
    """Any no but "later" means that the credentials do not fit."""
    remedy = remedy_for(error)
    return remedy if remedy.kind in ("later", "broken") else REFUSED


async def check(graph: Graph, account: Account) -> Health:
    with named_by_remedy(_remedy_in_check, sending=False):
        page = await graph.get(account, account.external_id, fields="id,name")
    token = await ask_about_token(graph, account)
    fields = await _subscribed_fields(graph, account, token)
    subscribed = None if fields is None else fields.issuperset(NEEDED)
    missing = lacking(account, token, PERMISSIONS)
    if token is not None and token.kind not in ("", "PAGE"):
        missing.append(NOT_A_PAGE_TOKEN)
    if subscribed is False:
        missing.append(NOT_SUBSCRIBED)
    return Health(
        name=a_text(page.get("name")) or account.external_id,
        details={"page": an_id(page.get("id"))},
        subscribed=subscribed,
        missing=tuple(missing),
        expires_at=token.expires_at if token else None,
    )


async def _subscribed_fields(graph: Graph, account: Account, token: Token | None) -> set[str] | None:
    """None when it cannot be told. Meta unsubscribes silently after an hour of failed webhooks."""
    try:
        answer = await graph.get(account, f"{account.external_id}/subscribed_apps", fields="id,subscribed_fields")
    except (GraphError, NoAnswer, Unreached):
        return None
    ours = token.app_id if token else ""
    apps = [a_dict(app) for app in a_list(answer.get("data"))]
    mine = [app for app in apps if not ours or an_id(app.get("id")) in ("", ours)]
    return {a_text(field) for app in mine for field in a_list(app.get("subscribed_fields"))}


async def subscribe(graph: Graph, account: Account) -> None:
    """One field that this app may not have fails the whole request: then only the needed ones are asked for."""
    with named_by_remedy(_remedy_in_check, sending=False):
        try:
            await _subscribe(graph, account, WANTED)
        except GraphError as error:
            if error.code != 100:
                raise
            await _subscribe(graph, account, NEEDED)


async def _subscribe(graph: Graph, account: Account, fields: tuple[str, ...]) -> None:
    await graph.post(account, f"{account.external_id}/subscribed_apps", {"subscribed_fields": ",".join(fields)})


async def templates(graph: Graph, account: Account) -> list[Template]:
    """Utility templates; a page without the permission for them has none."""
    with named_by_remedy(remedy_for, sending=False):
        try:
            return await list_templates(graph, account, account.external_id)
        except GraphError as error:
            if error.code not in NO_TEMPLATES:
                raise
    return []


async def profile(graph: Graph, account: Account, address: Address) -> Sender | None:
    """Without the feature "Business Asset User Profile Access" the profile is empty: then the conversation's
    participants are asked.
    """
    if not PERSON.fullmatch(address.value):
        return None
    name = _full_name(await _quiet(graph, account, address.value, fields="name,first_name,last_name"))
    name = name or await _participant(graph, account, address.value)
    return Sender((address,), name=name) if name else None


async def _participant(graph: Graph, account: Account, person: str) -> str:
    path = f"{account.external_id}/conversations"
    answer = await _quiet(graph, account, path, platform="messenger", user_id=person, fields="participants")
    for conversation in a_list(answer.get("data")):
        for participant in a_list(a_dict(a_dict(conversation).get("participants")).get("data")):
            if an_id(a_dict(participant).get("id")) == person:
                return a_text(a_dict(participant).get("name"))
    return ""


async def _quiet(graph: Graph, account: Account, path: str, **params: str) -> dict[str, Any]:
    try:
        return await graph.get(account, path, **params)
    except (GraphError, NoAnswer, Unreached):
        return {}


def _full_name(profile: dict[str, Any]) -> str:
    parts = [a_text(profile.get(key)) for key in ("first_name", "last_name")]
    return a_text(profile.get("name")) or " ".join(filter(None, parts))


async def fetch(graph: Graph, account: Account, ref: MediaRef) -> Fetched:
    """Files lie on Meta's CDN under signed addresses, which expire and want no token."""
    if not ref.url:
        raise FetchProblem("no_address", N_("Messenger no longer keeps this file."), final=True)
    return await graph.download(account, ref.url, authorised=False, limit=LARGEST_FILE)
