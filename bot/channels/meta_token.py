"""What Meta says of an access token: whose it is, until when, and what it may do."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from bot.channels.contract import Account
from bot.channels.fields import a_dict, a_list, a_text, an_id, an_integer
from bot.channels.meta_graph import Graph, GraphError, NoAnswer, Unreached
from bot.errors import N_

MISSING_PERMISSION = {
    "whatsapp_business_messaging": N_("The access token lacks the permission whatsapp_business_messaging."),
    "whatsapp_business_management": N_("The access token lacks the permission whatsapp_business_management."),
    "pages_messaging": N_("The access token lacks the permission pages_messaging."),
    "pages_manage_metadata": N_("The access token lacks the permission pages_manage_metadata."),
}
NO_APP_SECRET = N_("The app secret is missing: without it no message from Meta can be trusted.")


@dataclass(frozen=True, slots=True)
class Token:
    """`expires_at` None: never."""

    app_id: str
    kind: str
    permissions: frozenset[str]
    expires_at: datetime | None


async def ask_about_token(graph: Graph, account: Account) -> Token | None:
    """None when Meta does not tell, which stops nobody.

    The one call that must name the token in its address: Graph API, debug_token (2026).
    """
    try:
        answer = await graph.get(account, "debug_token", input_token=account.secrets.get("access_token", "").strip())
    except (GraphError, NoAnswer, Unreached):
        return None
    data = a_dict(answer.get("data"))
    expires = an_integer(data.get("expires_at")) or 0
    return Token(
        app_id=an_id(data.get("app_id")),
        kind=a_text(data.get("type")).upper(),
        permissions=frozenset(filter(None, map(a_text, a_list(data.get("scopes"))))),
        expires_at=datetime.fromtimestamp(min(expires, 2**33), UTC) if expires > 0 else None,
    )


def lacking(account: Account, token: Token | None, needed: Iterable[str]) -> list[str]:
    """Sentences about what the secrets of an account still want."""
    known = token.permissions if token else frozenset()
    sentences = [MISSING_PERMISSION[name] for name in needed if known and name not in known]
    if not account.secrets.get("app_secret"):
        sentences.append(NO_APP_SECRET)
    return sentences
