"""Each kind of event as facts. Messenger Platform, Webhook events (2026-06)."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from bot.channels.contract import (
    AccountNotice,
    Climbed,
    ClimbedUpTo,
    Deleted,
    Edited,
    Ignored,
    Inbound,
    Preference,
    Reacted,
)
from bot.channels.fields import Odd, a_dict, a_list, a_text, an_id, an_integer, moment, storable
from bot.channels.messenger import said
from bot.channels.messenger.event import Event
from bot.content import Choice, Form, System, Text, Unsupported

# Meta's own inbox; its pages print the id in both ways.
PAGE_INBOX = frozenset({"26390203743090", "263902037430900"})
EMOJI = {"smile": "😆", "angry": "😠", "sad": "😢", "wow": "😮", "love": "❤", "like": "👍", "dislike": "👎"}
POLICY: dict[str, tuple[Literal["info", "warning", "critical"], bool | None]] = {
    "warning": ("warning", None),
    "block": ("critical", True),
    "unblock": ("info", False),
}


def _message(event: Event) -> list[Inbound]:
    message = event.part("message")
    mid = an_id(message.get("mid"))
    if not mid:
        raise Odd("no mid")
    if message.get("is_deleted") is True:
        return [Deleted(event.page, "", mid, event.time)]
    common = _echo(event, message) if message.get("is_echo") is True else {"sender": event.person()}
    shown = said.show(message)
    several = {"album": mid} if len(shown) > 1 else {}
    reply_to = an_id(a_dict(message.get("reply_to")).get("mid")) or None
    referral = message.get("referral")
    facts: list[Inbound] = []
    for number, one in enumerate(shown, start=1):
        facts.append(
            event.said(
                mid if number == 1 else f"{mid}#{number}",
                one.content,
                media=one.media,
                reply_to=reply_to,
                referral=a_dict(storable(referral)) if isinstance(referral, dict) else None,
                raw=storable(message) if isinstance(one.content, Unsupported) else None,
                **several,
                **common,
            )
        )
    return facts


def _echo(event: Event, message: Mapping[str, Any]) -> dict[str, Any]:
    """What went out: by us (then our id is its metadata), by another app, or typed in Meta's own inbox."""
    app = an_id(message.get("app_id"))
    return {
        "sender": event.person("recipient"),
        "direction": "out",
        "author": "phone" if not app or app in PAGE_INBOX else "bot",
        "callback": a_text(message.get("metadata")) or None,
        "opens_window": False,
    }


def _message_edit(event: Event) -> list[Inbound]:
    edit = event.part("message_edit")
    mid, text = an_id(edit.get("mid")), edit.get("text")
    if not mid or not isinstance(text, str):
        raise Odd("an edit of nothing")
    return [Edited(event.page, "", mid, Text(text=text), event.time, an_integer(edit.get("num_edit")) or 0)]


def _reaction(event: Event) -> list[Inbound]:
    """A reaction of theirs opens the window."""
    reaction = event.part("reaction")
    mid = an_id(reaction.get("mid"))
    if not mid:
        raise Odd("a reaction to nothing")
    emoji = a_text(reaction.get("emoji")) or EMOJI.get(a_text(reaction.get("reaction")), "❤")
    taken_back = reaction.get("action") == "unreact"
    ours = event.is_from_page()
    return [
        Reacted(
            event.page,
            "",
            mid,
            event.person("recipient" if ours else "sender"),
            None if taken_back else emoji,
            event.time,
            direction="out" if ours else "in",
            opens_window=not ours,
        )
    ]


def _postback(event: Event) -> list[Inbound]:
    """In copies of what another app holds there is no payload, in old ones no mid."""
    postback = event.part("postback")
    payload, title = an_id(postback.get("payload")), a_text(postback.get("title"))
    if not (payload or title):
        raise Odd("a press of nothing")
    mid = an_id(postback.get("mid")) or event.name("postback", payload, title)
    referral = postback.get("referral")
    kept = a_dict(storable(referral)) if isinstance(referral, dict) else None
    return [event.said(mid, Choice(id=payload or title, title=title or payload), referral=kept)]


def _referral(event: Event) -> list[Inbound]:
    """Back in the conversation by a link or an advertisement; lead forms bring their answers along."""
    referral = event.part("referral")
    answers = a_list(a_dict(event.body.get("lead")).get("data"))
    kind = a_text(referral.get("type"))
    content = Form(name="lead", answers=storable(answers)) if answers else System(kind="referral")
    name = event.name("referral", kind, a_text(referral.get("ref")))
    return [event.said(name, content, referral=a_dict(storable(referral)))]


