"""Refusals in Telegram's words: Bot API, Making requests (Bot API 10.3, 2026-08)."""

from typing import Any

TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    429: "Too Many Requests",
}


class BotError(Exception):
    def __init__(self, code: int, description: str = "", **parameters: int) -> None:
        title = TITLES.get(code, "Internal Server Error")
        super().__init__(f"{title}: {description}" if description else title)
        self.code, self.parameters = code, parameters

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {"ok": False, "error_code": self.code, "description": str(self)}
        return body | ({"parameters": self.parameters} if self.parameters else {})


def bad(description: str) -> BotError:
    return BotError(400, description)
