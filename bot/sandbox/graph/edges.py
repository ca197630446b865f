"""The objects around messages: numbers, business accounts, pages, people's profiles, media, subscriptions, tokens."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from aiohttp import web

from bot.sandbox.graph.errors import GraphError, unknown_object, whatsapp
from bot.sandbox.graph.hooks import Hooks
from bot.sandbox.graph.messenger import File, Messenger
from bot.sandbox.graph.templates import Templates
from bot.sandbox.world.company import MESSENGER_FIELDS, Account
from bot.sandbox.world.files import Stored
from bot.sandbox.world.world import World

MEDIA_SECONDS = 300
MB = 2**20
DOCUMENTS = (
    "text/plain",
    "application/pdf",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
)
# Cloud API, Media, supported types and sizes (2026-08).
MOST_BYTES: dict[str, int] = (
    dict.fromkeys(("image/jpeg", "image/png"), 5 * MB)
    | dict.fromkeys(("video/mp4", "video/3gpp"), 16 * MB)
    | dict.fromkeys(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * MB)
    | {"image/webp": 500 * 1024}
    | dict.fromkeys(DOCUMENTS, 100 * MB)
)
MAGIC = {
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG",),
    "image/webp": (b"RIFF",),
    "audio/ogg": (b"OggS",),
    "application/pdf": (b"%PDF",),
}
SCOPES = {
    "whatsapp": ("whatsapp_business_messaging", "whatsapp_business_management"),
    "messenger": ("pages_messaging", "pages_manage_metadata", "pages_show_list", "pages_read_engagement"),
}


class Call(Protocol):
    request: web.Request
    account: Account
    node: str

    @property
    def query(self) -> dict[str, str]: ...

    async def json(self) -> dict[str, Any]: ...


Handler = Callable[[Any], Awaitable[Any]]


class Edges:
    def __init__(self, world: World, hooks: Hooks, templates: Templates, messenger: Messenger) -> None:
        self._world, self._hooks, self._templates, self._messenger = world, hooks, templates, messenger
        self._table: dict[tuple[str, str, str], Handler] = {
            ("GET", "number", ""): self._number,
            ("POST", "number", "media"): self._upload,
            ("GET", "business", ""): self._business,
            ("GET", "business", "phone_numbers"): self._numbers,
            ("GET", "page", ""): self._page,
            ("POST", "page", "message_attachments"): self._attachment,
            ("GET", "person", ""): self._profile,
            ("GET", "media", ""): self._media,
            ("DELETE", "media", ""): self._forget,
            ("GET", "token", ""): self._token,
        }
        for node in ("business", "page"):
            self._table |= {
                ("GET", node, "subscribed_apps"): self._subscribed,
                ("POST", node, "subscribed_apps"): self._subscribe,
                ("DELETE", node, "subscribed_apps"): self._unsubscribe,
                ("GET", node, "message_templates"): self._list_templates,
                ("POST", node, "message_templates"): self._create_template,
                ("DELETE", node, "message_templates"): self._remove_template,
            }

    def find(self, account: Account, node: str, edge: str, method: str) -> Handler | None:
        return self._table.get((method, self._what(account, node), edge))

    def _what(self, account: Account, node: str) -> str:
        if node == "debug_token":
            return "token"
        if node == account.id:
            return "number" if account.kind == "whatsapp" else "page"
        if node == account.owner:
            return "business"
        if account.kind == "whatsapp":
            return "media"
        return "person" if self._world.people.at(account, node) else ""

    # --- accounts -------------------------------------------------------------------------------------------------

    async def _number(self, call: Call) -> dict[str, Any]:
        account = call.account
        known = {
            "verified_name": f"{self._world.company.name} · {account.name}",
            "display_phone_number": f"+{account.phone[:2]} {account.phone[2:5]} {account.phone[5:]}",
            "status": "CONNECTED",
            "quality_rating": "GREEN",
            "throughput": {"level": "STANDARD"},
            "name_status": "APPROVED",
            "code_verification_status": "VERIFIED",
            "platform_type": "CLOUD_API",
            "is_on_biz_app": False,
            "is_official_business_account": False,
            "account_mode": "LIVE",
            "webhook_configuration": {"application": self._hooks.address(account)},
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
            "health_status": {"can_send_message": "AVAILABLE", "entities": []},
            "id": account.id,
        }
        default = ("verified_name", "display_phone_number", "quality_rating", "code_verification_status")
        return _fields(call, known, default, "WhatsAppBusinessPhoneNumber")

    async def _numbers(self, call: Call) -> dict[str, Any]:
        rows = [each for each in self._world.company.of("whatsapp") if each.owner == call.account.owner]
        return {"data": [{"id": each.id, "display_phone_number": each.phone} for each in rows]}

    async def _business(self, call: Call) -> dict[str, Any]:
        known = {
            "id": call.account.owner,
            "name": self._world.company.name,
            "timezone_id": "25",
            "account_review_status": "APPROVED",
            "owner_business_info": {"name": self._world.company.name, "id": call.account.scope},
            "health_status": {"can_send_message": "AVAILABLE", "entities": []},
        }
        return _fields(call, known, ("name", "timezone_id"), "WhatsAppBusinessAccount")

    async def _page(self, call: Call) -> dict[str, Any]:
        known = {"id": call.account.id, "name": call.account.name, "category": "Hardware Store"}
        return _fields(call, known, ("name",), "Page")

    async def _token(self, call: Call) -> dict[str, Any]:
        account = call.account
        scopes = SCOPES[account.kind]
        data = {
            "app_id": account.app_id,
            "type": "SYSTEM_USER" if account.kind == "whatsapp" else "PAGE",
            "application": f"{self._world.company.name} app",
            "is_valid": call.query.get("input_token") == account.token,
            "expires_at": 0,
            "scopes": list(scopes),
            "granular_scopes": [{"scope": scope, "target_ids": [account.owner]} for scope in scopes],
        }
        return {"data": data}

    async def _profile(self, call: Call) -> dict[str, Any]:
        person = self._world.people.at(call.account, call.node)
        if person is None:
            raise unknown_object(call.node)
        known = {
            "id": call.node,
            "name": person.name,
            "first_name": person.first_name,
            "last_name": person.last_name,
        }
        asked = [name for name in call.query.get("fields", "name").split(",") if name in known]
        return {name: known[name] for name in ["id", *asked]}

    # --- subscriptions --------------------------------------------------------------------------------------------

    async def _subscribed(self, call: Call) -> dict[str, Any]:
        account = call.account
        if not account.subscribed:
            return {"data": []}
        app = {"id": account.app_id, "name": f"{self._world.company.name} app"}
        if account.kind == "messenger":
            return {"data": [app | {"subscribed_fields": list(account.fields)}]}
        override = {"override_callback_uri": account.callback} if account.callback else {}
        return {"data": [{"whatsapp_business_api_data": app} | override]}

    async def _subscribe(self, call: Call) -> dict[str, Any]:
        account, asked = call.account, await _parameters(call)
        if account.kind == "messenger":
            account.fields = _page_fields(asked.get("subscribed_fields"))
        elif override := str(asked.get("override_callback_uri", "")):
            token = str(asked.get("verify_token", ""))
            if not await self._hooks.shake_hands(account, override, token):
                message = "(#2200) Callback verification failed: the address did not answer with the challenge"
                raise GraphError(2200, message)
            self._override(account, override)
        else:
            self._override(account, "")
        account.subscribed = True
        return {"success": True}

    def _override(self, account: Account, callback: str) -> None:
        """It belongs to the business account, and so to all its numbers."""
        for each in self._world.company.of("whatsapp"):
            if each.owner == account.owner:
                each.callback, each.subscribed = callback, True

    async def _unsubscribe(self, call: Call) -> dict[str, Any]:
        call.account.subscribed = False
        return {"success": True}

    # --- files ----------------------------------------------------------------------------------------------------

    async def _upload(self, call: Call) -> dict[str, Any]:
        form = await call.request.post()
        field = form.get("file")
        if form.get("messaging_product") != "whatsapp" or not isinstance(field, web.FileField):
            raise whatsapp(100, "(#100) The parameters messaging_product and file are required.")
        mime = str(form.get("type") or field.content_type)
        plain, data = mime.split(";")[0].strip(), field.file.read()
        if plain not in MOST_BYTES:
            kinds = ", ".join(MOST_BYTES)
            raise whatsapp(100, f"(#100) Param file must be a file with one of the following types: {kinds}.")
        if len(data) > MOST_BYTES[plain] or not data.startswith(MAGIC.get(plain, (b"",))):
            raise whatsapp(131053, f"The file is too large for {plain}, or it is no such file")
        stored = self._keep(call.account, File(field.filename, mime, data))
        return {"id": stored.id}

    def _keep(self, account: Account, file: File) -> Stored:
        return self._world.files.add(
            file.data, account=account.id, mime=file.mime, name=file.name, at=self._world.now()
        )

    async def _media(self, call: Call) -> dict[str, Any]:
        stored = self._world.files.find(call.node)
        if stored is None or stored.account not in self._siblings(call.account):
            raise unknown_object(call.node)
        ends = int(self._world.now()) + MEDIA_SECONDS
        return {
            "messaging_product": "whatsapp",
            "url": f"{self._world.base_url}/graph/files/{stored.id}?oe={ends:X}",
            "mime_type": stored.mime,
            "sha256": stored.sha256.hex(),
            "file_size": len(stored.data),
            "id": stored.id,
        }

    def _siblings(self, account: Account) -> set[str]:
        return {each.id for each in self._world.company.of("whatsapp") if each.owner == account.owner}

    async def _forget(self, call: Call) -> dict[str, Any]:
        if not self._world.files.remove(call.node):
            raise unknown_object(call.node)
        return {"success": True}

    async def _attachment(self, call: Call) -> dict[str, Any]:
        """Upload once, send often. A remote address is not fetched here: it is kept as it was given."""
        if call.request.content_type == "application/json":
            raise GraphError(100, "(#100) Failed to fetch the file from the url.", subcode=2018008)
        field = (await call.request.post()).get("filedata")
        if not isinstance(field, web.FileField):
            raise GraphError(100, "(#100) The parameter filedata is required.")
        file = File(field.filename, field.content_type, field.file.read())
        kept = self._messenger.keep(call.account, file.mime.split("/")[0], file)
        return {"attachment_id": kept["id"]}

    # --- templates ------------------------------------------------------------------------------------------------

    async def _list_templates(self, call: Call) -> dict[str, Any]:
        return self._templates.listed(call.account, call.query)

    async def _create_template(self, call: Call) -> dict[str, Any]:
        return self._templates.create(call.account, await call.json())

    async def _remove_template(self, call: Call) -> dict[str, Any]:
        return self._templates.remove(call.account, call.query.get("name", ""), call.query.get("hsm_id", ""))


def _fields(call: Call, known: Mapping[str, Any], default: tuple[str, ...], node_type: str) -> dict[str, Any]:
    """The asked fields. One unknown field fails the whole call, as on the real thing."""
    asked = [name for name in call.query.get("fields", ",".join(default)).split(",") if name]
    for name in asked:
        if name not in known:
            raise GraphError(100, f"(#100) Tried accessing nonexisting field ({name}) on node type ({node_type})")
    return {name: known[name] for name in dict.fromkeys([*asked, "id"])}


async def _parameters(call: Call) -> dict[str, Any]:
    """From the query, a form or JSON, as Graph takes them."""
    if call.request.content_type == "application/json":
        return call.query | await call.json()
    return call.query | {name: value for name, value in (await call.request.post()).items()}


def _page_fields(given: Any) -> tuple[str, ...]:
    fields = tuple(given) if isinstance(given, list) else tuple(filter(None, str(given or "").split(",")))
    if not fields:
        raise GraphError(100, "(#100) The parameter subscribed_fields is required.")
    known = {*MESSENGER_FIELDS, "messaging_account_linking", "messaging_feedback", "feed"}
    for name in fields:
        if name not in known:
            raise GraphError(100, f"(#100) Param subscribed_fields must be one of {{{', '.join(sorted(known))}}}")
    return fields
