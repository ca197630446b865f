"""The channel against the product's own Telegram: what people do arrives, what we say is accepted."""

from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from bot.channels.contract import (
    EVERYWHERE,
    Account,
    Address,
    Outbound,
    PersonGone,
    PhoneShared,
    Reachable,
    Reacted,
    Said,
    Signal,
)
from bot.channels.telegram.channel import Telegram
from bot.content import Button, Buttons, Card, Cards, Choice, Emoji, Location, Media, Text
from bot.sandbox.server import Sandbox, instant_config
from bot.sandbox.world.acts import Act
from tests.bot.channels.telegram.test_api import Attachment

NOW = datetime.now(UTC) + timedelta(minutes=1)  # noqa: TID251 - the played platform tells real times


class Played:
    def __init__(self, sandbox, channel):
        self.sandbox, self.channel, self.cursor = sandbox, channel, 0
        credentials = next(one for one in sandbox.credentials() if one.kind == "telegram")
        self.account = Account(
            "a" * 24, "telegram", credentials.external_id, EVERYWHERE, credentials.api_url, credentials.secrets, {}
        )
        ana = str(sandbox.person("ana").telegram_id)
        self.ana = Address("telegram", EVERYWHERE, ana, ana)

    def says(self, act):
        return self.sandbox.say("telegram", "ana", act)

    async def heard(self):
        poll = await self.channel.poll(self.account, self.cursor)
        self.cursor = poll.cursor
        read = self.channel.read
        return [fact for raw in poll.updates for fact in read(raw, self.account.external_id, now=NOW)]

    async def sends(self, content, **fields):
        return await self.channel.send(self.account, Outbound("b" * 24, (self.ana,), content, **fields))

    def lines(self):
        return self.sandbox.chat("telegram", "ana").lines


def number(platform_id):
    """On the played phone, as on a real one, a message is a number in its chat."""
    return platform_id.rpartition(":")[2]


@pytest.fixture
async def played():
    sandbox = Sandbox(instant_config(), hook_base="http://127.0.0.1:9")
    async with sandbox.serve(), aiohttp.ClientSession() as session:
        channel = Telegram(session, answer_seconds=5)
        yield Played(sandbox, channel)
        await channel.close()


async def test_what_people_say_and_send_is_heard_in_order(played):
    first = played.says("Hola, ¿tienen taladros?")
    played.says(Act(media={"sample": "taladro", "caption": "Como este"}))
    played.says(Act(media={"sample": "voz-pedido", "kind": "voice"}))
    played.says(Act(location={"latitude": -34.6, "longitude": -58.4, "name": "Obra", "address": "Calle 1"}))
    played.says(Act(text="Ese", reply_to=first))
    text, photo, voice, place, reply = await played.heard()
    assert text.content == Text(text="Hola, ¿tienen taladros?")
    assert text.sender.addresses == (played.ana,)
    assert (photo.content.kind, photo.content.caption) == ("image", "Como este")
    assert voice.content.kind == "voice"
    assert (place.content.name, place.content.address) == ("Obra", "Calle 1")
    assert reply.reply_to == text.platform_id == f"{played.ana.value}:{first}"
    for said in (photo, voice):
        fetched = await played.channel.fetch(played.account, said.media[0])
        assert len(b"".join([chunk async for chunk in fetched.chunks])) == said.content.size


async def test_what_we_say_is_accepted_and_shown(played):
    played.says("/start")
    await played.heard()
    quoted = (await played.sends(Text(text="Buenos días"))).platform_ids[0]
    await played.sends(Text(text="¿Cuál?"), reply_to=quoted)
    await played.sends(Media(kind="image", caption="Este"), attachment=Attachment())
    await played.sends(Media(kind="voice"), attachment=Attachment(name="nota.ogg", mime="audio/ogg"))
    await played.sends(Location(latitude=-34.6, longitude=-58.4, name="Local", address="Calle 2"))
    await played.sends(Cards(cards=(Card(name="Pepe", phones=("+541144443333",)),)))
    kinds = [line.kind for line in played.lines() if line.by == "company"]
    assert kinds == ["text", "text", "image", "voice", "location", "contacts"]
    await played.channel.signal(played.account, Signal("typing", (played.ana,)))


async def test_a_button_is_pressed_and_acknowledged(played):
    played.says("/start")
    await played.heard()
    buttons = Buttons(text="¿Confirma?", buttons=(Button(id="yes", title="Sí"), Button(id="no", title="No")))
    asked = (await played.sends(buttons)).platform_ids[0]
    played.says(Act(press={"message": number(asked), "button": "yes"}))
    [press] = await played.heard()
    assert press.content == Choice(id="yes", title="Sí", target=asked)
    await played.channel.signal(played.account, Signal("acknowledge", (played.ana,), press.acknowledge))


async def test_reactions_go_both_ways(played):
    played.says("Gracias")
    [thanks] = await played.heard()
    assert (await played.sends(Emoji(target=thanks.platform_id, emoji="👍"))).platform_ids == ()
    ours = (await played.sends(Text(text="De nada"))).platform_ids[0]
    played.says(Act(react={"message": number(ours), "emoji": "❤"}))
    [reacted] = await played.heard()
    assert isinstance(reacted, Reacted)
    assert (reacted.target, reacted.emoji) == (ours, "❤")


async def test_a_shared_phone_and_a_block_are_heard(played):
    played.says("/start")
    chat = played.sandbox.chat("telegram", "ana")
    played.sandbox.share_phone(chat)
    played.sandbox.block(chat, True)
    started, card, phone, blocked = await played.heard()
    assert isinstance(started, Said)
    assert card.content.own
    assert isinstance(phone, PhoneShared)
    assert isinstance(blocked, Reachable)
    assert not blocked.reachable
    with pytest.raises(PersonGone):
        await played.sends(Text(text="¿Sigue ahí?"))


async def test_a_person_who_never_started_the_bot_cannot_be_written_to(played):
    with pytest.raises(PersonGone):
        await played.sends(Text(text="Hola"))


async def test_the_account_is_checked_and_its_webhook_set_and_taken_away(played):
    health = await played.channel.check(played.account)
    assert health.details["id"] == played.account.external_id
    assert health.missing == ()
    await played.channel.subscribe(played.account, "https://our.example/hooks/telegram/k")
    assert (await played.channel.check(played.account)).details["webhook"] == "https://our.example/hooks/telegram/k"
    await played.channel.subscribe(played.account, "")
    assert (await played.channel.check(played.account)).missing == ()
