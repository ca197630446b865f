"""Nothing that was written down is lost, nothing sinks its neighbours, and one process at a time applies."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from pymongo.errors import AutoReconnect, OperationFailure

from bot.channels.contract import Climbed, Said
from bot.clock import SystemClock
from bot.content import Text, plain_text
from bot.delivery import aside
from bot.delivery.applier import MOST_FACTS, is_transient
from bot.delivery.journal import Journal
from bot.errors import NotFound, Refused, Unavailable
from bot.records.accounts import Accounts, Connection
from bot.store.lease import Leases
from bot.store.secrets import Vault
from tests.plain import NUMBER, PlainChannel, body, status, text
from tests.waiting import wait_for

CLOCK = SystemClock()


class Taker:
    """A handler that remembers what it took, and can be told to stumble."""

    def __init__(self) -> None:
        self.batches: list[list] = []
        self.stumble = lambda arrivals: None
        self.calls = 0

    async def __call__(self, arrivals) -> None:
        self.calls += 1
        if error := self.stumble(arrivals):
            raise error
        self.batches.append(list(arrivals))

    @property
    def arrivals(self) -> list:
        return [arrival for batch in self.batches for arrival in batch]

    @property
    def texts(self) -> list[str]:
        return [plain_text(arrival.fact.content) for arrival in self.arrivals if isinstance(arrival.fact, Said)]


@pytest.fixture
async def accounts(store):
    accounts = Accounts(store, Vault(bytes(32)))
    await connect(accounts, NUMBER)
    return accounts


async def connect(accounts: Accounts, number: str, **more):
    wanted = {"scope": "W1", "name": number, "team": "t", "secrets": {"app_secret": "s"}, **more}
    return await accounts.connect(Connection("plain", number, **wanted), now=CLOCK.now())


@pytest.fixture
def taker() -> Taker:
    return Taker()


@pytest.fixture
def channel() -> PlainChannel:
    return PlainChannel()


@pytest.fixture
def new_journal(store, accounts, channel, taker):
    def make(handler=taker, *, leases=None) -> Journal:
        leases = leases or Leases(store, CLOCK, life_seconds=1, renew_seconds=0.2, look_seconds=0.05)
        channels: Any = {"plain": channel}
        return Journal(store, leases, accounts, channels, handler, CLOCK)

    return make


@pytest.fixture
async def journal(new_journal):
    journal = new_journal()
    await journal.start()
    yield journal
    await journal.stop()


async def all_applied(store) -> bool:
    return await store["journal"].count_documents({"state": "new"}) == 0


async def standing(store, **query) -> list[dict]:
    return await store["aside"].find({"state": {"$in": ["aside", "unknown"]}, **query}).to_list()


# --- applying ---------------------------------------------------------------------------------------------------------


async def test_what_is_written_is_applied_in_order_and_kept(store, journal, taker):
    ids = [await journal.write("plain", None, body(text(f"{n}"), text(f"{n}b"))) for n in range(20)]
    await wait_for(lambda: all_applied(store))
    assert taker.texts == [word for n in range(20) for word in (f"{n}", f"{n}b")]
    assert taker.arrivals[0].account.external_id == NUMBER
    assert taker.arrivals[3].source.journal_id == ids[1]
    kept = await store["journal"].find().to_list()
    assert len(kept) == 20
    assert all(one["applied_at"] for one in kept)


async def test_what_was_written_before_anybody_applied_is_applied(store, new_journal, taker):
    writer = new_journal()
    await writer.write("plain", None, body(text("hola")))
    await writer.start()
    await wait_for(lambda: taker.texts == ["hola"])
    await writer.stop()


async def test_a_batch_holds_at_most_so_many_facts(store, new_journal, taker):
    journal = new_journal()
    for n in range(5):
        await journal.write("plain", None, body(*(text(f"{n}.{m}") for m in range(400))))
    await journal.start()
    await wait_for(lambda: all_applied(store))
    await journal.stop()
    assert [len(batch) for batch in taker.batches] == [800, 800, 400]
    assert MOST_FACTS == 1000


async def test_until_everything_was_seen_once_it_may_have_been_begun_by_another(store, new_journal, taker):
    journal = new_journal()
    await journal.write("plain", None, body(text("antes")))
    await journal.start()
    await wait_for(lambda: taker.texts == ["antes"])
    assert taker.arrivals[0].again is True

    async def next_is_fresh():
        await journal.write("plain", None, body(text("después")))
        return not taker.arrivals[-1].again

    await wait_for(next_is_fresh)
    await journal.stop()


async def test_a_status_waits_for_others_and_a_message_for_none(store, journal, taker):
    await journal.write("plain", None, body(status("m0")))
    await wait_for(lambda: taker.batches)
    for n in range(1, 8):
        await journal.write("plain", None, body(status(f"m{n}")))
    await journal.write("plain", None, body(text("hola")))
    await wait_for(lambda: all_applied(store))
    assert sum(isinstance(arrival.fact, Climbed) for arrival in taker.arrivals) == 8
    assert taker.calls <= 4


async def test_what_is_of_no_consequence_is_applied_without_a_word(store, journal, taker):
    await journal.write("plain", None, body({"kind": "typing"}))
    await wait_for(lambda: all_applied(store))
    assert taker.batches == []


# --- who applies ------------------------------------------------------------------------------------------------------


async def test_of_two_processes_one_applies_and_the_other_takes_over(store, new_journal):
    first, second = Taker(), Taker()
    one, other = new_journal(first), new_journal(second)
    await one.start()
    await one.write("plain", None, body(text("uno")))
    await wait_for(lambda: first.texts)
    await other.start()
    await other.write("plain", None, body(text("dos")))
    await wait_for(lambda: len(first.texts) == 2, seconds=10)
    await one.stop()
    await other.write("plain", None, body(text("tres")))
    await wait_for(lambda: second.texts == ["tres"])
    await other.stop()


async def test_a_process_that_only_writes_tells_the_others(store, new_journal):
    await new_journal().write("plain", None, body(text("hola")))
    await wait_for(lambda: store["nudges"].find_one({"items.what": "journal"}))


async def test_who_lost_the_lease_applies_no_more(store, new_journal, taker):
    leases = Leases(store, CLOCK, life_seconds=0.4, renew_seconds=0.1, look_seconds=0.05)
    journal = new_journal(leases=leases)
    await journal.start()
    await journal.write("plain", None, body(text("uno")))
    await wait_for(lambda: taker.texts)
    taken = {"holder": "another", "until": CLOCK.now() + timedelta(seconds=2)}
    await store["leases"].update_one({"_id": "journal"}, {"$set": taken, "$inc": {"epoch": 1}})
    trusted_until = CLOCK.monotonic() + 0.4
    await wait_for(lambda: CLOCK.monotonic() > trusted_until)
    await journal.write("plain", None, body(text("dos")))
    assert taker.texts == ["uno"]
    await wait_for(lambda: len(taker.texts) == 2)
    assert taker.arrivals[-1].again is True
    await journal.stop()


# --- what fails -------------------------------------------------------------------------------------------------------


def breaks_on(*words: str):
    def stumble(arrivals):
        broken = any(isinstance(one.fact, Said) and plain_text(one.fact.content) in words for one in arrivals)
        return ValueError("this one is odd") if broken else None

    return stumble


async def test_one_that_keeps_failing_is_set_aside_alone(store, journal, taker):
    taker.stumble = breaks_on("malo")
    facts = [text(f"{n}") for n in range(40)]
    facts.insert(17, text("malo"))
    await journal.write("plain", None, body(*facts))
    await wait_for(lambda: all_applied(store))
    assert taker.texts == [f"{n}" for n in range(40)]
    [entry] = await standing(store)
    assert (entry["state"], entry["kind"], entry["reason"]) == ("aside", "Said", "ValueError")
    assert orjson.loads(entry["raw"])["facts"] == [text("malo")]


async def test_one_that_fails_once_is_not_set_aside(store, journal, taker):
    failures = iter([ValueError("once")])
    taker.stumble = lambda arrivals: next(failures, None)
    await journal.write("plain", None, body(text("uno"), text("dos")))
    await wait_for(lambda: all_applied(store))
    assert taker.texts == ["uno", "dos"]
    assert await standing(store) == []
    assert all(arrival.again for arrival in taker.arrivals)


async def test_a_database_that_is_away_is_waited_for_and_nothing_is_set_aside(store, journal, taker):
    failures = iter([AutoReconnect("away"), Unavailable("away"), OperationFailure("no primary", 10107)])
    taker.stumble = lambda arrivals: next(failures, None)
    await journal.write("plain", None, body(text("uno"), text("dos")))
    await wait_for(lambda: all_applied(store))
    assert taker.texts == ["uno", "dos"]
    assert len(taker.batches) == 1
    assert await standing(store) == []


def test_what_a_server_refuses_is_not_waited_for():
    assert not is_transient(OperationFailure("unknown operator", 2))
    assert not is_transient(ValueError("odd"))
    assert is_transient(OperationFailure("disk full", 14031))


async def test_a_body_that_cannot_be_read_is_set_aside_whole(store, journal, taker):
    await journal.write("plain", None, body({"kind": "breaks the reader"}, text("con él")))
    await journal.write("plain", None, body(text("después")))
    await wait_for(lambda: all_applied(store))
    assert taker.texts == ["después"]
    [entry] = await standing(store)
    assert (entry["kind"], entry["reason"]) == ("body", "cannot be read: RuntimeError")


async def test_an_unknown_update_is_kept_with_its_raw_text(store, journal, taker):
    facts = [text(f"{n}") for n in range(50)]
    facts.insert(20, {"kind": "hologram", "id": "h1"})
    await journal.write("plain", None, body(*facts))
    await wait_for(lambda: all_applied(store))
    assert len(taker.texts) == 50
    [entry] = await standing(store, state="unknown")
    assert (entry["kind"], entry["reason"]) == ("hologram", "unknown kind")
    assert orjson.loads(entry["raw"]) == {"object": "plain", "facts": [{"kind": "hologram", "id": "h1"}]}


async def test_an_update_for_nobody_is_set_aside_until_the_account_is_connected(store, accounts, journal, taker):
    await journal.write("plain", None, body(text("hola", account="n2"), text("aquí")))
    await wait_for(lambda: all_applied(store))
    [entry] = await standing(store)
    assert (entry["reason"], taker.texts) == ("account not connected", ["aquí"])
    await connect(accounts, "n2")
    await journal.replay(entry["_id"], now=CLOCK.now())
    await wait_for(lambda: taker.texts == ["aquí", "hola"])
    assert await standing(store) == []


async def test_an_account_connected_a_moment_ago_elsewhere_is_known(store, accounts, journal, taker):
    elsewhere = Accounts(store, Vault(bytes(32)))
    await connect(elsewhere, "n2")
    await journal.write("plain", None, body(text("hola", account="n2")))
    await wait_for(lambda: taker.texts == ["hola"])


async def test_news_of_templates_goes_to_one_account_and_notices_to_all_of_the_scope(store, accounts, journal, taker):
    await connect(accounts, "n2")
    await journal.write("plain", None, body({"kind": "template", "scope": "W1"}, {"kind": "notice", "scope": "W1"}))
    await journal.write("plain", None, body({"kind": "notice", "scope": "W1", "number": "n2"}))
    await wait_for(lambda: all_applied(store))
    told = [(type(arrival.fact).__name__, arrival.account.external_id) for arrival in taker.arrivals]
    assert [name for name, _ in told] == ["TemplateChanged", "AccountNotice", "AccountNotice", "AccountNotice"]
    assert sorted(number for _, number in told[1:3]) == [NUMBER, "n2"]
    assert told[3][1] == "n2"


# --- reading again ----------------------------------------------------------------------------------------------------


async def test_an_unknown_update_is_understood_after_an_upgrade(store, journal, channel, taker):
    await journal.write("plain", None, body({"kind": "hologram", "id": "h1"}))
    await wait_for(lambda: all_applied(store))
    assert await journal.replay_all(state="unknown", now=CLOCK.now()) == 1
    await wait_for(lambda: all_applied(store))
    [entry] = await standing(store, state="unknown")
    assert entry["tries"] == 2
    channel.knows.add("hologram")
    assert await journal.replay_all(now=CLOCK.now()) == 1
    await wait_for(lambda: taker.texts == ["hologram"])
    assert await aside.counts(store) == {"replayed": 1}


async def test_messages_that_could_not_be_shown_are_read_again(store, accounts, journal, channel, taker):
    account = accounts.all()[0].id
    raw = body(text("una encuesta", shape="poll")).decode()
    message = {"_id": "m", "type": "unsupported", "channel": "plain", "account": account, "raw": raw}
    await store["messages"].insert_one(message)
    channel.knows.add("poll")
    assert await journal.replay_all(state="unknown", now=CLOCK.now()) == 1
    await wait_for(lambda: taker.texts == ["una encuesta"])
    assert taker.arrivals[0].fact.content == Text(text="una encuesta")


async def test_the_same_thing_is_set_aside_once(store, journal, taker):
    taker.stumble = breaks_on("malo")
    for _ in range(3):
        await journal.write("plain", None, body(text("malo")))
        await wait_for(lambda: all_applied(store))
    [entry] = await standing(store)
    assert entry["tries"] == 3


async def test_what_is_dropped_is_gone_from_the_list(store, journal):
    await journal.write("plain", None, body({"kind": "hologram"}))
    await wait_for(lambda: all_applied(store))
    [entry] = (await aside.list_page(store)).items
    await aside.drop(store, entry["_id"])
    assert (await aside.list_page(store)).items == []
    assert [one["_id"] for one in (await aside.list_page(store, state="dropped")).items] == [entry["_id"]]
    with pytest.raises(NotFound):
        await aside.drop(store, "nothing")


async def test_the_list_of_what_stands_aside_has_pages(store, journal):
    for n in range(7):
        await journal.write("plain", None, body({"kind": "hologram", "id": f"{n}"}))
    await wait_for(lambda: all_applied(store))
    seen, cursor = [], None
    while True:
        page = await aside.list_page(store, limit=3, cursor=cursor)
        seen += [entry["_id"] for entry in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert len(seen) == len(set(seen)) == 7
    with pytest.raises(Refused):
        await aside.list_page(store, cursor="nonsense")