def _optin(event: Event) -> list[Inbound]:
    """A plugin's opt-in opens the window, one to marketing does not; without a person it is a guest's."""
    optin = event.part("optin")
    if "id" not in a_dict(event.body.get("sender")):
        return [Ignored(event.page, "optin of a guest")]
    switch = a_text(optin.get("notification_messages_status")).upper()
    if switch.startswith(("STOP", "RESUME")):
        marketing: Literal["stop", "resume"] = "stop" if switch.startswith("STOP") else "resume"
        return [Preference(event.page, event.person(), marketing, event.time)]
    kind = a_text(optin.get("type"))
    content = System(kind="optin", text=a_text(optin.get("title")))
    name = event.name("optin", kind, a_text(optin.get("ref")), a_text(optin.get("payload")))
    referral = a_dict(storable({key: value for key, value in optin.items() if "token" not in key}))
    return [event.said(name, content, referral=referral, opens_window=not kind)]


# --- statuses ---------------------------------------------------------------------------------------------------------


def _delivery(event: Event) -> list[Inbound]:
    return _reached(event, event.part("delivery"), "delivered")


def _seen(event: Event) -> list[Inbound]:
    return _reached(event, event.part("read"), "read")


def _reached(event: Event, news: Mapping[str, Any], status: Literal["delivered", "read"]) -> list[Inbound]:
    """The watermark is a time: all that was sent until then has got there. Single ids come only sometimes."""
    watermark = an_integer(news.get("watermark"))
    at = moment(watermark, event.time, event.now)
    facts: list[Inbound] = []
    if watermark:
        facts.append(ClimbedUpTo(event.page, event.person().addresses[0], status, at))
    mids = filter(None, map(an_id, (*a_list(news.get("mids")), news.get("mid"))))
    facts += [Climbed(event.page, "", mid, status, event.time) for mid in mids]
    if not facts:
        raise Odd(f"nothing was {status}")
    return facts


# --- the rest ---------------------------------------------------------------------------------------------------------


def _policy(event: Event) -> list[Inbound]:
    news = event.part("policy_enforcement" if "policy_enforcement" in event.body else "policy-enforcement")
    severity, broken = POLICY.get(a_text(news.get("action")), ("warning", None))
    data = a_dict(storable(news))
    return [AccountNotice(event.page, event.page, "policy_enforcement", severity, event.time, data, broken)]


def _handover(event: Event) -> list[Inbound]:
    """The conversation changes hands between apps; who holds it is told to apps, not to people."""
    kind = next(key for key in event.body if key in HANDOVERS)
    if not an_id(a_dict(event.body.get("sender")).get("id")):
        return [Ignored(event.page, kind)]
    words = a_text(event.part(kind).get("metadata"))
    return [event.said(event.name(kind, words), System(kind=kind), opens_window=False)]


def _linking(event: Event) -> list[Inbound]:
    status = a_text(event.part("account_linking").get("status"))
    content = System(kind="account_linking", text=status)
    return [event.said(event.name("linking", status), content, opens_window=False)]


def _feedback(event: Event) -> list[Inbound]:
    answers = storable(event.part("messaging_feedback"))
    return [event.said(event.name("feedback"), Form(name="feedback", answers=answers), opens_window=False)]


def _customer_information(event: Event) -> list[Inbound]:
    answers = storable(event.part("messaging_customer_information"))
    return [event.said(event.name("customer_information"), Form(name="customer_information", answers=answers))]


def _order(event: Event) -> list[Inbound]:
    return [event.said(event.name("order"), Form(name="order", answers=storable(event.part("order"))))]


HANDOVERS = ("pass_thread_control", "take_thread_control", "request_thread_control")
READERS: dict[str, Callable[[Event], list[Inbound]]] = {
    "message": _message,
    "message_edit": _message_edit,
    "reaction": _reaction,
    "postback": _postback,
    "referral": _referral,
    "optin": _optin,
    "delivery": _delivery,
    "read": _seen,
    "policy_enforcement": _policy,
    "policy-enforcement": _policy,
    **dict.fromkeys(HANDOVERS, _handover),
    "account_linking": _linking,
    "messaging_feedback": _feedback,
    "messaging_customer_information": _customer_information,
    "order": _order,
}
