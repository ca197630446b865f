"""Labels of conversations: a name and one of eight colours."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.errors import N_, Conflict, NotFound, Refused
from bot.ids import new_id
from bot.store.database import AlreadyThere, Database, already_there

NAME_LENGTH = 40
COLOURS = ("grey", "red", "orange", "yellow", "green", "teal", "blue", "purple")


async def add_label(db: Database, *, name: str, colour: str, now: datetime) -> dict[str, Any]:
    label = {"_id": new_id(), "name": _name(name), "colour": _colour(colour), "created_at": now}
    try:
        with already_there():
            await db["labels"].insert_one(label)
    except AlreadyThere as error:
        raise Conflict(N_("There is a label %(name)s already."), name=label["name"]) from error
    return label


async def change_label(db: Database, label_id: str, *, name: str, colour: str) -> None:
    try:
        with already_there():
            done = await db["labels"].update_one(
                {"_id": label_id}, {"$set": {"name": _name(name), "colour": _colour(colour)}}
            )
    except AlreadyThere as error:
        raise Conflict(N_("There is a label %(name)s already."), name=name) from error
    if not done.matched_count:
        raise NotFound(N_("There is no such label."))


async def delete_label(db: Database, label_id: str) -> None:
    await db["labels"].delete_one({"_id": label_id})
    await db["conversations"].update_many({"labels": label_id}, {"$pull": {"labels": label_id}})


async def list_labels(db: Database) -> list[dict[str, Any]]:
    return await db["labels"].find().sort("name", 1).to_list()


async def known_labels(db: Database, wanted: Sequence[str]) -> list[str]:
    """The ids of labels given by id or by name. Raises Refused on one that does not exist."""
    found = (
        await db["labels"].find({"$or": [{"_id": {"$in": list(wanted)}}, {"name": {"$in": list(wanted)}}]}).to_list()
    )
    by_word = {label["_id"]: label["_id"] for label in found} | {label["name"]: label["_id"] for label in found}
    for word in wanted:
        if word not in by_word:
            raise Refused(N_("There is no label %(name)s."), code="label_unknown", name=word)
    return list(dict.fromkeys(by_word[word] for word in wanted))


def _name(text: str) -> str:
    name = " ".join(text.split())[:NAME_LENGTH]
    if not name:
        raise Refused(N_("A name is needed."), code="name_missing")
    return name


def _colour(colour: str) -> str:
    if colour not in COLOURS:
        raise Refused(N_("Unknown colour."), code="colour_unknown")
    return colour
