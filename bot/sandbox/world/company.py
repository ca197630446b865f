"""The company's accounts on the played platforms, with the secrets a program needs to connect them."""

import secrets
import string
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal

Kind = Literal["whatsapp", "messenger", "telegram"]
GRAPH_VERSION = "v26.0"
LETTERS = string.ascii_letters + string.digits
MESSENGER_FIELDS = (
    "messages",
    "messaging_postbacks",
    "messaging_optins",
    "messaging_referrals",
    "message_deliveries",
    "message_reads",
    "message_echoes",
    "message_edits",
    "message_reactions",
    "messaging_handovers",
    "standby",
    "messaging_policy_enforcement",
)


@dataclass(frozen=True, slots=True)
class Plan:
    """One account to set up. `phone` is for WhatsApp, digits; `username` for Telegram."""

    kind: Kind
    name: str
    phone: str = ""
    username: str = ""


DEFAULT_PLANS = (
    Plan("whatsapp", "Ventas", phone="576015550100"),
    Plan("messenger", "Ferretería Sol"),
    Plan("telegram", "Ferretería Sol", username="ferreteria_sol_bot"),
)


@dataclass(slots=True)
class Account:
    """`id` is the platform's own: phone number id, page id, bot id. `owner` has the templates (business account, page).

    `callback` overrides the address of the app. `fields` are the subscribed ones where the platform has them.
    """

    kind: Kind
    id: str
    name: str
    token: str
    owner: str
    scope: str
    app_id: str = ""
    app_secret: str = field(default="", repr=False)
    verify_token: str = field(default="", repr=False)
    phone: str = ""
    username: str = ""
    subscribed: bool = True
    callback: str = ""
    fields: tuple[str, ...] = ()
    free_used: int = 0


@dataclass(frozen=True, slots=True)
class Credentials:
    """What somebody who connects the account types in. The names are those of the configuration's account tables."""

    kind: Kind
    name: str
    api_url: str
    external_id: str
    scope: str
    secrets: Mapping[str, str] = field(repr=False)
    options: Mapping[str, str] = field(default_factory=dict)


class Company:
    """All accounts. One app per Meta platform, as a small company has it: its accounts share the app secret."""

    def __init__(self, name: str, accounts: Iterable[Account]) -> None:
        self.name = name
        self.accounts = list(accounts)

    @classmethod
    def founded(cls, name: str, plans: Iterable[Plan]) -> "Company":
        apps = {kind: _app() for kind in ("whatsapp", "messenger")}
        portfolio, business = digits(16), digits(15)
        opened = [
            _telegram(plan) if plan.kind == "telegram" else _meta(plan, apps[plan.kind], portfolio, business)
            for plan in plans
        ]
        return cls(name, opened)

    @classmethod
    def restored(cls, saved: Mapping[str, Any]) -> "Company":
        known = {column.name for column in fields(Account)}
        rows = [{key: value for key, value in row.items() if key in known} for row in saved["accounts"]]
        return cls(saved["name"], [Account(**row | {"fields": tuple(row.get("fields", ()))}) for row in rows])

    def dump(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "accounts": [asdict(account) | {"fields": list(account.fields)} for account in self.accounts],
        }

    def of(self, kind: str) -> list[Account]:
        return [account for account in self.accounts if account.kind == kind]

    def find(self, kind: str, account: str | None = None) -> Account | None:
        """The account with this id, else the first of its kind."""
        return next((each for each in self.of(kind) if account in (None, "", each.id)), None)


def credentials(account: Account, base_url: str) -> Credentials:
    api_url, options = f"{base_url}/graph/{GRAPH_VERSION}", dict[str, str]()
    shared = {
        "access_token": account.token,
        "app_secret": account.app_secret,
        "verify_token": account.verify_token,
    }
    if account.kind == "whatsapp":
        options = {"business_account_id": account.owner, "portfolio_id": account.scope}
    if account.kind == "telegram":
        api_url, shared = f"{base_url}/telegram", {"bot_token": account.token}
    return Credentials(account.kind, account.name, api_url, account.id, account.scope, shared, options)


def _app() -> tuple[str, str, str]:
    """App id, app secret, verify token."""
    return digits(16), secrets.token_hex(16), letters(24)


def _meta(plan: Plan, app: tuple[str, str, str], portfolio: str, business: str) -> Account:
    token, own = "EAA" + letters(60), digits(15)
    if plan.kind == "whatsapp":
        phone = plan.phone or "57601" + digits(7)
        return Account("whatsapp", own, plan.name, token, business, portfolio, *app, phone=phone)
    return Account("messenger", own, plan.name, token, own, own, *app, fields=MESSENGER_FIELDS)


def _telegram(plan: Plan) -> Account:
    own = digits(10)
    username = plan.username or f"practice_{own[-4:]}_bot"
    return Account("telegram", own, plan.name, f"{own}:{letters(35)}", own, "everywhere", username=username)


def digits(count: int) -> str:
    return secrets.choice("123456789") + "".join(secrets.choice(string.digits) for _ in range(count - 1))


def letters(count: int) -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(count))
