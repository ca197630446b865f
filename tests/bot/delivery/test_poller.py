import asyncio
import dataclasses
from contextlib import asynccontextmanager

import aiohttp
import orjson
import pytest

from bot.channels.telegram.channel import Telegram
from bot.clock import SystemClock
from bot.delivery.poller import LONGEST_PAUSE_SECONDS, LOST_SECONDS, Parts, Poller
from bot.records.accounts import Accounts, Connection
from bot.store.lease import Leases
from bot.store.secrets import Vault
from tests.contracts.cases.telegram import TOKEN, refusal, result
from tests.contracts.platform import DROP, HANG, Answer, FakePlatform
from tests.waiting import wait_for

ANA = 5218896347
POLL, ACKNOWLEDGE, UNHOOK = "/getUpdates", "/answerCallbackQuery", "/deleteWebhook"
CONFLICT = refusal(409, "Conflict: terminated by other getUpdates request")
WEBHOOK_IS_SET = refusal(409, "Conflict: can't use getUpdates method while webhook is active")


def said(number, text="hola"):
    chat = {"id": ANA, "type": "private"}
    message = {"message_id": number, "date": 1795000000, "chat": chat, "from": {"id": ANA}, "text": text}
    return {"update_id": number, "message": message}


def pressed(number):
    message = {"message_id": 7, "date": 1795000000, "chat": {"id": ANA, "type": "private"}}
    query = {"id": f"query-{number}", "from": {"id": ANA}, "data": "yes", "message": message}
    return {"update_id": number, "callback_query": query}


class Kept:
    """A journal that can be told to be away."""

    def __init__(self):
        self.bodies, self.away = [], False

    async def write(self, channel, account_id, body):
        if self.away:
            raise ConnectionError("the database is away")
        self.bodies.append((channel, account_id, orjson.loads(body)))

    def numbers(self):
        return [body["update_id"] for _, _, body in self.bodies]


class Hold:
    valid = True

    def is_valid(self):
        return self.valid


class OneHolder:
    """Leases among the pollers of one test."""

    def __init__(self):
        self.locks, self.holds, self.names = {}, [], []

    @asynccontextmanager
    async def hold(self, name):
        self.names.append(name)
        async with self.locks.setdefault(name, asyncio.Lock()):
            hold = Hold()
            self.holds.append(hold)
            yield hold


@pytest.fixture
async def platform():
    async with FakePlatform() as platform:
        platform.answer("", result(True))
        yield platform


@pytest.fixture
async def accounts(store):
    accounts = Accounts(store, Vault(bytes(32)))
    await accounts.load()
    return accounts


@pytest.fixture
def journal():
    return Kept()


@pytest.fixture
def leases():
    return OneHolder()


@pytest.fixture
async def poller_of(store, leases, accounts, journal, clock):
    """Makes pollers, each with connections of its own as in a process of its own, and stops them."""
    made = []
    async with aiohttp.ClientSession() as session:

        async def make(**changes):
            channel = Telegram(session, answer_seconds=5)
            parts = Parts(store, leases, accounts, {"telegram": channel}, journal, clock)
            parts = dataclasses.replace(parts, **changes)
            poller = Poller(parts)
            made.append((poller, channel))
            await poller.start()
            return poller

        yield make
        for poller, channel in made:
            await poller.stop()
            await channel.close()


async def connect(accounts, platform, clock, token=TOKEN, mode="polling"):
    connection = Connection(
        kind="telegram",
        external_id="7000000001",
        scope="everywhere",
        name="Sol",
        team="1" * 24,
        secrets={"bot_token": token},
        api_url=platform.url,
        options={"mode": mode},
    )
    return await accounts.connect(connection, now=clock.now())


def offsets(platform):
    fields = [dict(pair.split("=") for pair in asked.body.decode().split("&")) for asked in platform.asked_at(POLL)]
    return [int(one["offset"]) for one in fields]


async def cursor(store):
    return (await store["accounts"].find_one())["cursor"]


async def test_what_is_polled_is_in_the_journal_before_the_cursor_moves(
    poller_of, accounts, platform, clock, journal, store
):
    account = await connect(accounts, platform, clock)
    platform.answer(POLL, result([said(41), said(42)]), result([said(43)]), HANG)
    await poller_of()
    await wait_for(lambda: offsets(platform) == [0, 43, 44])
    assert journal.bodies == [("telegram", account.id, said(number)) for number in (41, 42, 43)]
    assert await cursor(store) == 44


