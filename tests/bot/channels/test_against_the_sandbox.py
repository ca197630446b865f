"""Our channels and the platforms as the sandbox plays them agree: what one writes, the other reads."""

import base64
from datetime import UTC, datetime

import pytest
from aiohttp import web

from bot.channels import messenger, whatsapp
from bot.channels.contract import (
    Account,
    Address,
    Channel,
    Climbed,
    ClimbedUpTo,
    Inbound,
    Outbound,
    Reacted,
    Rejected,
    Said,
    Signal,
)
from bot.content import (
    Button,
    Buttons,
    Card,
    Cards,
    Choice,
    Emoji,
    Location,
    Media,
    TemplateUse,
    Text,
)
from bot.sandbox.server import Sandbox, instant_config
from bot.sandbox.world.acts import Act

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
OURS = "66f0a1b2c3d4e5f6a7b8c9d0"


class Company:
    """Hears webhooks and reads each with its channel, as Bandeja would."""

    def __init__(self, session):
        self.channels: dict[str, Channel] = {
            "whatsapp": whatsapp.create(session),
            "messenger": messenger.create(session),
        }
        self.accounts: dict[str, Account] = {}
        self.facts: list[Inbound] = []
        self.url = ""

    def connect(self, sandbox):
        for found in sandbox.credentials():
            if found.kind in self.channels:
                where = (found.external_id, found.scope, found.api_url, found.secrets, found.options)
                self.accounts.setdefault(found.kind, Account(found.kind, found.kind, *where))

    async def take(self, request):
        kind = request.match_info["kind"]
        channel, account, raw = self.channels[kind], self.accounts[kind], await request.read()
        channel.verify(request.headers, raw, [account.secrets["app_secret"]])
        channel.envelope(raw)
        now = datetime.now(UTC)
        self.facts += channel.read(raw, scopes={account.external_id: account.scope}, now=now)
        return web.Response()

    def said(self, direction="in"):
        return [fact for fact in self.facts if isinstance(fact, Said) and fact.direction == direction]


