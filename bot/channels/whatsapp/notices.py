"""Templates, quality, restrictions and preferences: what WhatsApp tells about accounts rather than messages.

WhatsApp Cloud API, Webhooks, account and template references (2026-08). These name the business account, and
at most the number as it is displayed.
"""

from typing import Any, Literal

from bot.channels.contract import AccountNotice, Ignored, Inbound, Preference, TemplateChanged, Unrecognised
from bot.channels.fields import Odd, a_dict, a_list, a_text, an_id, an_integer, moment, storable
from bot.channels.whatsapp import said
from bot.channels.whatsapp.errors import remedy_of
from bot.channels.whatsapp.place import Item, People, Place

Severity = Literal["info", "warning", "critical"]
# What an event says of the template's status where it is not a status by itself.
STATUS_AFTER = {"REINSTATED": "APPROVED", "UNPAUSE": "APPROVED"}
RESYNC_AFTER = frozenset({"UNARCHIVED", "UNLOCKED", "UNLOCK"})
PREFERENCES: dict[str, Literal["stop", "resume"]] = {"stop": "stop", "resume": "resume"}
GONE = frozenset({"ACCOUNT_DELETED", "PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED", "ACCOUNT_OFFBOARDED"})
BACK = frozenset({"ACCOUNT_RECONNECTED", "PARTNER_ADDED", "PARTNER_APP_INSTALLED"})
SEVERITIES: dict[str, Severity] = {"CRITICAL": "critical", "WARNING": "warning"}
BAN_STATES: dict[str, tuple[Severity, bool | None]] = {
    "DISABLE": ("critical", True),
    "SCHEDULE_FOR_DISABLE": ("critical", None),
    "REINSTATE": ("info", False),
}


def notice(
    place: Place, kind: str, severity: Severity = "info", *, broken: bool | None = None, data: Any = None
) -> list[Inbound]:
    said_of = a_dict(storable(place.value if data is None else data))
    return [AccountNotice(place.account, place.business, kind, severity, place.at, said_of, broken)]


# --- templates --------------------------------------------------------------------------------------------------------


def template_status(place: Place) -> list[Inbound]:
    """Meta's own example of a quality change bears the name of this field."""
    if "new_quality_score" in place.value:
        return template_quality(place)
    event = a_text(place.value.get("event")).upper()
    if not event:
        raise Odd("no event")
    resync = event in RESYNC_AFTER
    status = None if resync else STATUS_AFTER.get(event, event)
    return [_template(place, status=status, reason=_reason(place.value), resync=resync)]


def _reason(value: Item) -> str | None:
    """The person who wrote the template must read why, and what to change."""
    reason = a_text(value.get("reason"))
    words = [reason if reason.upper() != "NONE" else ""]
    for place, keys in (("rejection_info", ("reason", "recommendation")), ("other_info", ("description",))):
        words += [a_text(a_dict(value.get(place)).get(key)) for key in keys]
    return " · ".join(filter(None, words)) or None


def template_quality(place: Place) -> list[Inbound]:
    score = a_text(place.value.get("new_quality_score")).upper()
    if not score:
        raise Odd("no score")
    return [_template(place, quality=score)]


def template_category(place: Place) -> list[Inbound]:
    """A day ahead `new_category` is still the current one and `correct_category` the coming one."""
    current, coming = (a_text(place.value.get(key)).upper() for key in ("new_category", "correct_category"))
    if not (current or coming):
        raise Odd("no category")
    facts: list[Inbound] = [_template(place, category=current or None)]
    return [*facts, *notice(place, "template_category", "warning")] if coming else facts


def template_components(place: Place) -> list[Inbound]:
    return [_template(place, resync=True)]


def _template(place: Place, **changes: Any) -> TemplateChanged:
    value = place.value
    name, template = an_id(value.get("message_template_id")), a_text(value.get("message_template_name"))
    if not (name or template):
        raise Odd("no template is named")
    # `en-US` in webhooks, `en_US` in the API.
    language = a_text(value.get("message_template_language")).replace("-", "_")
    return TemplateChanged(place.business, name, template, language, place.at, **changes)


