"""What every channel keeps, whatever its platform. A new channel adds `cases/<channel>.py` and its payloads."""

import dataclasses
import json
import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import bson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from bot.channels import discover, kinds
from bot.channels.contract import (
    AccountBroken,
    Channel,
    FetchProblem,
    Health,
    Inbound,
    Malformed,
    NotFromPlatform,
    Outbound,
    Rejected,
    Said,
    SendProblem,
    Signal,
    TryLater,
    Uncertain,
    Unrecognised,
)
from bot.content import Text, Unsupported
from tests.contracts.case import NOW, Case
from tests.contracts.cases import all_cases
from tests.contracts.platform import DROP, HANG, Answer

PAYLOADS = Path(__file__).resolve().parents[1] / "payloads"
CASES = all_cases()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=12,
)
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    0,
    -1,
    2**70,
    1e300,
    "",
    "\ud800",
    "9" * 30,
    [],
    [None],
    [[]],
    {},
    {"a\0": 1},
    "1790000000000",
)

pytestmark = pytest.mark.parametrize("case", CASES, ids=lambda case: case.kind)
quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def read(channel: Channel, case: Case, raw: bytes) -> list[Inbound]:
    return channel.read(raw, case.account("").external_id, case.scopes, now=NOW)


def payloads(case: Case) -> list[bytes]:
    return [path.read_bytes() for path in sorted((PAYLOADS / case.kind).glob("*.json"))]


def reply(case: Case, **changes: Any) -> Outbound:
    said = Outbound(
        callback="66f0a1b2c3d4e5f6a7b8c9d0",
        to=(case.person,),
        content=Text(text="Buenos días"),
        heard_at=NOW - timedelta(minutes=5),
    )
    return dataclasses.replace(said, **changes)


# --- who it is --------------------------------------------------------------------------------------------------------


async def test_it_is_found_by_its_folder(case, channel):
    assert case.kind in kinds()
    assert discover(case.kind) is not None
    assert channel.kind == case.kind


async def test_its_limits_are_usable(case, channel):
    limits = channel.limits
    assert limits.text > 0
    assert limits.per_second > 0
    assert limits.person_burst >= 1
    assert set(limits.mimes) == set(limits.media_bytes)


# --- is it really the platform ----------------------------------------------------------------------------------------


async def test_a_signed_body_is_accepted_by_any_of_the_secrets(case, channel):
    raw = case.texts(["hola"])[0]
    channel.verify(case.sign(raw, case.secret), raw, ["another", case.secret])
    lower = {name.lower(): value for name, value in case.sign(raw, case.secret).items()}
    channel.verify(lower, raw, [case.secret])


async def test_a_wrong_or_missing_signature_is_refused(case, channel):
    raw = case.texts(["hola"])[0]
    good = case.sign(raw, case.secret)
    odd = {name: "sha256=ñ" for name in good}
    # As aiohttp hands over bytes that are no UTF-8.
    no_text = {name: b"\xff".decode(errors="surrogateescape") for name in good}
    for headers in (case.sign(raw, "wrong"), {}, odd, no_text, dict.fromkeys(good, "")):
        with pytest.raises(NotFromPlatform):
            channel.verify(headers, raw, [case.secret])
    for secrets in ([], ["other"]):
        with pytest.raises(NotFromPlatform):
            channel.verify(good, raw, secrets)


async def test_an_empty_secret_opens_nothing(case, channel):
    raw = case.texts(["hola"])[0]
    with pytest.raises(NotFromPlatform):
        channel.verify(case.sign(raw, ""), raw, [""])


async def test_a_changed_body_is_refused(case, channel):
    if not case.signs_the_body:
        pytest.skip("this platform sends a secret and signs nothing")
    raw = case.texts(["hola"])[0]
    with pytest.raises(NotFromPlatform):
        channel.verify(case.sign(raw, case.secret), raw + b" ", [case.secret])


async def test_the_handshake_answers_only_the_right_token(case, channel):
    if case.handshake is None:
        assert channel.handshake({"hub.challenge": "1"}, ["token"]) is None
        return
    query = case.handshake("clave-ñ")
    assert channel.handshake(query, ["other", "clave-ñ"]) == query["hub.challenge"]
    assert channel.handshake(query, ["other"]) is None
    assert channel.handshake(query, []) is None
    assert channel.handshake({}, ["clave-ñ"]) is None
    assert channel.handshake(case.handshake(""), [""]) is None


async def test_the_envelope_is_told_from_foreign_ones(case, channel):
    for raw in (*case.texts(["hola"]), *payloads(case)):
        channel.envelope(raw)
    for raw in (b"", b"hola", b"\xff\xfe", b"null", b"[]", b'"x"', b"{}", b"[" * 100_000, b'{"a":NaN}', *case.foreign):
        with pytest.raises(Malformed):
            channel.envelope(raw)


