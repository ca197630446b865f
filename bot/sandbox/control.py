"""The strings behind the stage: `/control/…`, JSON in and out, for scripts, tests, benchmarks and the phone page."""

import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.sandbox.answers import json
from bot.sandbox.scripts import (
    Blocking,
    Bulk,
    Handshake,
    Marketing,
    Moving,
    Newcomer,
    Refused,
    Saying,
    TemplateNews,
    Webhook,
    Where,
    changed,
    checked,
    read,
    read_object,
)
from bot.sandbox.stage import Stage
from bot.sandbox.world.acts import Act
from bot.sandbox.world.chats import Chat
from bot.sandbox.world.company import GRAPH_VERSION
from bot.sandbox.world.people import Person, only_digits
from bot.sandbox.world.trouble import CALM, Faults, Limits, Strict, Timing

PHONE = re.compile(r"\+?[\d\s().-]+")
COUNTRIES = {"57": "CO", "52": "MX", "54": "AR", "55": "BR", "51": "PE", "56": "CL", "34": "ES", "44": "GB", "1": "US"}
BODIES: dict[str, type[Strict]] = {
    "faults": Faults,
    "limits": Limits,
    "timing": Timing,
    "say": Saying,
    "people": Newcomer,
    "block": Blocking,
    "share": Where,
    "seen": Where,
    "move": Moving,
    "marketing": Marketing,
    "templates": TemplateNews,
    "webhook": Webhook,
    "handshake": Handshake,
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    def __init__(self, stage: Stage) -> None:
        self._stage, self._world = stage, stage.world

    def routes(self) -> list[web.RouteDef]:
        found = [web.route(method, f"/control/{name}", answered(handler)) for method, name, handler in self._table()]
        return [*found, web.get("/control", self._index), web.get("/control/", self._index)]

    def _table(self) -> tuple[tuple[str, str, Handler], ...]:
        return (
            ("GET", "state", self._state),
            ("GET", "faults", self._get_faults),
            ("POST", "faults", self._set_faults),
            ("DELETE", "faults", self._clear_faults),
            ("GET", "limits", self._get_limits),
            ("POST", "limits", self._set_limits),
            ("GET", "timing", self._get_timing),
            ("POST", "timing", self._set_timing),
            ("POST", "say", self._say),
            ("GET", "people", self._people),
            ("POST", "people", self._add_person),
            ("POST", "block", self._block),
            ("POST", "share", self._share),
            ("POST", "seen", self._seen),
            ("POST", "move", self._move),
            ("POST", "marketing", self._marketing),
            ("GET", "sent", self._sent),
            ("DELETE", "sent", self._clear_sent),
            ("GET", "templates", self._templates),
            ("POST", "templates", self._change_template),
            ("POST", "webhook", self._webhook),
            ("POST", "handshake", self._handshake),
        )

    async def _index(self, request: web.Request) -> web.Response:
        """What there is, for whoever writes a script."""
        routes = [f"{method} /control/{name}" for method, name, _ in self._table()]
        bodies = {
            path: model.model_json_schema() | {"title": model.__name__, "description": model.__doc__}
            for path, model in BODIES.items()
        }
        return json({"routes": routes, "bodies": bodies})

    # --- trouble --------------------------------------------------------------------------------------------------

    async def _get_faults(self, request: web.Request) -> web.Response:
        return json(self._world.faults.model_dump())

    async def _set_faults(self, request: web.Request) -> web.Response:
        """Only what is named changes."""
        self._world.set_faults(await changed(request, self._world.faults))
        return await self._get_faults(request)

    async def _clear_faults(self, request: web.Request) -> web.Response:
        self._world.set_faults(CALM)
        return await self._get_faults(request)

    async def _get_limits(self, request: web.Request) -> web.Response:
        return json(self._world.limits.model_dump())

    async def _set_limits(self, request: web.Request) -> web.Response:
        self._world.limits = await changed(request, self._world.limits)
        self._world.buckets.clear()
        return await self._get_limits(request)

    async def _get_timing(self, request: web.Request) -> web.Response:
        return json(self._world.timing.model_dump())

    async def _set_timing(self, request: web.Request) -> web.Response:
        self._world.timing = await changed(request, self._world.timing)
        return await self._get_timing(request)

    # --- people ---------------------------------------------------------------------------------------------------

    async def _say(self, request: web.Request) -> web.Response:
        """One thing, or `items` of them in order."""
        body = await read_object(request)
        if "items" in body:
            return json({"ids": [self._do(item) for item in checked(Bulk, body).items]})
        return json({"id": self._do(checked(Saying, body))})

    def _do(self, saying: Saying) -> str:
        person = self._someone(saying.person)
        given = {name: getattr(saying, name) for name in Act.model_fields}
        return self._stage.say(saying.channel, person.id, Act.model_construct(**given), account=saying.account)

    def _someone(self, person: str | Newcomer) -> Person:
        if isinstance(person, str):
            return self._world.people.find(person) or self._stranger(person)
        return self._world.people.find(person.id or person.name) or self._create(person)

    def _stranger(self, reference: str) -> Person:
        """A phone number nobody here has: somebody has it, then."""
        phone = only_digits(reference)
        if not PHONE.fullmatch(reference.strip()) or not 8 <= len(phone) <= 15:
            return self._stage.person(reference)
        country = next((code for prefix, code in COUNTRIES.items() if phone.startswith(prefix)), "CO")
        return self._create(Newcomer(name=f"Cliente {phone[-4:]}", id=phone, phone=phone, country=country))

    def _create(self, newcomer: Newcomer) -> Person:
        own = newcomer.id or "-".join(newcomer.name.lower().split()) or "someone"
        if self._world.people.find(own) is not None:
            own = f"{own}-{len(self._world.people) + 1}"
        person = Person(**newcomer.model_dump() | {"id": own, "phone": only_digits(newcomer.phone)})
        return self._world.people.add(person)

    def _chat(self, where: Where) -> Chat:
        return self._stage.chat(where.channel, self._someone(where.person).id, where.account)

    async def _people(self, request: web.Request) -> web.Response:
        return json({"items": self._world.people.dump()})

    async def _add_person(self, request: web.Request) -> web.Response:
        newcomer = await read(request, Newcomer)
        phone = only_digits(newcomer.phone)
        if phone and self._world.people.at_phone(phone):
            raise Refused("taken", "Somebody here has this phone number already.")
        person = self._create(newcomer)
        return json({"id": person.id, "name": person.name})

    async def _block(self, request: web.Request) -> web.Response:
        where = await read(request, Blocking)
        self._stage.block(self._chat(where), where.blocked)
        return json({"blocked": where.blocked})

    async def _share(self, request: web.Request) -> web.Response:
        return json({"id": self._stage.share_phone(self._chat(await read(request, Where)))})

    async def _seen(self, request: web.Request) -> web.Response:
        self._stage.seen(self._chat(await read(request, Where)))
        return json({"ok": True})

    async def _move(self, request: web.Request) -> web.Response:
        moving = await read(request, Moving)
        chat = self._stage.chat("whatsapp", moving.person)
        self._stage.whatsapp_people.moved(chat, moving.phone)
        return json({"phone": chat.person.phone})

    async def _marketing(self, request: web.Request) -> web.Response:
        where = await read(request, Marketing)
        self._stage.whatsapp_people.stop_marketing(self._chat(where), stop=where.stop)
        return json({"stop": where.stop})

    # --- the company ----------------------------------------------------------------------------------------------

    async def _sent(self, request: web.Request) -> web.Response:
        query = request.query
        report = self._world.ledger.report(account=query.get("account", ""), recipient=query.get("recipient", ""))
        return json(report)

    async def _clear_sent(self, request: web.Request) -> web.Response:
        self._world.ledger.clear()
        return json({"total": 0})

    async def _templates(self, request: web.Request) -> web.Response:
        return json(self._stage.templates.dump())

    async def _change_template(self, request: web.Request) -> web.Response:
        news = await read(request, TemplateNews)
        account, templates = self._stage.account("whatsapp", news.account), self._stage.templates
        row = templates.find(account, news.name, news.language)
        if row is None:
            if not news.components:
                raise Refused("no_template", f"There is no template {news.name} in {news.language}.", status=404)
            row = templates.install(account, news.model_dump(exclude={"account", "status", "reason", "quality"}))
        if news.status:
            templates.change(account, row, status=news.status, reason=news.reason)
        if news.quality:
            templates.grade(account, row, quality=news.quality)
        return json(row)

    async def _webhook(self, request: web.Request) -> web.Response:
        news = await read(request, Webhook)
        account = self._stage.account(news.channel, news.account)
        self._stage.hooks.offer(account, {"field": news.field, "value": news.value})
        return json({"ok": True})

    async def _handshake(self, request: web.Request) -> web.Response:
        """Ask the webhook address to prove itself, as saving it in the app dashboard does."""
        where = await read(request, Handshake)
        account = self._stage.account(where.channel, where.account)
        return json({"verified": await self._stage.hooks.shake_hands(account)})

    async def _state(self, request: web.Request) -> web.Response:
        """Everything but the secrets."""
        world = self._world
        accounts = [
            {
                "kind": account.kind,
                "id": account.id,
                "name": account.name,
                "subscribed": account.subscribed,
                "callback": self._callback(account.kind, account.id),
            }
            for account in world.company.accounts
        ]
        return json(
            {
                "company": world.company.name,
                "graph": f"{world.base_url}/graph/{GRAPH_VERSION}",
                "telegram": f"{world.base_url}/telegram",
                "accounts": accounts,
                "people": len(world.people),
                "planned": len(world.timetable),
                "waiting": self._stage.hooks.waiting(),
                "counters": world.counters,
            }
        )

    def _callback(self, kind: str, account: str) -> str:
        found = self._stage.account(kind, account)
        if kind == "telegram":
            return str(self._stage.updates.info(found)["url"])
        return self._stage.hooks.address(found)


def answered(handler: Handler) -> Handler:
    """Refusals become one sentence. A page of another site may not pull these strings through a browser."""

    async def answer(request: web.Request) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if origin and origin.split("://")[-1] != request.host:
            return refusal(Refused("foreign_origin", "Only the sandbox's own pages may do this.", status=403))
        try:
            return await handler(request)
        except Refused as error:
            return refusal(error)
        except LookupError as error:
            return refusal(Refused("not_found", str(error.args[0] if error.args else error), status=404))

    return answer


def refusal(error: Refused) -> web.Response:
    return json({"error": {"code": error.code, "message": str(error)}}, status=error.status)