# --- the account ------------------------------------------------------------------------------------------------------


def account_update(place: Place) -> list[Inbound]:
    event = a_text(place.value.get("event")).upper()
    if event == "ACCOUNT_RESTRICTION":
        return _restriction(place)
    if event == "DISABLED_UPDATE":
        state = a_text(a_dict(place.value.get("ban_info")).get("waba_ban_state")).upper()
        severity, broken = BAN_STATES.get(state, ("critical", None))
        return notice(place, "account_disabled", severity, broken=broken)
    if event == "ACCOUNT_VIOLATION":
        return notice(place, "account_violation", "warning")
    if event in GONE:
        return notice(place, "account_disconnected", "critical", broken=True)
    return notice(place, "account_connected", broken=False) if event in BACK else notice(place, "account_update")


def _restriction(place: Place) -> list[Inbound]:
    """Only a ban on answering stops an inbox; a ban on writing first stops campaigns."""
    kinds = [a_text(a_dict(entry).get("restriction_type")) for entry in a_list(place.value.get("restriction_info"))]
    answers = "RESTRICTED_CUSTOMER_INITIATED_MESSAGING" in kinds
    return notice(place, "account_restriction", "critical" if answers else "warning", broken=answers or None)


def account_alert(place: Place) -> list[Inbound]:
    severity = SEVERITIES.get(a_text(a_dict(place.value.get("alert_info")).get("alert_severity")).upper(), "info")
    return notice(place, "account_alert", severity)


def review(place: Place) -> list[Inbound]:
    refused = a_text(place.value.get("decision")).upper() == "REJECTED"
    return notice(place, "account_review", "critical" if refused else "info")


def quality(place: Place) -> list[Inbound]:
    worse = a_text(place.value.get("event")).upper() in ("DOWNGRADE", "FLAGGED")
    return notice(place, "number_quality", "warning" if worse else "info")


def number_name(place: Place) -> list[Inbound]:
    refused = a_text(place.value.get("decision")).upper() == "REJECTED"
    return notice(place, "number_name", "warning" if refused else "info")


def security(place: Place) -> list[Inbound]:
    return notice(place, "security", "critical")


def capability(place: Place) -> list[Inbound]:
    return notice(place, "capability")


def flows(place: Place) -> list[Inbound]:
    return notice(place, "flows", "warning")


def username(place: Place) -> list[Inbound]:
    return notice(place, "business_username")


def payment(place: Place) -> list[Inbound]:
    return notice(place, "payment_configuration")


def errors(place: Place) -> list[Inbound]:
    """Errors that concern no message. Their remedy tells how bad they are."""
    return [fact for error in place.items("errors") for fact in _error(place, a_dict(error))]


def _error(place: Place, error: Item) -> list[Inbound]:
    code = an_integer(error.get("code"))
    remedy = remedy_of(code)
    broken = remedy.kind == "broken"
    data = {"code": code, "message": remedy.sentence, "detail": said.details_of(error)}
    return notice(place, "error", "critical" if broken else "warning", broken=broken or None, data=data)


# --- people's own switches --------------------------------------------------------------------------------------------


def preference(place: Place, people: People, item: Item) -> list[Inbound]:
    """WhatsApp's own switch for marketing messages of this number; `signup` comes from sign-up links."""
    value = a_text(item.get("value")).lower()
    if value == "signup":
        return [Ignored(place.account, "preference signup")]
    if value not in PREFERENCES:
        return [Unrecognised(place.account, "preference", "unknown value", storable(item))]
    sender = people.sender(item.get("user_id"), item.get("wa_id"))
    at = moment(item.get("timestamp"), place.at, place.now)
    return [Preference(place.account, sender, PREFERENCES[value], at)]