# --- reading ----------------------------------------------------------------------------------------------------------


async def test_a_text_is_read(case, channel):
    [said] = [fact for raw in case.texts(["Hola 👋 <b>\u202e"]) for fact in read(channel, case, raw)]
    assert isinstance(said, Said)
    assert said.content == Text(text="Hola 👋 <b>\u202e")
    assert said.direction == "in"
    assert said.opens_window
    assert said.sender.addresses


async def test_one_broken_update_in_a_thousand_loses_only_itself(case, channel):
    texts = [f"n{number}" for number in range(1000)]
    wanted: list[str | None] = [*texts[:500], None, *texts[500:]]
    facts = [fact for raw in case.texts(wanted) for fact in read(channel, case, raw)]
    assert [fact.content.text for fact in facts if isinstance(fact, Said) and isinstance(fact.content, Text)] == texts
    [lost] = [fact for fact in facts if not (isinstance(fact, Said) and isinstance(fact.content, Text))]
    assert isinstance(lost, Said | Unrecognised)
    assert lost.raw is not None


async def test_every_payload_is_understood(case, channel):
    assert payloads(case), "a channel without payloads proves nothing"
    for path in sorted((PAYLOADS / case.kind).glob("*.json")):
        facts = read(channel, case, path.read_bytes())
        strange = [fact for fact in facts if isinstance(fact, Unrecognised)]
        assert facts, path.name
        assert bool(strange) == path.name.startswith("unknown"), path.name


async def test_reading_twice_says_the_same(case, channel):
    for raw in payloads(case):
        assert read(channel, case, raw) == read(channel, case, raw)


@quick
@given(value=JSON)
async def test_any_json_is_read(case, channel, value):
    assert_sound(read(channel, case, dumped(value)))


@quick
@given(raw=st.binary(max_size=200))
async def test_any_bytes_are_read(case, channel, raw):
    assert_sound(read(channel, case, raw))


@quick
@given(seed=st.integers(0, 2**32))
async def test_a_payload_with_any_spot_spoilt_is_read(case, channel, seed):
    chance = random.Random(seed)
    for raw in chance.choices(payloads(case), k=20):
        assert_sound(read(channel, case, spoilt(json.loads(raw), chance)))


def spoilt(body: Any, chance: random.Random) -> bytes:
    """The body with one value, anywhere in it, replaced by something odd or left out."""
    spots = list(walk(body))
    holder, key = chance.choice(spots)
    if chance.random() < 0.3 and isinstance(holder, dict):
        del holder[key]
    else:
        holder[key] = chance.choice(ODD_VALUES)
    return dumped(body)


def dumped(body: Any) -> bytes:
    """Also what orjson will not write and a platform may: half a surrogate pair, a number of 70 bits."""
    return json.dumps(body).encode()