async def test_what_could_not_be_stored_is_asked_for_again(poller_of, accounts, platform, clock, journal, store):
    await connect(accounts, platform, clock)
    platform.answer(POLL, result([said(41)]), result([said(41)]), HANG)
    journal.away = True
    await poller_of()
    await wait_for(lambda: offsets(platform) == [0])
    journal.away = False
    await passing(clock, lambda: offsets(platform) == [0, 0, 42])
    assert journal.numbers() == [41]


async def test_polling_goes_on_where_another_process_stopped(poller_of, accounts, platform, clock, store):
    account = await connect(accounts, platform, clock)
    await store["accounts"].update_one({"_id": account.id}, {"$set": {"cursor": 77}})
    platform.answer(POLL, HANG)
    await poller_of()
    await wait_for(lambda: offsets(platform) == [77])


async def test_one_poller_of_all_processes_asks(poller_of, accounts, platform, clock, store):
    account = await connect(accounts, platform, clock)
    platform.answer(POLL, HANG)
    leases = Leases(store, SystemClock(), look_seconds=0.05)
    first = await poller_of(leases=leases)
    await wait_for(lambda: platform.asked_at(POLL))
    looks = Looks(leases)
    await poller_of(leases=looks)
    await wait_for(lambda: looks.names == [f"poll:{account.id}"])
    assert len(platform.asked_at(POLL)) == 1
    await first.stop()
    await wait_for(lambda: len(platform.asked_at(POLL)) == 2)


class Looks:
    """Leases that tell who asked."""

    def __init__(self, leases):
        self.leases, self.names = leases, []

    def hold(self, name):
        self.names.append(name)
        return self.leases.hold(name)


async def test_a_lost_lease_ends_the_polling(poller_of, accounts, platform, clock, leases, journal):
    await connect(accounts, platform, clock)
    platform.answer(POLL, result([said(41)]))
    leases.holds = LosingHolds()
    await poller_of()
    await wait_for(lambda: journal.numbers() and not leases.holds.last.valid)
    await wait_for(lambda: leases.names and not leases.locks[leases.names[0]].locked())
    assert len(platform.asked_at(POLL)) == 1


class LosingHolds:
    """Each lease is lost after one look at it."""

    last = None

    def append(self, hold):
        looks = iter((True,))
        hold.is_valid = lambda: next(looks, False)
        hold.valid = False
        self.last = hold


async def test_presses_are_answered_on_the_way_in(poller_of, accounts, platform, clock):
    await connect(accounts, platform, clock)
    platform.answer(POLL, result([said(41), pressed(42), pressed(43)]), HANG)
    await poller_of()
    await wait_for(lambda: len(platform.asked_at(ACKNOWLEDGE)) == 2)
    assert b"query-42" in platform.asked_at(ACKNOWLEDGE)[0].body


async def test_an_update_nobody_can_read_stops_nothing(poller_of, accounts, platform, clock, journal):
    await connect(accounts, platform, clock)
    strange = {
        "update_id": 41,
        "message": {"chat": [], "from": "?", "date": "never", "forward_origin": {"type": "new"}},
    }
    platform.answer(POLL, result([strange, said(42)]), HANG)
    await poller_of()
    await wait_for(lambda: offsets(platform) == [0, 43])
    assert journal.numbers() == [41, 42]


async def test_an_old_webhook_is_taken_away_once(poller_of, accounts, platform, clock, journal):
    await connect(accounts, platform, clock)
    platform.answer(POLL, WEBHOOK_IS_SET, result([said(41)]), HANG)
    await poller_of()
    await wait_for(lambda: journal.numbers() == [41])
    assert len(platform.asked_at(UNHOOK)) == 1
    assert platform.asked_at(UNHOOK)[0].body == b"drop_pending_updates=false"


async def test_a_webhook_that_comes_back_is_a_problem_to_be_told(poller_of, accounts, platform, clock, store):
    await connect(accounts, platform, clock)
    platform.answer(POLL, WEBHOOK_IS_SET)
    await poller_of()
    problem = await wait_for(lambda: problem_of(store))
    assert problem["code"] == "poll_lost"
    assert len(platform.asked_at(UNHOOK)) == 1


