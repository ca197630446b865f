"""Every error code of WhatsApp's API: what to do, and the sentence a sales rep reads.

WhatsApp Cloud API, Error codes; Graph API, Handling Errors (2026-08). A code may come in the answer to a
send, in a `failed` status minutes later, or both.
"""

from bot.channels.remedies import Remedy
from bot.errors import N_

UNKNOWN = Remedy("rejected", N_("WhatsApp did not accept this message."))

_MISSING_OBJECT = 33
_NUMBER_GONE = Remedy(
    "broken", N_("This number no longer exists at WhatsApp, or the access token cannot reach it. Connect it again.")
)
_TOKEN = Remedy(
    "broken", N_("WhatsApp no longer accepts this account's access token. An administrator must connect it again.")
)
_PERMISSION = Remedy(
    "broken", N_("The access token may not write for this number. An administrator must check its permissions at Meta.")
)
_REGISTRATION = Remedy(
    "broken", N_("This number is not fully registered at WhatsApp. An administrator must register it again.")
)
_HICCUP = Remedy("later", N_("WhatsApp has a problem right now. Bandeja will try again."))
_SLOWER = Remedy(
    "later", N_("Messages are going out faster than WhatsApp allows. This one waits a moment."), 10, whole_account=True
)
_MUCH_SLOWER = Remedy(
    "later", N_("Messages are going out faster than WhatsApp allows. This one waits a moment."), 120, whole_account=True
)
_FORM = Remedy("rejected", N_("WhatsApp does not accept a message of this form."))
_GROUP = Remedy("rejected", N_("WhatsApp did not accept this message for the group."))
_CALL = Remedy("rejected", N_("WhatsApp did not accept the call."))
_MAINTENANCE = Remedy(
    "later", N_("WhatsApp is working on this number. Bandeja will try again in a few minutes."), 180, whole_account=True
)
_SETTINGS = Remedy(
    "rejected", N_("Meta reports a problem with this account's settings. An administrator must look at it.")
)
_TEMPLATE_CHANGED = Remedy("rejected", N_("This template has changed at Meta. Choose it again and fill it in anew."))

