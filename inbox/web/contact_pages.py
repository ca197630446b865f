"""The company's people: found, seen whole, written down, corrected, erased."""

from typing import Any

from aiohttp import web
from pydantic import Field

from bot.errors import DomainError
from inbox import search
from inbox.actions import contacts, erasure
from inbox.conversations import read_cursor, write_cursor
from inbox.gate import AGENT, HOUSE
from inbox.permissions import Permission, View, access_contact, may, view_of
from inbox.web.answers import done, fragment, page, problems, read_form, see_other
from inbox.web.forms import Posted
from inbox.web.person_pane import build_person
from inbox.web.rows import read_names
from inbox.web.search_pages import describe_people

ROWS, EARLIER, NOTES = 50, 50, 50


class NewContact(Posted):
    name: str = Field(default="", max_length=200)
    phone: str = Field(default="", max_length=60)
    email: str = Field(default="", max_length=254)


async def show_contacts(request: web.Request) -> web.Response:
    query, tag = request.query.get("q", "").strip()[:100], request.query.get("tag", "")
    people, following = await _list(request, query, tag, request.query.get("cursor") or None)
    if "HX-Request" in request.headers and "cursor" in request.query:
        return fragment(request, "contact_rows", people=people, next=following, q=query)
    return await page(
        request, "contacts", people=people, next=following, q=query, total=None, done=request.query.get("done", "")
    )


async def _list(
    request: web.Request, query: str, tag: str, cursor: str | None
) -> tuple[list[dict[str, Any]], str | None]:
    """Those heard from last come first; who was never heard from stands at the end."""
    house, view = request.app[HOUSE], view_of(request[AGENT])
    if query:
        found = await search.find_people(house.db, view, query, limit=ROWS)
        return await _described(request, found, view), None
    wanted: dict[str, Any] = {"tags": tag} if tag else {}
    if view.sees != "all":
        ids = await house.db["conversations"].distinct("contact", view.conversations())
        wanted["$or"] = [{"_id": {"$in": ids}}, {"owner": view.agent}]
    if cursor:
        at, contact_id = read_cursor(cursor)
        older = {"$or": [{"created_at": {"$lt": at}}, {"created_at": at, "_id": {"$lt": contact_id}}]}
        wanted = {"$and": [wanted, older]} if wanted else older
    newest = house.db["contacts"].find(wanted).sort([("created_at", -1), ("_id", -1)])
    found = await newest.to_list(ROWS + 1)
    following = write_cursor(found[ROWS - 1], "created_at") if len(found) > ROWS else None
    return await _described(request, found[:ROWS], view), following


async def _described(request: web.Request, found: list[dict[str, Any]], view: View) -> list[dict[str, Any]]:
    names = await read_names(request.app[HOUSE].db)
    shown = await describe_people(request, found, view)
    return [
        {
            **row,
            "phone": row["detail"],
            "email": contact.get("email") or "",
            "tags": contact.get("tags", []),
            "last_heard_at": contact.get("last_heard_at"),
            "owner": names.agent(contact.get("owner")),
            "practice": contact.get("practice", False),
        }
        for row, contact in zip(shown, found, strict=True)
    ]


async def show_contact(request: web.Request) -> web.Response:
    return await _contact_page(request, wrong={})


async def _contact_page(request: web.Request, *, wrong: dict[str, str]) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    contact_id = request.match_info["contact"]
    names, view = await read_names(house.db), view_of(agent)
    person = await build_person(request, contact_id, names, earlier=EARLIER)
    seen = {row["id"] for row in person["conversations"]}
    notes = await house.db["notes"].find({"contact": contact_id}).sort("at", -1).to_list(NOTES)
    return await page(
        request,
        "contact",
        status=422 if wrong else 200,
        person=person,
        notes=[
            {**note, "author": note["author"]["name"], "text": view.text(note["text"])}
            for note in notes
            if note["conversation"] in seen
        ],
        form={key: person[key] or "" for key in ("name", "email", "language", "country")}
        | {"tags": ", ".join(person["tags"])},
        errors=wrong,
        may_edit=may(agent, Permission.CONTACTS_WRITE),
        may_erase=may(agent, Permission.CONTACTS_ERASE),
        done=request.query.get("done", ""),
    )


async def show_edit(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    person = await build_person(request, request.match_info["contact"], await read_names(house.db))
    return fragment(request, "person_edit", person=person, form=person, errors={})


async def show_new(request: web.Request) -> web.Response:
    return await page(request, "contact_new", form={"phone": request.query.get("phone", "")}, errors={})


async def create(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    form = await read_form(request, NewContact)
    wish = {key: value.strip() for key, value in form.model_dump().items() if value.strip()}
    try:
        contact = await contacts.create(
            house.db, wish, country=house.settings.inbox.country, by=request[AGENT], now=house.clock.now()
        )
    except DomainError as error:
        wrong = problems(error, request)
        return await page(request, "contact_new", status=422, form=form.model_dump(), errors=wrong)
    return see_other(f"/contacts/{contact['_id']}")


async def save(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    contact = await access_contact(house.db, agent, request.match_info["contact"])
    try:
        await contacts.edit(
            house.db,
            contact,
            await _read_changes(request, contact),
            country=house.settings.inbox.country,
            by=agent,
            now=house.clock.now(),
        )
    except DomainError as error:
        if "HX-Request" in request.headers:
            raise
        return await _contact_page(request, wrong=problems(error, request))
    return await done(request, back=f"/contacts/{contact['_id']}", code="saved")


async def _read_changes(request: web.Request, contact: dict[str, Any]) -> dict[str, Any]:
    """Only what the form has. The field pairs are the whole set: what is not among them any more is forgotten."""
    posted = await request.post()
    wish: dict[str, Any] = {
        key: str(posted[key]).strip()[:300]
        for key in ("name", "phone", "email", "language", "country")
        if key in posted
    }
    if "tags" in posted:
        wish["tags"] = [tag.strip() for tag in str(posted["tags"]).split(",") if tag.strip()]
    if "field_key" in posted:
        keys = [str(key).strip() for key in posted.getall("field_key")]
        values = [str(value).strip() for value in posted.getall("field_value", [])]
        given = {key: value for key, value in zip(keys, values, strict=False) if key}
        wish["fields"] = dict.fromkeys(contact.get("fields", {}), "") | given
    return _unmasked(wish, contact, view_of(request[AGENT]))


def _unmasked(wish: dict[str, Any], contact: dict[str, Any], view: View) -> dict[str, Any]:
    """What comes back as it was shown to somebody who may not see numbers is what stands there, not its mask."""
    if wish.get("name") == view.text(contact.get("name") or ""):
        del wish["name"]
    if "fields" in wish:
        stored = {key: str(value) for key, value in contact.get("fields", {}).items()}
        wish["fields"] = {
            key: stored[key] if key in stored and value == view.text(stored[key]) else value
            for key, value in wish["fields"].items()
        }
    return wish


async def erase(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    contact = await access_contact(house.db, agent, request.match_info["contact"])
    if (await request.post()).get("confirm") != "yes":
        return see_other(f"/contacts/{contact['_id']}")
    await erasure.erase(house, contact, by=agent, now=house.clock.now())
    return await done(request, back="/contacts", code="erased")
