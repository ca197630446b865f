"""People and chats as updates name them: Bot API, Available types (10.3, 2026-08)."""

from typing import Any

from bot.sandbox.world.people import Person


def user_of(person: Person, *, chat: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {"id": person.telegram_id, "first_name": person.first_name}
    if person.last_name:
        found["last_name"] = person.last_name
    if person.username:
        found["username"] = person.username.replace(".", "_")
    if chat:
        return found | {"type": "private"}
    return found | {"is_bot": False, "language_code": person.language}
