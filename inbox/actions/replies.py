"""What an agent says: a reply, a first message, a reaction, and second thoughts about what was sent."""

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from bot import phones
from bot.channels.contract import EVERYWHERE, Address, Sender
from bot.content import Content, Emoji, Media, Text
from bot.errors import N_, Conflict, NotFound, Refused
from bot.ids import AccountId, ContactId, ConversationId, IdentityId, MessageId, TeamId
from bot.records import mirrors, templates
from bot.records.meeting import Meeting, meet
from bot.records.outgoing import Author, Draft
from bot.store.database import AlreadyThere, Database, already_there
from inbox import activity, conversations
from inbox.actions.guard import guarded
from inbox.actions.states import Conversation, nudge, reopen
from inbox.house import House
from inbox.people import Agent
from inbox.permissions import access_contact, access_media, view_of
from inbox.reach import Reach, choose, way_to_number, ways_to


@dataclass(frozen=True, slots=True)
class TemplateWish:
    """By `id`, or by name and language in the account's own templates."""

    id: str | None = None
    name: str = ""
    language: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    header_media: str | None = None


async def reply(
    house: House,
    conversation: Conversation,
    *,
    by: Agent,
    now: datetime,
    text: str = "",
    media: Sequence[str] = (),
    voice: bool = False,
    template: TemplateWish | None = None,
    account: str | None = None,
    identity: str | None = None,
    reply_to: str | None = None,
    last_seen: str | None = None,
    client_key: str | None = None,
) -> list[dict[str, Any]]:
    """The messages, queued. The same `client_key` again answers the same messages.

    With `last_seen` (the newest message of others on the agent's screen) the send guard applies: Conflict
    `newer_message` when somebody said something since, or is answering at this very moment; nothing is stored then.
    Raises Refused when it cannot be sent as things stand (`window_closed`, `unreachable` …).
    """
    conversation = await _open(house.db, conversation, by=by, now=now)
    way = await _way(house, conversation, account=account, identity=identity, reply_to=reply_to, now=now)
    contents = await _contents(house, way, by=by, text=text, media=media, voice=voice, template=template)
    key = f"{by.id}:{client_key}" if client_key else None
    seen = None if key and await _is_known(house.db, key) else last_seen
    messages: list[dict[str, Any]] = []
    try:
        async with guarded(house.db, conversation, seen, by=by, now=now):
            async for message in _put(house, conversation, way, contents, by=by, reply_to=reply_to, key=key, now=now):
                messages.append(message)  # noqa: PERF401 - those before a refusal count
    finally:
        if messages:
            await _bump(house.db, conversation, way, messages[-1], by=by, now=now)
    return messages


async def _open(db: Database, conversation: Conversation, *, by: Agent, now: datetime) -> Conversation:
    """Whoever answers in a resolved conversation reopens it, or goes on in the one that is open by now."""
    if conversation["open"]:
        return conversation
    try:
        return await reopen(db, conversation, by=by, now=now)
    except Conflict:
        other = await conversations.open_of(db, conversation["contact"], conversation["team"])
        if other is None:
            raise
        return _shown(other, by)


async def _way(
    house: House,
    conversation: Conversation,
    *,
    account: str | None,
    identity: str | None,
    reply_to: str | None,
    now: datetime,
) -> Reach:
    if account is None and reply_to:
        quoted = await house.db["messages"].find_one({"_id": reply_to}, {"account": 1})
        account = quoted["account"] if quoted else None
    return choose(await ways_to(house, conversation["contact"], now=now), account=account, identity=identity)


async def _contents(
    house: House,
    way: Reach,
    *,
    by: Agent,
    text: str,
    media: Sequence[str],
    voice: bool,
    template: TemplateWish | None,
) -> list[Content]:
    """One message each. The text is the caption of the first file where it fits there, else a message of its own."""
    if template:
        return [await _fill(house, way, template, by=by)]
    text = text.strip()
    if not media:
        return [Text(text=text)]
    files = [await access_media(house.db, by, media_id) for media_id in media]
    limits = house.channels[way.account.kind].limits
    is_caption = len(text) <= limits.caption and not voice
    contents: list[Content] = [
        Media(
            kind="voice" if voice and index == 0 else file["kind"],
            media=file["_id"],
            caption=text if is_caption and index == 0 else "",
            name=file["name"],
        )
        for index, file in enumerate(files)
    ]
    return contents if is_caption or not text else [*contents, Text(text=text)]


