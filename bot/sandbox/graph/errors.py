"""Refusals in Meta's words: Cloud API, Error codes (2026-08); Messenger Platform, Error codes (2026-06)."""

import secrets
from typing import Any

WHATSAPP_TITLES: dict[int, tuple[int, str]] = {
    0: (401, "Authentication Error"),
    1: (400, "API Unknown"),
    2: (503, "API Service"),
    4: (400, "Application request limit reached"),
    10: (403, "Application does not have permission for this action"),
    100: (400, "Invalid parameter"),
    190: (401, "Error validating access token"),
    368: (403, "Temporarily blocked for policies violations"),
    80007: (400, "Rate limit issues"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (503, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131031: (403, "Account has been locked"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (
        400,
        "This message was not delivered to maintain healthy ecosystem engagement",
    ),
    131050: (400, "User has stopped marketing messages"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131059: (400, "Invalid cursor"),
    131062: (400, "Business-scoped user id recipient not supported for this message"),
    131063: (400, "Marketing messages are disabled on this endpoint"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template format character policy violated"),
    132008: (400, "Template parameter value is wrongly formatted"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is paused"),
    132016: (400, "Template is disabled"),
    132018: (400, "There was an issue with the parameters in your template"),
    133010: (400, "Phone number not registered"),
    137000: (400, "User identity key hash mismatch"),
}
MESSENGER_TITLES: dict[tuple[int, int | None], tuple[int, str]] = {
    (1, None): (500, "An unknown error occurred"),
    (1, 1357046): (500, "Received invalid JSON reply"),
    (2, None): (503, "Service temporarily unavailable"),
    (4, None): (400, "Application request limit reached"),
    (10, 2018278): (400, "(#10) This message is sent outside of allowed window."),
    (10, 2018108): (400, "(#10) This person can't receive messages from you now."),
    (10, 1893063): (403, "(#10) This Page is temporarily restricted from sending messages."),
    (100, 33): (400, "Unsupported request. Object does not exist or cannot be loaded."),
    (100, 2018001): (400, "(#100) No matching user found"),
    (100, 2018008): (400, "(#100) Failed to fetch the file from the url."),
    (100, 2018047): (400, "(#100) Upload attachment failure. The media file type does not match."),
    (100, 2018074): (400, "(#100) The attachment id given is not owned by this Page."),
    (100, 2018109): (400, "(#100) The attachment size exceeds the allowable limit."),
    (100, 2534037): (400, "(#100) This app is not the thread owner."),
    (190, 463): (401, "Error validating access token: Session has expired."),
    (200, None): (403, "(#200) Requires pages_messaging permission"),
    (200, 2018028): (403, "(#200) Cannot message users who are not admins, developers or testers of the app."),
    (368, None): (403, "The action attempted has been deemed abusive or is otherwise disallowed"),
    (551, 1545041): (400, "(#551) This person isn't available right now."),
    (613, None): (400, "(#613) Calls to this api have exceeded the rate limit."),
    (1200, None): (500, "(#1200) Temporary send message failure. Please try again later."),
}
TRANSIENT = frozenset((1, 2, 4, 613, 1200, 130429, 131000, 131016, 131056, 131057, 80007))


class GraphError(Exception):
    """Answered as is. `details` is what WhatsApp puts into `error_data`, `user_message` what a template author sees."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        http: int = 400,
        subcode: int | None = None,
        details: str = "",
        user_message: str = "",
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.http, self.subcode = code, message, http, subcode
        self.details, self.user_message = details, user_message

    def body(self) -> dict[str, Any]:
        error: dict[str, Any] = {"message": self.message, "type": "OAuthException", "code": self.code}
        if self.details:
            error["error_data"] = {"messaging_product": "whatsapp", "details": self.details}
        if self.subcode:
            error["error_subcode"] = self.subcode
        if self.user_message:
            error |= {"error_user_title": self.message, "error_user_msg": self.user_message}
        if self.code in TRANSIENT:
            error["is_transient"] = True
        return {"error": error | {"fbtrace_id": trace_id()}}


def whatsapp(code: int, details: str = "", *, subcode: int | None = None) -> GraphError:
    http, title = WHATSAPP_TITLES.get(code, (400, "Unknown error"))
    message = details if code == 100 and details.startswith("(#100)") else f"(#{code}) {title}"
    return GraphError(code, message, http=http, subcode=subcode, details=details or title)


def messenger(code: int, subcode: int | None = None, message: str = "") -> GraphError:
    fallback = (400, f"(#{code}) An error occurred")
    http, title = MESSENGER_TITLES.get((code, subcode)) or MESSENGER_TITLES.get((code, None), fallback)
    return GraphError(code, message or title, http=http, subcode=subcode)


def status_error(code: int, details: str = "") -> dict[str, Any]:
    """The same refusal as an element of a failed status."""
    title = WHATSAPP_TITLES.get(code, (400, "Unknown error"))[1]
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details or title},
        "href": "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }


def unknown_object(node: str) -> GraphError:
    """What exists, but not for this token, looks the same as what does not exist."""
    message = (
        f"Unsupported request. Object with ID '{node}' does not exist, "
        "cannot be loaded due to missing permissions, or does not support this operation."
    )
    return GraphError(100, message, subcode=33)


def trace_id() -> str:
    return "A" + secrets.token_urlsafe(15)
