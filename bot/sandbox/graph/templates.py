"""The company's templates: created, reviewed within seconds, listed, changed, removed."""

import json
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bot.sandbox.graph.errors import GraphError, whatsapp
from bot.sandbox.graph.hooks import Hooks
from bot.sandbox.graph.template_rules import Needs, check_new
from bot.sandbox.world.company import Account, digits
from bot.sandbox.world.world import World

PAGE = 100
REFUSED_WORD = "reject"
# What a new practice company has approved already: three languages, a picture, buttons, named variables.
READY = Path(__file__).resolve().parent.parent / "static" / "templates.json"
UNSENDABLE = {"PAUSED": 132015, "DISABLED": 132016}


class Templates:
    """Kept per owner: a WhatsApp Business account or a page. A name that contains "reject" is refused by review."""

    def __init__(self, world: World, hooks: Hooks, saved: Mapping[str, Any] | None = None) -> None:
        self._world, self._hooks = world, hooks
        self._rows: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._needs: dict[str, Needs] = {}
        for owner, rows in (saved or self._fresh()).items():
            for row in rows:
                self._keep(owner, row)

    def _fresh(self) -> dict[str, list[dict[str, Any]]]:
        owners = {account.owner for account in self._world.company.of("whatsapp")}
        ready_made = json.loads(READY.read_text())
        return {owner: [row | {"id": digits(16), "status": "APPROVED"} for row in ready_made] for owner in owners}

    def dump(self) -> dict[str, list[dict[str, Any]]]:
        owners = dict.fromkeys(key[0] for key in self._rows)
        return {owner: self.of(owner) for owner in owners}

    def _keep(self, owner: str, row: dict[str, Any]) -> dict[str, Any]:
        self._rows[owner, row["name"], row["language"]] = row
        self._needs[row["id"]] = Needs(row)
        return row

    def of(self, owner: str) -> list[dict[str, Any]]:
        return [row for key, row in self._rows.items() if key[0] == owner]

    def usable(self, owner: str, name: str, language: str) -> tuple[dict[str, Any], Needs]:
        """The approved template, or the refusal a message that names it gets."""
        row = self._rows.get((owner, name, language))
        if row is None or row["status"] not in ("APPROVED", *UNSENDABLE):
            raise whatsapp(132001, f"template name ({name}) does not exist in {language}")
        if row["status"] in UNSENDABLE:
            raise whatsapp(UNSENDABLE[row["status"]])
        return row, self._needs[row["id"]]

    def create(self, account: Account, draft: Mapping[str, Any]) -> dict[str, Any]:
        check_new(draft)
        if (account.owner, draft["name"], draft["language"]) in self._rows:
            sentence = "There is already content in this language for this template."
            raise GraphError(100, "Invalid parameter", subcode=2388024, user_message=sentence)
        columns = ("name", "language", "category", "components")
        row = {column: draft[column] for column in columns} | {"id": digits(16), "status": "PENDING"}
        row["parameter_format"] = draft.get("parameter_format", "POSITIONAL")
        self._keep(account.owner, row)
        delay = 0.0 if self._world.timing.instant else self._world.timing.approval_seconds
        self._world.timetable.add(delay, partial(self._review, account, row))
        return {"id": row["id"], "status": row["status"], "category": row["category"]}

    def install(self, account: Account, draft: Mapping[str, Any]) -> dict[str, Any]:
        """Approved without review, and without a word to the company: as if it had been there."""
        check_new(draft)
        return self._keep(account.owner, dict(draft) | {"id": digits(16), "status": "APPROVED"})

    def _review(self, account: Account, row: dict[str, Any]) -> None:
        refused = REFUSED_WORD in row["name"]
        reason = "PROMOTIONAL" if row["category"] == "UTILITY" else "INVALID_FORMAT"
        self.change(account, row, status="REJECTED" if refused else "APPROVED", reason=reason if refused else "NONE")

    def change(self, account: Account, row: dict[str, Any], *, status: str, reason: str = "NONE") -> None:
        """Set the status and tell the company: webhook field message_template_status_update."""
        row["status"] = status
        if status == "REJECTED":
            row["rejected_reason"] = reason
        value = self._about(row) | {"event": status, "reason": reason}
        value["message_template_category"] = row["category"]
        self._tell(account, "message_template_status_update", value)

    def grade(self, account: Account, row: dict[str, Any], *, quality: str) -> None:
        before = row.get("quality_score", {}).get("score", "UNKNOWN")
        row["quality_score"] = {"score": quality, "date": int(self._world.now())}
        scores = {"previous_quality_score": before, "new_quality_score": quality}
        self._tell(account, "message_template_quality_update", self._about(row) | scores)

    def _about(self, row: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "message_template_id": int(row["id"]),
            "message_template_name": row["name"],
            "message_template_language": row["language"].replace("_", "-"),
        }

    def _tell(self, account: Account, field: str, value: dict[str, Any]) -> None:
        if account.kind == "whatsapp":
            self._hooks.offer(account, {"field": field, "value": value})

    def remove(self, account: Account, name: str, template_id: str = "") -> dict[str, Any]:
        gone = [row for row in self.of(account.owner) if row["name"] == name]
        gone = [row for row in gone if template_id in ("", row["id"])]
        if not gone:
            raise GraphError(100, "Invalid parameter", subcode=2593002, user_message="Message template not found.")
        for row in gone:
            del self._rows[account.owner, row["name"], row["language"]]
        return {"success": True}

    def find(self, account: Account, name: str, language: str) -> dict[str, Any] | None:
        return self._rows.get((account.owner, name, language))

    def listed(self, account: Account, query: Mapping[str, str]) -> dict[str, Any]:
        """One page. The cursor is the number of rows before it."""
        rows = list(self._matching(account, query))
        try:
            start, size = int(query.get("after") or 0), int(query.get("limit") or 25)
        except ValueError as error:
            raise whatsapp(131059, "The cursor is not valid") from error
        page = rows[start : start + min(size, PAGE)]
        end = start + len(page)
        paging: dict[str, Any] = {"cursors": {"before": str(start), "after": str(end)}}
        if end < len(rows):
            paging["next"] = f"{self._world.base_url}/graph/v26.0/{account.owner}/message_templates?after={end}"
        return {"data": [_shown(row, query.get("fields", "")) for row in page], "paging": paging}

    def _matching(self, account: Account, query: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        filters = [column for column in ("name", "status", "category", "language") if query.get(column)]
        for row in self.of(account.owner):
            if all(row[column] == query[column] for column in filters):
                yield row


def _shown(row: Mapping[str, Any], wanted: str) -> dict[str, Any]:
    if not wanted:
        return dict(row)
    return {column: row[column] for column in {"id", *wanted.split(",")} if column in row}