async def _fill(house: House, way: Reach, wish: TemplateWish, *, by: Agent) -> Content:
    if wish.header_media:
        await access_media(house.db, by, wish.header_media)
    if wish.id:
        template = await house.db["templates"].find_one({"_id": wish.id, "scope": way.account.template_scope})
        if template is None:
            raise NotFound(N_("There is no such template."))
    else:
        template = await templates.get_template(house.db, way.account.template_scope, wish.name, wish.language)
    return templates.fill(template, wish.variables, header_media=wish.header_media)


async def _is_known(db: Database, key: str) -> bool:
    return await db["messages"].find_one({"client_key": key}, {"_id": 1}) is not None


async def _put(
    house: House,
    conversation: Conversation,
    way: Reach,
    contents: Sequence[Content],
    *,
    by: Agent,
    reply_to: str | None,
    key: str | None,
    now: datetime,
) -> AsyncIterator[dict[str, Any]]:
    """In order; when one is refused those before it are on their way already and the refusal is told."""
    for index, content in enumerate(contents):
        suffix = "" if index == 0 else f".{index}"
        draft = Draft(
            account=AccountId(way.account.id),
            contact=ContactId(conversation["contact"]),
            identity=IdentityId(way.identity["_id"]),
            content=content,
            author=Author(kind="agent", id=by.id, name=by.name),
            conversation=ConversationId(conversation["_id"]),
            team=TeamId(conversation["team"]),
            reply_to=MessageId(reply_to) if reply_to and index == 0 else None,
            client_key=f"{key}{suffix}" if key else None,
            practice=way.account.practice,
        )
        # A millisecond apart, so that they stand in the thread in this order.
        yield await house.outbox.put(draft, now=now + timedelta(milliseconds=index))


async def _bump(
    db: Database, conversation: Conversation, way: Reach, message: Mapping[str, Any], *, by: Agent, now: datetime
) -> None:
    """The list shows the answer; nobody waits any more; who answers what is nobody's has it."""
    changes = {
        "last": mirrors.last(message),
        "at": message["at"],
        "account": way.account.id,
        "channel": way.account.kind,
        "identity": way.identity["_id"],
        "waiting_since": None,
        "unread": 0,
        "status": "open",
        "snoozed_until": None,
    }
    # A message that came in since, or a repeat of this very answer, must not be overwritten by an older one.
    changed = await db["conversations"].find_one_and_update(
        {"_id": conversation["_id"], "open": True, "at": {"$lte": message["at"]}},
        {"$set": changes, "$addToSet": {"accounts": way.account.id}},
        return_document=True,
    )
    if changed and not changed.get("assignee"):
        taken = await db["conversations"].find_one_and_update(
            {"_id": conversation["_id"], "assignee": None}, {"$set": {"assignee": by.id}}, return_document=True
        )
        if taken:
            await activity.record(db, taken, "assigned", by=by, now=now, to=by.id, name=by.name)
            changed = taken
    await nudge(db, changed or conversation)


async def write_first(
    house: House,
    *,
    by: Agent,
    now: datetime,
    contact: str | None = None,
    account: str | None = None,
    identity: str | None = None,
    to: str | None = None,
    text: str = "",
    template: TemplateWish | None = None,
    client_key: str | None = None,
) -> tuple[Conversation, list[dict[str, Any]]]:
    """To a contact, or to a number typed by hand, which becomes one. Raises Refused before anything is stored."""
    if contact:
        await access_contact(house.db, by, contact)
        way = choose(await ways_to(house, contact, now=now), account=account, identity=identity)
    else:
        digits = phones.read_typed(to or "", house.settings.inbox.country)
        if digits is None:
            raise Refused(N_("%(number)s is not a phone number."), code="number_invalid", number=to or "", field="to")
        way = choose(await way_to_number(house, digits, now=now), account=account)
        _check_first(house, way, template)
        contact = way.identity.get("contact") or await _meet(house, digits, way, now=now)
        way = choose(await ways_to(house, contact, now=now), account=way.account.id)
    _check_first(house, way, template)
    conversation = await _begin(house.db, contact, way, by=by, now=now)
    messages = await reply(
        house,
        conversation,
        by=by,
        now=now,
        text=text,
        template=template,
        account=way.account.id,
        identity=way.identity["_id"],
        client_key=client_key,
    )
    return conversation, messages