def walk(value: Any) -> Iterator[tuple[Any, Any]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in list(items):
        yield value, key
        yield from walk(inner)


def assert_sound(facts: list[Inbound]) -> None:
    """A list of facts that a database can hold, with times that can be."""
    assert isinstance(facts, list)
    for fact in facts:
        assert isinstance(fact, Inbound)
        bson.encode({"fact": plain(fact)})
        assert all(at.tzinfo is not None and at <= NOW for at in times(fact))
        if isinstance(fact, Said):
            assert fact.platform_id
            assert fact.sender.addresses
            assert all(address.value for address in fact.sender.addresses)


def plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return plain(value.model_dump())
    if dataclasses.is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def times(fact: Inbound) -> Iterator[datetime]:
    for item in dataclasses.fields(fact):
        value = getattr(fact, item.name)
        if isinstance(value, datetime):
            yield value


# --- the window -------------------------------------------------------------------------------------------------------


async def test_the_window_closes_when_the_platform_says(case, channel):
    if case.window_hours is None:
        assert channel.window(None, NOW).closes_at is None
        return
    hours = timedelta(hours=case.window_hours)
    just_open, just_shut = NOW - hours + timedelta(seconds=1), NOW - hours
    assert channel.window(just_open, NOW).is_open
    assert channel.window(just_open, NOW).closes_at == just_open + hours
    assert not channel.window(just_shut, NOW).is_open
    assert not channel.window(None, NOW).is_open


async def test_text_is_allowed_while_the_window_is_open(case, channel):
    assert channel.allows(Text(text="hola"), NOW, NOW, human=True).allowed
    shut = channel.allows(Text(text="hola"), NOW - timedelta(days=30), NOW, human=True)
    assert shut.allowed == (case.window_hours is None)
    assert shut.allowed or (shut.code, bool(shut.message)) == ("window_closed", True)


async def test_what_cannot_be_sent_is_refused_before_it_is_tried(case, channel, account, platform):
    assert not channel.allows(Unsupported(), NOW, NOW, human=True).allowed
    with pytest.raises(Rejected):
        await channel.send(account, reply(case, content=Unsupported()))
    assert platform.asked == []


# --- sending ----------------------------------------------------------------------------------------------------------


async def test_an_accepted_message_has_the_platforms_id(case, channel, account, platform):
    platform.answer(case.send_path, case.accepted)
    receipt = await channel.send(account, reply(case))
    assert receipt.platform_ids == (case.accepted_id,)
    assert len(platform.asked) == 1


async def test_each_problem_is_named_by_its_remedy(case, channel, account, platform):
    for name, answer, problem in case.problems:
        platform.answer(case.send_path, answer)
        with pytest.raises(SendProblem) as caught:
            await channel.send(account, reply(case))
        assert type(caught.value) is problem, f"{name}: {caught.value!r}"
        assert caught.value.code, name
        assert caught.value.message.endswith((".", "?")), name


async def test_all_five_remedies_are_tried(case):
    tried = {problem for _, _, problem in case.problems}
    assert {TryLater, Rejected, AccountBroken} <= tried


@pytest.mark.parametrize("answer", [HANG, DROP, Answer(b"<html>", 502), Answer(b"not json")], ids=str)
async def test_without_a_usable_answer_the_outcome_is_uncertain(case, channel, account, platform, answer):
    platform.answer(case.send_path, answer)
    with pytest.raises(Uncertain):
        await channel.send(account, reply(case))
    assert len(platform.asked) == 1


async def test_when_nothing_could_leave_it_is_tried_later(case, channel):
    with pytest.raises(TryLater) as caught:
        await channel.send(case.account("http://127.0.0.1:9"), reply(case))
    assert caught.value.after > timedelta(0)


async def test_a_throttled_send_waits_at_least_as_long_as_it_is_told(case, channel, account, platform):
    platform.answer(case.send_path, Answer(b"", 429, {"Retry-After": "77"}))
    with pytest.raises(TryLater) as caught:
        await channel.send(account, reply(case))
    assert caught.value.after >= timedelta(seconds=77)


async def test_a_problem_never_shows_a_secret(case, channel, account, platform):
    for _, answer, _ in case.problems:
        platform.answer(case.send_path, answer)
        with pytest.raises(SendProblem) as caught:
            await channel.send(account, reply(case))
        words = f"{caught.value!r} {caught.value.detail} {account!r}"
        assert not any(secret in words for secret in account.secrets.values())


@pytest.mark.parametrize("kind", ["read", "typing", "acknowledge"])
@pytest.mark.parametrize("answer", [DROP, Answer(b"", 500), Answer(b"{}", 200)], ids=str)
async def test_a_signal_never_fails(case, channel, account, platform, kind, answer):
    platform.answer("", answer)
    await channel.signal(account, Signal(kind, (case.person,), "1:2"))


# --- files ------------------------------------------------------------------------------------------------------------


async def test_a_file_is_fetched_whole(case, channel, account, platform):
    content = random.Random(1).randbytes(300_000)
    for path, answer in case.file_answers(platform.url, content).items():
        platform.answer(path, answer)
    fetched = await channel.fetch(account, case.file(platform.url))
    assert b"".join([chunk async for chunk in fetched.chunks]) == content


async def test_a_file_that_is_gone_says_so(case, channel, account, platform):
    platform.answer("", Answer({"error": {"code": 100, "error_subcode": 33}, "ok": False, "error_code": 404}, 404))
    with pytest.raises(FetchProblem):
        await channel.fetch(account, case.file(platform.url))


async def test_a_file_on_a_foreign_host_is_never_asked_for(case, channel, account, platform):
    ref, answers = case.foreign_file(platform.url)
    for path, answer in answers.items():
        platform.answer(path, answer)
    with pytest.raises(FetchProblem) as caught:
        await channel.fetch(account, ref)
    assert caught.value.final
    assert platform.asked_at("/stolen") == []


# --- the account ------------------------------------------------------------------------------------------------------


async def test_a_check_names_the_account(case, channel, account, platform):
    for path, answer in case.check_answers.items():
        platform.answer(path, answer)
    health = await channel.check(account)
    assert isinstance(health, Health)
    assert health.name
    assert health.missing == ()


async def test_refused_credentials_break_the_account(case, channel, account, platform):
    platform.answer("", case.refused_credentials)
    with pytest.raises(AccountBroken) as caught:
        await channel.check(account)
    assert not any(secret in repr(caught.value) for secret in account.secrets.values())


async def test_a_check_that_cannot_ask_is_for_later(case, channel):
    with pytest.raises(TryLater):
        await channel.check(case.account("http://127.0.0.1:9"))