@pytest.fixture
async def company(session):
    company = Company(session)
    app = web.Application()
    app.router.add_post("/hooks/{kind}", company.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    company.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield company
    await runner.cleanup()


@pytest.fixture
async def sandbox(company):
    sandbox = Sandbox(instant_config(), hook_base=company.url)
    async with sandbox.serve():
        company.connect(sandbox)
        for kind, account in company.accounts.items():
            await company.channels[kind].subscribe(account, company.url)
        yield sandbox


@pytest.fixture(params=["whatsapp", "messenger"])
async def kind(request):
    return request.param


@pytest.fixture
def channel(company, kind):
    return company.channels[kind]


@pytest.fixture
def account(company, sandbox, kind):
    return company.accounts[kind]


@pytest.fixture
async def heard(company, sandbox, account, kind):
    """Ana has written."""
    sandbox.say(kind, "ana", "Hola 👋")
    await sandbox.settle()
    [fact] = company.said()
    return fact


def answer(heard, content, **fields):
    to = heard.sender.addresses
    return Outbound(callback=OURS, to=to, content=content, heard_at=heard.sent_at, **fields)


async def test_the_check_finds_nothing_missing(channel, account):
    health = await channel.check(account)
    assert health.name
    assert (health.subscribed, health.missing) == (True, ())


async def test_a_text_is_answered_and_the_answer_read(channel, account, sandbox, company, heard, kind):
    assert heard.content == Text(text="Hola 👋")
    assert heard.account == account.external_id
    assert heard.sender.addresses[0].scope == account.scope
    receipt = await channel.send(account, answer(heard, Text(text="Buenos días"), reply_to=heard.platform_id))
    await sandbox.settle()
    assert {"delivered", "read"} <= {fact.status for fact in company.facts if isinstance(fact, Climbed | ClimbedUpTo)}
    climbed = [fact for fact in company.facts if isinstance(fact, Climbed)]
    if kind == "whatsapp":
        assert {(fact.platform_id, fact.callback) for fact in climbed} == {(receipt.platform_ids[0], OURS)}
    else:
        [echo] = company.said("out")
        assert (echo.platform_id, echo.callback) == (receipt.platform_ids[0], OURS)


@pytest.mark.parametrize(
    "content",
    [
        Text(text="palabra " * 700),
        Buttons(text="¿Sigue?", buttons=(Button(id="y", title="Sí"), Button(id="n", title="No")), footer="Sol"),
        Buttons(text="Elija", buttons=tuple(Button(id=f"{n}", title=f"Opción {n}") for n in range(8)), menu="Ver"),
        Buttons(text="Mire", buttons=(Button(id="", title="Ver", url="https://example.org/x"),)),
        Location(latitude=4.61, longitude=-74.08, name="Tienda"),
        Cards(cards=(Card(name="Luis", phones=("+57 300 5554433",), emails=("l@example.org",), company="ACME"),)),
    ],
    ids=lambda content: content.type,
)
async def test_each_kind_of_answer_is_accepted(channel, account, heard, content):
    receipt = await channel.send(account, answer(heard, content))
    assert all(receipt.platform_ids)


@pytest.mark.parametrize(
    ("media_kind", "mime", "content"),
    [("image", "image/png", PNG), ("document", "application/pdf", b"%PDF-1.4 x"), ("voice", None, b"OggS\0x")],
)
async def test_files_are_accepted_and_can_be_fetched_back(
    channel, account, sandbox, company, heard, a_file, media_kind, mime, content
):
    file = a_file("factura.pdf", mime or channel.limits.voice_mime, content)
    media = Media(kind=media_kind, caption="mire", name="factura.pdf")
    receipt = await channel.send(account, answer(heard, media, attachment=file))
    assert all(receipt.platform_ids)
    await sandbox.settle()
    for echo in company.said("out"):
        for ref in echo.media:
            fetched = await channel.fetch(account, ref)
            assert b"".join([chunk async for chunk in fetched.chunks]) == content


async def test_a_press_a_reaction_and_signals(channel, account, sandbox, company, heard, kind):
    choices = (Button(id="y", title="Sí"), Button(id="n", title="No"))
    receipt = await channel.send(account, answer(heard, Buttons(text="¿Sigue?", buttons=choices)))
    await sandbox.settle()
    sandbox.say(kind, "ana", Act.model_validate({"press": {"message": receipt.platform_ids[-1], "button": "y"}}))
    react = {"message": receipt.platform_ids[-1], "emoji": "👍"}
    sandbox.say(kind, "ana", Act.model_validate({"react": react}))
    await sandbox.settle()
    [choice] = [fact.content for fact in company.said() if isinstance(fact.content, Choice)]
    assert (choice.id, choice.title) == ("y", "Sí")
    [reaction] = [fact for fact in company.facts if isinstance(fact, Reacted)]
    assert (reaction.target, reaction.emoji) == (receipt.platform_ids[-1], "👍")
    await channel.send(account, answer(heard, Emoji(target=heard.platform_id, emoji="❤")))
    for signal in ("read", "typing"):
        await channel.signal(account, Signal(signal, heard.sender.addresses, heard.platform_id))


async def test_without_a_word_from_the_person_text_is_refused(channel, account, sandbox, kind):
    ana = sandbox.person("ana")
    to = Address(kind, account.scope, ana.messenger_id(account.external_id))
    if kind == "whatsapp":
        to = Address("phone", "everywhere", ana.phone, ana.phone)
    with pytest.raises(Rejected) as caught:
        await channel.send(account, Outbound(OURS, (to,), Text(text="Hola"), heard_at=None))
    assert caught.value.window


async def test_an_approved_template_is_listed_filled_and_sent(company, sandbox, a_file):
    channel, account = company.channels["whatsapp"], company.accounts["whatsapp"]
    ana = sandbox.person("ana")
    approved = {(one.name, one.language): one for one in await channel.templates(account) if one.status == "APPROVED"}
    assert approved
    for template in approved.values():
        file = None
        if template.header_kind == "image":
            file = a_file("f.png", "image/png", PNG)
        if template.header_kind == "document":
            file = a_file("f.pdf", "application/pdf", b"%PDF-1.4 x")
        use = TemplateUse(
            name=template.name, language=template.language, variables=dict.fromkeys(template.variables, "Ana")
        )
        to = (Address("phone", "everywhere", ana.phone, ana.phone),)
        receipt = await channel.send(account, Outbound(OURS, to, use, attachment=file))
        assert receipt.platform_ids


async def test_what_people_send_is_read_and_their_files_are_fetched(channel, account, company, sandbox, kind):
    picture = {"kind": "image", "data": base64.b64encode(PNG).decode(), "name": "a.png", "mime": "image/png"}
    sandbox.say(kind, "ana", Act.model_validate({"media": picture}))
    sandbox.say(kind, "ana", Act.model_validate({"location": {"latitude": 4.61, "longitude": -74.08}}))
    await sandbox.settle()
    [image] = [fact for fact in company.said() if isinstance(fact.content, Media)]
    fetched = await channel.fetch(account, image.media[0])
    assert b"".join([chunk async for chunk in fetched.chunks]) == PNG
    assert image.content.kind == "image"


async def test_a_name_is_found_for_whoever_wrote(company, sandbox):
    channel, account = company.channels["messenger"], company.accounts["messenger"]
    sandbox.say("messenger", "ana", "Hola")
    await sandbox.settle()
    [fact] = company.said()
    sender = await channel.profile(account, fact.sender.addresses[0])
    assert sender is not None
    assert sender.name.startswith("Ana")
