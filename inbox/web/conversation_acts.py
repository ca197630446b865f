"""What a person does to a conversation from its page. Each: who, what, access, act, answer."""

from datetime import datetime
from typing import Any

from aiohttp import web

from bot.delivery.signals import Signals
from bot.errors import N_, Refused
from inbox import labels, presence
from inbox.actions import replies, states
from inbox.actions.replies import TemplateWish
from inbox.drafts import save_draft
from inbox.gate import AGENT, HOUSE
from inbox.permissions import access_contact, access_conversation, access_message
from inbox.web import forms
from inbox.web.answers import done, made, read_form, zone_of
from inbox.web.times import snooze_presets

VARIABLE = "variables."


async def _conversation(request: web.Request) -> dict[str, Any]:
    return await access_conversation(request.app[HOUSE].db, request[AGENT], request.match_info["conversation"])


def _back(request: web.Request) -> str:
    return f"/inbox/{request.match_info['conversation']}"


async def reply(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    form = await read_form(request, forms.Reply)
    conversation = await _conversation(request)
    messages = await replies.reply(
        house,
        conversation,
        by=agent,
        now=house.clock.now(),
        text=form.text,
        media=form.media,
        voice=form.voice,
        template=await _template(request, form),
        account=form.account or None,
        identity=form.identity or None,
        reply_to=form.reply_to or None,
        last_seen=form.last_seen or None,
        client_key=form.client_key or None,
    )
    await save_draft(house.db, conversation["_id"], agent.id, "reply", text="", now=house.clock.now())
    await presence.stop_typing(house.db, conversation["_id"], agent.id, now=house.clock.now())
    ids = [message["_id"] for message in messages]
    return made(request, {"message": ids[0], "messages": ids}, back=_back(request))


async def _template(request: web.Request, form: forms.Reply) -> TemplateWish | None:
    if not form.template:
        return None
    posted = await request.post()
    variables = {key.removeprefix(VARIABLE): str(value) for key, value in posted.items() if key.startswith(VARIABLE)}
    return TemplateWish(id=form.template, variables=variables, header_media=form.header_media or None)


async def write_first(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    form = await read_form(request, forms.NewConversation)
    if form.contact:
        await access_contact(house.db, agent, form.contact)
    conversation, _ = await replies.write_first(
        house,
        by=agent,
        now=house.clock.now(),
        contact=form.contact or None,
        account=form.account or None,
        identity=form.identity or None,
        to=form.to or None,
        text=form.text,
        template=await _template(request, form),
        client_key=form.client_key or None,
    )
    url = f"/inbox/{conversation['_id']}"
    return made(request, {"conversation": conversation["_id"], "url": url}, back=url)


async def write_note(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    form = await read_form(request, forms.NoteForm)
    conversation, now = await _conversation(request), house.clock.now()
    note = await states.write_note(
        house.db, conversation, text=form.text, mentions=form.mentions, key=form.client_key or None, by=agent, now=now
    )
    await save_draft(house.db, conversation["_id"], agent.id, "note", text="", now=now)
    return made(request, {"note": note["_id"]}, back=_back(request))


async def keep_draft(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    form = await read_form(request, forms.Draft)
    conversation = await _conversation(request)
    await save_draft(house.db, conversation["_id"], request[AGENT].id, form.kind, text=form.text, now=house.clock.now())
    return web.Response(status=204)


async def assign(request: web.Request) -> web.Response:
    house, agent = request.app[HOUSE], request[AGENT]
    form = await read_form(request, forms.Assign)
    conversation, now = await _conversation(request), house.clock.now()
    if form.team:
        await states.assign_team(house.db, conversation, to=form.team, by=agent, now=now)
    elif form.agent:
        to = {"me": agent.id, "none": None}.get(form.agent, form.agent)
        await states.assign(house.db, conversation, to=to, by=agent, now=now)
    else:
        raise Refused(N_("Choose a person or a team."), code="nobody_chosen")
    return await done(request, back=_back(request))


async def take(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    await states.take_over(house.db, await _conversation(request), by=request[AGENT], now=house.clock.now())
    return await done(request, back=_back(request))


async def resolve(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    await states.resolve(house.db, await _conversation(request), by=request[AGENT], now=house.clock.now())
    return await done(request, back=_back(request))


async def reopen(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    await states.reopen(house.db, await _conversation(request), by=request[AGENT], now=house.clock.now())
    return await done(request, back=_back(request))


async def snooze(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    form = await read_form(request, forms.Snooze)
    conversation, now = await _conversation(request), house.clock.now()
    until = _read_until(request, form.until, now)
    await states.snooze(house.db, conversation, until=until, by=request[AGENT], now=now)
    return await done(request, back=_back(request))


def _read_until(request: web.Request, text: str, now: datetime) -> datetime:
    """One of the presets by its key, or a local date and time in the person's own zone."""
    zone = zone_of(request)
    for preset in snooze_presets(now, zone, str):
        if preset["key"] == text:
            at: datetime = preset["at"]
            return at
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refused(N_("Choose a time within the next year."), code="until_invalid") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=zone)


async def set_labels(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    form = await read_form(request, forms.Labels)
    conversation = await _conversation(request)
    await states.set_labels(house.db, conversation, wanted=form.label, by=request[AGENT], now=house.clock.now())
    return await done(request, back=_back(request))


async def add_label(request: web.Request) -> web.Response:
    """A new label, made and set in one go."""
    house, now = request.app[HOUSE], request.app[HOUSE].clock.now()
    form = await read_form(request, forms.LabelForm)
    conversation = await _conversation(request)
    label = await labels.add_label(house.db, name=form.name, colour=form.colour, now=now)
    wanted = [*conversation.get("labels", ()), label["_id"]]
    await states.set_labels(house.db, conversation, wanted=wanted, by=request[AGENT], now=now)
    return await done(request, back=_back(request))


async def mark_read(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    conversation = await _conversation(request)
    signals: Signals = house.signals
    if await states.mark_read(house.db, conversation, by=request[AGENT], now=house.clock.now()):
        signals.read(conversation)
    return web.Response(status=204)


async def mark_unread(request: web.Request) -> web.Response:
    await states.mark_unread(request.app[HOUSE].db, await _conversation(request))
    return await done(request, back="/inbox")


async def _message(request: web.Request) -> tuple[dict[str, Any], dict[str, Any]]:
    return await access_message(request.app[HOUSE].db, request[AGENT], request.match_info["message"])


async def send_again(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    message, conversation = await _message(request)
    await replies.send_again(house, message, conversation, by=request[AGENT], now=house.clock.now())
    return await done(request, back=f"/inbox/{conversation['_id']}")


async def settle(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    form = await read_form(request, forms.Settle)
    message, conversation = await _message(request)
    await replies.settle(house, message, conversation, outcome=form.outcome, by=request[AGENT], now=house.clock.now())
    return await done(request, back=f"/inbox/{conversation['_id']}")


async def cancel(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    message, conversation = await _message(request)
    await replies.cancel(house, message, conversation, by=request[AGENT], now=house.clock.now())
    return await done(request, back=f"/inbox/{conversation['_id']}")


async def react(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    form = await read_form(request, forms.React)
    message, conversation = await _message(request)
    await replies.react(house, message, conversation, emoji=form.emoji, by=request[AGENT], now=house.clock.now())
    return await done(request, back=f"/inbox/{conversation['_id']}")