async def test_another_poller_is_told_and_left_alone_for_a_while(poller_of, accounts, platform, clock, store):
    await connect(accounts, platform, clock)
    platform.answer(POLL, CONFLICT, result([said(41)]), HANG)
    await poller_of()
    problem = await wait_for(lambda: problem_of(store))
    assert problem["code"] == "poll_lost"
    await clock.pass_by(seconds=LOST_SECONDS / 2)
    assert len(platform.asked_at(POLL)) == 1
    await passing(clock, lambda: len(platform.asked_at(POLL)) == 3)
    assert await problem_of(store) is None
    assert (await store["accounts"].find_one())["state"] == "active"


async def test_a_revoked_token_breaks_the_account(poller_of, accounts, platform, clock, store):
    await connect(accounts, platform, clock)
    platform.answer(POLL, refusal(401, "Unauthorized"))
    await poller_of()
    await wait_for(lambda: is_in_state(store, "broken"))
    assert (await problem_of(store))["code"] == "401"
    await clock.pass_by(seconds=LONGEST_PAUSE_SECONDS / 2)
    assert len(platform.asked_at(POLL)) == 1


async def test_a_broken_account_that_answers_again_is_mended(poller_of, accounts, platform, clock, store):
    await connect(accounts, platform, clock)
    platform.answer(POLL, refusal(401, "Unauthorized"), result([]), HANG)
    await poller_of()
    await wait_for(lambda: is_in_state(store, "broken"))
    await passing(clock, lambda: is_in_state(store, "active"))


async def test_a_new_token_is_used_at_once(poller_of, accounts, platform, clock, store):
    await connect(accounts, platform, clock)
    platform.answer(f"{TOKEN}{POLL}", refusal(401, "Unauthorized"))
    await poller_of()
    await wait_for(lambda: is_in_state(store, "broken"))
    fresh = "7000000001:BBnewtokennewtokennewtokennewtokennew"
    platform.answer(f"{fresh}{POLL}", HANG)
    await connect(accounts, platform, clock, token=fresh)
    await wait_for(lambda: platform.asked_at(f"{fresh}{POLL}"))
    assert await is_in_state(store, "active")


@pytest.mark.parametrize(
    "trouble",
    [refusal(500, "Internal Server Error"), Answer(b"<html>", 502), DROP, Answer(b"garbage")],
    ids=["500", "502", "dropped", "garbage"],
)
async def test_trouble_is_waited_out_with_longer_and_longer_pauses(
    poller_of, accounts, platform, clock, journal, trouble
):
    await connect(accounts, platform, clock)
    platform.answer(POLL, trouble, trouble, result([said(41)]), HANG)
    await poller_of()
    await wait_for(lambda: len(platform.asked_at(POLL)) == 1)
    assert journal.numbers() == []
    await passing(clock, lambda: journal.numbers() == [41])


async def test_a_platform_that_asks_to_wait_is_obeyed(poller_of, accounts, platform, clock):
    await connect(accounts, platform, clock)
    platform.answer(POLL, refusal(429, "Too Many Requests", retry_after=300), HANG)
    await poller_of()
    await wait_for(lambda: len(platform.asked_at(POLL)) == 1)
    await clock.pass_by(seconds=300 * 0.7)
    assert len(platform.asked_at(POLL)) == 1
    await passing(clock, lambda: len(platform.asked_at(POLL)) == 2)


async def test_a_poll_that_hangs_begins_again_with_new_connections(poller_of, accounts, platform, clock, journal):
    await connect(accounts, platform, clock)
    platform.answer(POLL, result([]), HANG, result([said(41)]), HANG)
    await poller_of(stall_seconds=0.5)
    await wait_for(lambda: journal.numbers() == [41])


async def test_an_account_with_a_webhook_or_switched_off_is_not_polled(poller_of, accounts, platform, clock, leases):
    account = await connect(accounts, platform, clock, mode="webhook")
    await poller_of()
    platform.answer(POLL, HANG)
    assert leases.names == []
    await connect(accounts, platform, clock, mode="polling")
    await wait_for(lambda: platform.asked_at(POLL))
    await accounts.change(account.id, {"state": "off"})
    await wait_for(lambda: not leases.locks[f"poll:{account.id}"].locked())
    assert len(platform.asked_at(POLL)) == 1


async def passing(clock, condition):
    """Lets the clock run, a quarter of a minute at a time, until the condition holds."""

    async def once_more():
        await clock.pass_by(seconds=15)
        answer = condition()
        return await answer if asyncio.iscoroutine(answer) else answer

    return await wait_for(once_more)


async def problem_of(store):
    return (await store["accounts"].find_one())["problem"]


async def is_in_state(store, state):
    return (await store["accounts"].find_one())["state"] == state
