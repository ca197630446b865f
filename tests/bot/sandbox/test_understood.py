"""Everything a person can do on the phone is read by our channels, and what the bot may send is taken."""

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from bot.channels import Channels
from bot.channels.contract import (
    Account,
    AccountBroken,
    Address,
    Channel,
    Inbound,
    Outbound,
    Said,
    SendProblem,
    Signal,
    Unrecognised,
)
from bot.content import Button, Buttons, Emoji, Location, Media, Text
from bot.sandbox.server import Sandbox
from bot.sandbox.world.acts import Act
from bot.sandbox.world.people import address_of
from bot.sandbox.world.samples import SAMPLES
from tests.bot.sandbox.conftest import Company

KINDS = ("whatsapp", "messenger", "telegram")


@dataclass
class File:
    name: str
    mime: str
    data: bytes

    @property
    def size(self):
        return len(self.data)

    async def chunks(self):
        yield self.data


@dataclass
class Line:
    """One channel of ours, connected to the sandbox with the credentials it hands out."""

    channel: Channel
    account: Account
    sandbox: Sandbox
    company: Company

    @property
    def kind(self):
        return self.account.kind

    @property
    def address(self):
        own = address_of(self.sandbox.person("ana"), self.sandbox.account(self.kind))
        return Address(self.kind, self.account.scope, own, own)

    async def send(self, content, attachment=None, **more):
        now = datetime.now(UTC)
        outbound = Outbound("a" * 24, (self.address,), content, attachment=attachment, heard_at=now, **more)
        return await self.channel.send(self.account, outbound)

    async def heard(self):
        """Everything the channel reads of what the platform has told so far."""
        await self.sandbox.settle()
        now = datetime.now(UTC)
        if self.kind == "telegram":
            poll = await self.channel.poll(self.account, 0)
            assert poll is not None
            bodies = list(poll.updates)
        else:
            bodies = [heard.raw for heard in self.company.heard if heard.path == f"/hooks/{self.kind}"]
        facts: list[Inbound] = []
        for raw in bodies:
            facts += self.channel.read(raw, self.account.external_id, {}, now=now)
        return facts


@pytest.fixture
async def lines(sandbox, company, http):
    channels = Channels(http)

    def connect(kind):
        found = next(each for each in sandbox.credentials() if each.kind == kind)
        account = Account("1" * 24, kind, found.external_id, found.scope, found.api_url, found.secrets, found.options)
        return Line(channels[kind], account, sandbox, company)

    yield connect
    await channels.close()


ACTS = (
    {"text": "¿Tienen taladros?"},
    {"media": {"kind": "image", "sample": "llave", "caption": "Así está"}},
    {"media": {"kind": "voice", "sample": "voz-gracias", "seconds": 3}},
    {"media": {"kind": "document", "sample": "lista"}},
    {"media": {"kind": "sticker", "data": "UklGRg=="}},
    {"location": {"latitude": 4.6, "longitude": -74.1, "name": "Casa"}},
    {"contact": {"name": "Luis Gil", "phones": ["+573005550188"]}},
)


@pytest.mark.parametrize("kind", KINDS)
async def test_everything_people_do_is_recognised(sandbox, lines, kind):
    line = lines(kind)
    if kind == "telegram":
        # The first poll asks for the kinds of updates that are wanted.
        sandbox.say(kind, "ana", "/start")
        await line.channel.poll(line.account, 0)
    said = [sandbox.say(kind, "ana", Act.model_validate(act)) for act in ACTS]
    sandbox.say(kind, "ana", Act.model_validate({"react": {"message": said[0], "emoji": "❤"}}))
    sandbox.say(kind, "ana", Act.model_validate({"edit": {"message": said[0], "text": "¿Tienen?"}}))
    sandbox.say(kind, "ana", Act.model_validate({"text": "cita", "reply_to": said[0]}))
    sandbox.share_phone(sandbox.chat(kind, "ana"))
    if kind == "telegram":
        sandbox.block(sandbox.chat(kind, "ana"), True)
    facts = await line.heard()
    assert not [fact for fact in facts if isinstance(fact, Unrecognised)]
    messages = [fact for fact in facts if isinstance(fact, Said)]
    assert len(messages) >= len(ACTS) + 1
    assert {fact.sender.addresses[0].value for fact in messages} == {line.address.value}


CONTENTS = (
    (Text(text="Buenos días 👋"), None),
    (Media(kind="image", caption="Mire", name="a.jpg", mime="image/jpeg"), "llave"),
    (Media(kind="voice", name="a.ogg", mime="audio/ogg"), "voz-gracias"),
    (Media(kind="document", name="lista.pdf", mime="application/pdf"), "lista"),
    (Location(latitude=4.6, longitude=-74.1, name="Tienda", address="Cl. 45"), None),
    (Buttons(text="¿Cuál?", buttons=(Button(id="a", title="Uno"), Button(id="b", title="Dos"))), None),
    (Buttons(text="¿Cuál?", buttons=tuple(Button(id=str(n), title=f"Opción {n}") for n in range(6)), menu="Ver"), None),
)


async def test_everything_a_bot_sends_is_taken(sandbox, lines):
    line = lines("telegram")
    said = sandbox.say("telegram", "ana", "Hola")
    for content, sample in CONTENTS:
        file = File(SAMPLES[sample].file, SAMPLES[sample].mime, SAMPLES[sample].read()) if sample else None
        receipt = await line.send(content, file)
        assert receipt.platform_ids, content
    quoted = f"{line.address.value}:{said}"
    await line.send(Text(text="Respondo a eso"), reply_to=quoted)
    await line.send(Emoji(target=quoted, emoji="👍"))
    await line.channel.signal(line.account, Signal("typing", (line.address,), quoted))
    chat = sandbox.chat("telegram", "ana")
    assert len([shown for shown in chat.lines if shown.by == "company"]) >= len(CONTENTS) + 1
    assert chat.lines[0].reactions["company"] == "👍"
    assert chat.typing_until > sandbox.world.now()


@pytest.mark.parametrize("kind", KINDS)
async def test_accounts_are_checked_and_expire(sandbox, lines, client, kind):
    line = lines(kind)
    health = await line.channel.check(line.account)
    assert health.name
    await client.control("POST", "faults", json={"expired_token": True})
    with pytest.raises(AccountBroken):
        await line.channel.check(line.account)
    with pytest.raises(AccountBroken):
        await line.send(Text(text="Hola"))


async def test_a_bot_that_cannot_write_first_is_told_so(lines):
    with pytest.raises(SendProblem):
        await lines("telegram").send(Text(text="Hola"))


async def test_a_bots_files_are_fetched(sandbox, lines):
    line = lines("telegram")
    sandbox.say("telegram", "ana", Act.model_validate({"media": {"sample": "llave"}}))
    (fact,) = [fact for fact in await line.heard() if isinstance(fact, Said)]
    fetched = await line.channel.fetch(line.account, fact.media[0])
    assert b"".join([chunk async for chunk in fetched.chunks]) == SAMPLES["llave"].read()
