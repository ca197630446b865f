"""PyMongo's own asyncio client beside motor on the same database: writing, finding, hearing of changes."""

import asyncio
import importlib.util
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from bson import ObjectId
from pymongo import AsyncMongoClient, UpdateOne, WriteConcern

from benchmarks.figures import Result, median, percentile
from benchmarks.place import open_place
from benchmarks.programs import Failed

Work = Callable[[Any], Awaitable[float]]
ROUNDS, DOCUMENTS, BATCH, FINDS, NEWS = 5, 10_000, 500, 2000, 60
AT_ONCE = 32
PYMONGO, MOTOR = "pymongo", "motor"
DURABLE = WriteConcern(w="majority", j=True)


async def run(*, rounds: int = ROUNDS) -> Result:
    result = Result("drivers")
    found: dict[str, dict[str, list[float]]] = {}
    async with open_place() as place:
        result.load = place.load
        clients = {PYMONGO: AsyncMongoClient(place.uri), MOTOR: _motor(place.uri)}
        for _ in range(rounds):
            for what, work in WORKS.items():
                for driver, client in clients.items():
                    collection = client["drivers"].get_collection(driver, write_concern=DURABLE)
                    found.setdefault(what, {}).setdefault(driver, []).append(await work(collection))
        await clients[PYMONGO].close()
        clients[MOTOR].close()
    for what, by_driver in found.items():
        unit = "ms" if what.endswith("latency") else "/s"
        result.add(what, median(by_driver[PYMONGO]), unit, bare=median(by_driver[MOTOR]))
    result.samples = found
    result.notes.append(f"The bare limit is motor's figure; in turn, {rounds} rounds, medians; everything journalled.")
    return result


def _motor(uri: str) -> Any:
    if importlib.util.find_spec("motor") is None:
        raise Failed("motor is not installed: it comes with the extra `bench`.")
    from motor.motor_asyncio import AsyncIOMotorClient

    return AsyncIOMotorClient(uri)


def _documents(count: int) -> list[dict[str, Any]]:
    """About as large as a short message."""
    return [{"_id": ObjectId(), "number": number, "state": "new", "text": "x" * 600} for number in range(count)]


def _batches(items: Sequence[Any]) -> list[Sequence[Any]]:
    return [items[at : at + BATCH] for at in range(0, len(items), BATCH)]


async def insert(collection: Any) -> float:
    await collection.drop()
    batches = _batches(_documents(DOCUMENTS))
    began = time.perf_counter()
    for batch in batches:
        await collection.insert_many(batch, ordered=False)
    return DOCUMENTS / (time.perf_counter() - began)


async def insert_single(collection: Any) -> float:
    """Many writers, one document each."""
    documents = iter(_documents(FINDS))

    async def write() -> None:
        for document in documents:
            await collection.insert_one(document)

    return FINDS / await _together(write)


async def update(collection: Any) -> float:
    """Each document its own update, in bulk."""
    ids = [document["_id"] async for document in collection.find({}, {"_id": 1}).limit(DOCUMENTS)]
    batches = _batches(ids)
    began = time.perf_counter()
    for batch in batches:
        await collection.bulk_write(
            [UpdateOne({"_id": each}, {"$set": {"state": "applied"}, "$inc": {"tries": 1}}) for each in batch],
            ordered=False,
        )
    return len(ids) / (time.perf_counter() - began)


async def find_one(collection: Any) -> float:
    ids = iter([document["_id"] async for document in collection.find({}, {"_id": 1}).limit(FINDS)])

    async def read() -> None:
        for each in ids:
            await collection.find_one({"_id": each})

    return FINDS / await _together(read)


async def find_many(collection: Any) -> float:
    """All documents, by cursor."""
    began, count = time.perf_counter(), 0
    async for _ in collection.find({}).batch_size(BATCH):
        count += 1
    return count / (time.perf_counter() - began)


async def _together(work: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(AT_ONCE)))
    return time.perf_counter() - began


async def hear(collection: Any) -> float:
    """Milliseconds from the beginning of a write until the change stream tells of it, at the 95th percentile."""
    stream = collection.watch([{"$match": {"operationType": "insert"}}])
    async with (await stream if asyncio.iscoroutine(stream) else stream) as changes:
        await changes.try_next()
        slow = [await _heard(collection, changes) for _ in range(NEWS)]
    return percentile(slow, 0.95) * 1000


async def _heard(collection: Any, changes: Any) -> float:
    next_change = asyncio.create_task(changes.next())
    await asyncio.sleep(0.01)
    began = time.perf_counter()
    await collection.insert_one({"_id": ObjectId(), "text": "news"})
    await next_change
    return time.perf_counter() - began


WORKS: Mapping[str, Work] = {
    f"insert_many, {BATCH} at a time": insert,
    f"insert_one, {AT_ONCE} at once": insert_single,
    f"bulk_write, {BATCH} updates at a time": update,
    f"find_one, {AT_ONCE} at once": find_one,
    "find, all by cursor": find_many,
    "change stream, p95 latency": hear,
}
