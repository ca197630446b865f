"""For whoever runs the installation: updates that were set aside, and how everything is."""

import json
from importlib.metadata import version
from typing import Any

from aiohttp import web

from bot.delivery import aside
from inbox.checks import check_house
from inbox.gate import AGENT, HOUSE, translator
from inbox.permissions import view_of
from inbox.web.answers import done, page

PAGE, MOST_RAW = 50, 20_000


async def show_aside(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    state = request.query.get("state", "")
    found = await aside.list_page(house.db, state=state or None, limit=PAGE, cursor=request.query.get("cursor") or None)
    updates = [_update(request, row) for row in found.items]
    counts = await aside.counts(house.db)
    return await page(
        request,
        "settings_aside",
        updates=updates,
        next=found.next,
        counts=counts,
        state=state,
        done=request.query.get("done", ""),
    )


def _update(request: web.Request, row: dict[str, Any]) -> dict[str, Any]:
    """What somebody said word for word is only for those who may see everybody's words and numbers."""
    account, view = request.app[HOUSE].accounts.find(row.get("account") or ""), view_of(request[AGENT])
    raw = row.get("raw")
    text = raw if isinstance(raw, str) else json.dumps(raw, indent=2, ensure_ascii=False, default=str)
    shown = text[:MOST_RAW] if view.sees == "all" and not view.masked else "•••"
    name = account.name if account else ""
    return {**row, "id": row["_id"], "account_name": name, "reason": view.text(row["reason"]), "raw": shown}


async def replay(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    await house.journal.replay(request.match_info["update"], now=house.clock.now())
    return await done(request, back="/settings/aside", code="replayed")


async def replay_all(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    state = str((await request.post()).get("state", "")) or None
    await house.journal.replay_all(state=state, now=house.clock.now())
    return await done(request, back="/settings/aside", code="replayed")


async def drop(request: web.Request) -> web.Response:
    await aside.drop(request.app[HOUSE].db, request.match_info["update"])
    return await done(request, back="/settings/aside", code="dropped")


async def show_about(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    lines, translate = await check_house(house), translator(request)
    db = house.db
    figures = [
        {"name": name, "value": await db[name].estimated_document_count()}
        for name in ("contacts", "conversations", "messages", "media", "journal", "outbox")
    ]
    return await page(
        request,
        "settings_about",
        version=version("bandeja"),
        checks=[{"name": name, "ok": line.ok, "text": text} for line in lines for name, text in [line.say(translate)]],
        figures=figures,
    )