def _check_first(house: House, way: Reach, template: TemplateWish | None) -> None:
    """Before a person or a conversation is made of it."""
    needs_template = house.channels[way.account.kind].limits.can_write_first == "template"
    if needs_template and not way.window.is_open and template is None:
        raise Refused(
            N_("They have not written in the last 24 hours: only a template can begin the conversation."),
            code="window_closed",
        )


async def _meet(house: House, digits: str, way: Reach, *, now: datetime) -> str:
    address = Address("phone", EVERYWHERE, phones.fold(digits), digits)
    stranger = Meeting(Sender(addresses=(address,)), account=way.account.id, practice=way.account.practice)
    (met,) = await meet(house.db, [stranger], now=now)
    return str(met.contact["_id"])


async def _begin(db: Database, contact_id: str, way: Reach, *, by: Agent, now: datetime) -> Conversation:
    """The open conversation with this person in the account's team, else a new one that is `by`'s. Raises Conflict
    where the open one is nothing that `by` may see: whoever knows a number must not come into it that way.
    """
    contact = await db["contacts"].find_one({"_id": contact_id}) or {}
    fresh = conversations.blank(
        contact_id,
        team=way.account.team,
        name=contact.get("name", ""),
        account=way.account.id,
        channel=way.account.kind,
        identity=way.identity["_id"],
        practice=way.account.practice,
        now=now,
    )
    fresh |= {"assignee": by.id, "window_closes_at": way.window.closes_at, "human_until": way.window.human_until}
    while not await _insert(db, fresh):
        # Gone again when it was resolved in between: then there is room for ours.
        if open_one := await conversations.open_of(db, contact_id, way.account.team):
            return _shown(open_one, by)
    await activity.record(db, fresh, "started", by=by, now=now)
    return fresh


async def _insert(db: Database, fresh: Conversation) -> bool:
    try:
        with already_there():
            await db["conversations"].insert_one(fresh)
    except AlreadyThere:
        return False
    return True


def _shown(conversation: Conversation, by: Agent) -> Conversation:
    if not view_of(by).shows(conversation):
        raise Conflict(N_("This person has an open conversation with the team already."), code="open_elsewhere")
    return conversation


async def react(
    house: House, message: Mapping[str, Any], conversation: Conversation, *, emoji: str, by: Agent, now: datetime
) -> dict[str, Any]:
    """An empty emoji takes our reaction back."""
    draft = Draft(
        account=AccountId(message["account"]),
        contact=ContactId(message["contact"]),
        identity=IdentityId(message["identity"]),
        content=Emoji(target="", emoji=emoji),
        author=Author(kind="agent", id=by.id, name=by.name),
        conversation=ConversationId(conversation["_id"]),
        team=TeamId(conversation["team"]),
        reply_to=MessageId(message["_id"]),
        practice=message.get("practice", False),
    )
    sent = await house.outbox.put(draft, now=now)
    await nudge(house.db, conversation)
    return sent


async def send_again(
    house: House, message: Mapping[str, Any], conversation: Conversation, *, by: Agent, now: datetime
) -> dict[str, Any]:
    sent = await house.outbox.send_again(message["_id"], by=Author("agent", by.id, by.name), now=now)
    await nudge(house.db, conversation)
    return sent


async def settle(
    house: House,
    message: Mapping[str, Any],
    conversation: Conversation,
    *,
    outcome: Literal["sent", "again"],
    by: Agent,
    now: datetime,
) -> dict[str, Any]:
    """A person decides what nobody can know."""
    settled = await house.outbox.resolve(message["_id"], outcome, by=Author("agent", by.id, by.name), now=now)
    await nudge(house.db, conversation)
    return settled


async def cancel(
    house: House, message: Mapping[str, Any], conversation: Conversation, *, by: Agent, now: datetime
) -> dict[str, Any]:
    cancelled = await house.outbox.cancel(message["_id"])
    await activity.record(house.db, conversation, "cancelled", by=by, now=now)
    await nudge(house.db, conversation)
    return cancelled
