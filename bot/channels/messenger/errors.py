"""Every error of Messenger's Send API: what to do, and the sentence a sales rep reads.

Messenger Platform, Error Codes; Graph API, Handling Errors (2026-06). A subcode means the same under any code.
"""

from bot.channels.remedies import Remedy
from bot.errors import N_

UNKNOWN = Remedy("rejected", N_("Messenger did not accept this message."))
WINDOW = Remedy("window", N_("This person has not written in the last 24 hours, so Messenger lets nothing through."))
NO_HUMAN_TAG = Remedy(
    "rejected",
    N_("After 24 hours only pages with Meta's human agent feature may answer. Wait until the person writes again."),
)
NOT_AVAILABLE = 1545041

_MISSING_OBJECT = 33
_GONE = Remedy(
    "gone", N_("This person cannot be reached on Messenger: they left, blocked the page or refuse messages.")
)
_TOKEN = Remedy(
    "broken", N_("Messenger no longer accepts this page's access token. An administrator must connect it again.")
)
_PERMISSION = Remedy(
    "broken", N_("The access token may not write for this page. An administrator must check its permissions at Meta.")
)
_RESTRICTED = Remedy("broken", N_("Meta has restricted this page from sending messages. An administrator must look."))
_ROLES_ONLY = Remedy(
    "rejected",
    N_("The app has only standard access at Meta and writes to people with a role in it. Ask for advanced access."),
)
_HICCUP = Remedy("later", N_("Messenger has a problem right now. Bandeja will try again."))
_SLOWER = Remedy(
    "later", N_("Messages are going out faster than Messenger allows. This one waits a moment."), 60, whole_account=True
)
_OFTEN = Remedy("rejected", N_("This person has had as many such messages as Messenger allows for now."))
_FILE = Remedy("rejected", N_("Messenger cannot take this file: its type or size does not fit."))
_FORM = Remedy("rejected", N_("Messenger does not accept a message of this form."))
_OTHER_APP = Remedy("rejected", N_("Another app is handling this conversation right now. Take it over at Meta first."))
_MARKETING = Remedy("rejected", N_("This person does not get marketing messages from this page."))
_UNCERTAIN = Remedy("uncertain", N_("Messenger reported an error although the message may have been sent."))
_SETTINGS = Remedy(
    "rejected", N_("Meta reports a problem with this page's settings. An administrator must look at it.")
)

_BY_SUBCODE: dict[int, Remedy] = {
    1357046: _UNCERTAIN,
    1404170: _MARKETING,
    NOT_AVAILABLE: _GONE,
    1893015: _MARKETING,
    1893016: _OFTEN,
    1893063: _RESTRICTED,
    2018001: _GONE,
    2018008: _FILE,
    2018014: _FORM,
    2018027: _ROLES_ONLY,
    2018028: _ROLES_ONLY,
    2018047: _FILE,
    2018065: WINDOW,
    2018074: _FILE,
    2018108: _GONE,
    2018109: _FILE,
    2018218: _SETTINGS,
    2018247: _SETTINGS,
    2018278: WINDOW,
    2018294: _FILE,
    2018300: _OTHER_APP,
    2018321: _OTHER_APP,
    2018336: Remedy("rejected", N_("Messenger does not allow this message where the person lives.")),
    2018338: _SLOWER,
    2018344: _SETTINGS,
    2018352: _OFTEN,
    2018354: _OFTEN,
    2534013: _TOKEN,
    2534014: _GONE,
    2534015: _FORM,
    2534022: WINDOW,
    2534025: _FORM,
    2534029: _RESTRICTED,
    2534037: _OTHER_APP,
    2534040: _SLOWER,
    2534041: Remedy("broken", N_("The owner has switched off access to messages in the app's settings.")),
    2534068: _FORM,
    2534077: _TOKEN,
    2534122: _RESTRICTED,
}
_BY_CODE: dict[int, Remedy] = {
    1: _HICCUP,
    2: _HICCUP,
    3: _PERMISSION,
    4: _SLOWER,
    9: _OFTEN,
    10: _PERMISSION,
    17: _SLOWER,
    32: _SLOWER,
    100: _FORM,
    190: _TOKEN,
    200: _ROLES_ONLY,
    368: _RESTRICTED,
    551: _GONE,
    613: _SLOWER,
    1200: _HICCUP,
    2022: _RESTRICTED,
    36103: _PERMISSION,
    80001: _SLOWER,
    80002: _SLOWER,
    80006: _SLOWER,
    9000001: Remedy("rejected", N_("The message this refers to has been deleted.")),
}


def remedy_of(code: int | None, subcode: int = 0) -> Remedy:
    """An unknown code fails this message and nothing else."""
    if code is None:
        return UNKNOWN
    if code == 100 and subcode == _MISSING_OBJECT:
        return _GONE
    known = _BY_SUBCODE.get(subcode) or _BY_SUBCODE.get(code) or _BY_CODE.get(code)
    if known is None and 201 <= code <= 299:
        return _PERMISSION
    return known or UNKNOWN


def after_a_day(remedy: Remedy, subcode: int) -> Remedy:
    """The same for an answer under the human agent tag. Refused permissions are then about the tag alone, and
    "not available" may as well mean that the window is shut.
    """
    if remedy in (_PERMISSION, _ROLES_ONLY):
        return NO_HUMAN_TAG
    return WINDOW if subcode == NOT_AVAILABLE else remedy
