"""The ladder of statuses: up, never down, the same end in whatever order."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.records.ladder import BELOW, RANK, Step, climb

START = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ERROR = {"code": "131026", "message": "Not delivered.", "detail": "", "remedy": "gone"}


def a_message(message_id: str, status: str = "queued") -> dict:
    return {
        "_id": message_id,
        "status": status,
        "rank": RANK[status],
        "times": {"queued": START},
        "error": None,
        "direction": "out",
    }


def a_step(status: Any, minute: int = 1) -> Step:
    return Step(status, START + timedelta(minutes=minute), ERROR if status == "failed" else None)


async def climbed(store, steps: list[list[Step]], status: str = "queued") -> dict:
    """The message after these batches of statuses."""
    message_id = f"{random.random()}"
    await store["messages"].insert_one(a_message(message_id, status))
    for batch in steps:
        await store["messages"].update_one({"_id": message_id}, climb(batch))
    found = await store["messages"].find_one({"_id": message_id}, {"_id": 0})
    await store["messages"].delete_one({"_id": message_id})
    return found


EVERY = ("sent", "delivered", "read", "failed")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_any_order_and_any_batches_end_in_the_same_state(store, data):
    names = data.draw(st.lists(st.sampled_from(EVERY), min_size=1, max_size=7))
    steps = [a_step(name, minute=1 + EVERY.index(name)) for name in names]
    cuts = sorted(data.draw(st.lists(st.integers(0, len(steps)), max_size=3)))
    batches = [steps[a:b] for a, b in zip([0, *cuts], [*cuts, len(steps)], strict=True) if a < b]
    alone = [[step] for step in data.draw(st.permutations(steps))]
    assert await climbed(store, batches) == await climbed(store, alone)


@pytest.mark.parametrize(
    ("told", "ends"),
    [
        (["sent", "delivered", "read"], "read"),
        (["read", "delivered", "sent"], "read"),
        (["delivered"], "delivered"),
        (["sent", "failed"], "failed"),
        (["failed", "sent"], "failed"),
        (["failed", "delivered"], "delivered"),
        (["delivered", "failed"], "delivered"),
        (["read", "failed", "sent"], "read"),
    ],
)
async def test_the_end_of_each_way_up(store, told, ends):
    message = await climbed(store, [[a_step(name)] for name in told])
    assert message["status"] == ends
    assert message["error"] == (ERROR if ends == "failed" else None)
    assert set(message["times"]) == {"queued", *told}


async def test_an_uncertain_message_is_lifted_by_any_status(store):
    for name in EVERY:
        assert (await climbed(store, [[a_step(name)]], status="uncertain"))["status"] == name


async def test_a_late_status_keeps_its_own_time(store):
    message = await climbed(store, [[a_step("read", 3)], [a_step("sent", 1)], [a_step("sent", 2)]])
    assert message["times"]["sent"] == START + timedelta(minutes=1)
    assert message["times"]["read"] == START + timedelta(minutes=3)


async def test_of_two_failures_the_newest_reason_stands(store):
    other = Step("failed", START + timedelta(minutes=5), {"code": "131049"})
    for batches in ([[a_step("failed")], [other]], [[other], [a_step("failed")]], [[other, a_step("failed")]]):
        assert (await climbed(store, batches))["error"] == {"code": "131049"}


async def test_a_reason_may_look_like_a_field_of_the_database(store):
    step = Step("failed", START, {"code": "1", "detail": "$rank"}, {"category": "$status"})
    message = await climbed(store, [[step]])
    assert message["error"]["detail"] == "$rank"
    assert message["pricing"]["category"] == "$status"


def test_what_a_conversation_repeats_climbs_by_the_same_rule():
    assert "delivered" not in BELOW["failed"]
    assert "failed" in BELOW["delivered"]
    assert "failed" not in BELOW["sent"]
    assert all(name not in BELOW[name] for name in EVERY)