_TABLE: dict[int, Remedy] = {
    0: _TOKEN,
    1: _HICCUP,
    2: _HICCUP,
    3: _PERMISSION,
    4: _MUCH_SLOWER,
    10: _PERMISSION,
    33: _NUMBER_GONE,
    100: _FORM,
    190: _TOKEN,
    368: Remedy("broken", N_("Meta has blocked this account for a while because of its policies.")),
    613: _MUCH_SLOWER,
    2500: _FORM,
    80007: _MUCH_SLOWER,
    130429: _SLOWER,
    130472: Remedy("rejected", N_("Meta is leaving this person out of marketing messages, as part of an experiment.")),
    130497: Remedy("rejected", N_("WhatsApp does not let this account write to people in this country.")),
    131000: _HICCUP,
    131005: _PERMISSION,
    131008: _FORM,
    131009: _FORM,
    131014: Remedy("rejected", N_("WhatsApp could not fetch the file behind the link.")),
    131016: _HICCUP,
    131020: _GROUP,
    131021: Remedy("rejected", N_("A number cannot write to itself.")),
    131026: Remedy(
        "gone",
        N_("WhatsApp cannot deliver to this person: the number may not be on WhatsApp, or its app is too old."),
    ),
    131030: Remedy("rejected", N_("This is a test number: it may only write to numbers on its list at Meta.")),
    131031: Remedy("broken", N_("WhatsApp has locked this account. An administrator must look at it at Meta.")),
    131037: Remedy("broken", N_("The display name of this number is not approved at Meta yet.")),
    131041: _GROUP,
    131042: Remedy(
        "broken", N_("WhatsApp cannot charge for messages. An administrator must check the payment method at Meta.")
    ),
    131044: Remedy("rejected", N_("WhatsApp cannot charge for calls. The payment method at Meta needs attention.")),
    131045: _REGISTRATION,
    131047: Remedy("window", N_("This person has not written in the last 24 hours. Use a template.")),
    131048: Remedy(
        "rejected", N_("WhatsApp is limiting this number because too many people have blocked or reported it.")
    ),
    131049: Remedy(
        "rejected",
        N_("WhatsApp is holding back marketing messages to this person. Try again tomorrow at the earliest."),
    ),
    131050: Remedy("optout", N_("This person has asked not to get marketing messages from you.")),
    131051: Remedy("rejected", N_("WhatsApp does not support this kind of message here.")),
    131052: Remedy("rejected", N_("The file this person sent could not be fetched. Ask them to send it again.")),
    131053: Remedy("rejected", N_("WhatsApp could not process this file. Check its type, or try another format.")),
    131055: _FORM,
    131056: Remedy("later", N_("Too many messages to this person in a short time. This one waits a moment."), 6),
    131057: _MAINTENANCE,
    131058: Remedy("rejected", N_("This sample template can only be sent from a test number.")),
    131059: _GROUP,
    131060: Remedy("rejected", N_("WhatsApp does not hand over this message. Open the phone to read it.")),
    131062: Remedy("rejected", N_("This message can only go to a phone number. Ask the person for theirs.")),
    131063: Remedy("rejected", N_("Marketing messages are switched off for this account at Meta.")),
    131064: Remedy(
        "rejected", N_("WhatsApp is limiting this account because templates were filed under a wrong category.")
    ),
    131208: _MUCH_SLOWER,
    132000: _TEMPLATE_CHANGED,
    132001: Remedy("rejected", N_("This template does not exist in this language, or is not approved.")),
    132005: Remedy("rejected", N_("The template becomes too long with these values. Shorten them.")),
    132007: Remedy("rejected", N_("WhatsApp refuses this template because its words go against a policy.")),
    132008: _FORM,
    132012: _TEMPLATE_CHANGED,
    132015: Remedy("rejected", N_("WhatsApp has paused this template because of its quality. Use another one.")),
    132016: Remedy("rejected", N_("WhatsApp has switched this template off for good. Use another one.")),
    132018: Remedy("rejected", N_("A value of the template is not allowed: no line breaks, tabs or long gaps.")),
    132068: Remedy("rejected", N_("The form in this template is blocked at Meta.")),
    132069: Remedy("later", N_("WhatsApp limits how often this form may be sent. Bandeja will try again."), 3600),
    133000: _SETTINGS,
    133004: _HICCUP,
    133005: _SETTINGS,
    133006: _SETTINGS,
    133008: _SETTINGS,
    133009: _SETTINGS,
    133010: _REGISTRATION,
    133015: _SETTINGS,
    133016: _SETTINGS,
    134011: _SETTINGS,
    134100: _FORM,
    134101: Remedy("later", N_("WhatsApp is still preparing this template. Bandeja will try again."), 600),
    134102: _SETTINGS,
    135000: _FORM,
    137000: Remedy(
        "rejected", N_("This person's phone has changed, and WhatsApp asks to confirm that it is still them.")
    ),
    1752041: _SETTINGS,
    2494100: _MAINTENANCE,
}
_RANGES: tuple[tuple[int, int, Remedy], ...] = (
    (200, 299, _PERMISSION),
    (131201, 131215, _GROUP),
    (138000, 138018, _CALL),
    (139000, 139004, _SETTINGS),
    (139100, 139103, _SETTINGS),
    (141000, 141999, _SETTINGS),
    (147001, 147005, _SETTINGS),
    (200005, 200007, _SETTINGS),
    (2388001, 2388103, _SETTINGS),
    (2593107, 2593109, _SETTINGS),
)


def remedy_of(code: int | None, subcode: int = 0) -> Remedy:
    """An unknown code fails this message and nothing else."""
    if code == 100 and subcode == _MISSING_OBJECT:
        return _NUMBER_GONE
    return find_remedy(code) or UNKNOWN


def find_remedy(code: int | None) -> Remedy | None:
    if code is None:
        return None
    if code in _TABLE:
        return _TABLE[code]
    return next((remedy for first, last, remedy in _RANGES if first <= code <= last), None)
