"""One row of the API's table: a route, and what its description needs to say."""

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel

from inbox.api.repeats import once
from inbox.gate import Handler, Route
from inbox.permissions import Permission

PREFIX = "/api/v1"
Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
# What a body may be that is no JSON.
Form = Literal["file"]


@dataclass(frozen=True, slots=True)
class Operation:
    """`path` is below /api/v1. `answer` is the shape of the answer's JSON, None for a file. `says_no` are the codes
    that are particular to it. `guards_itself`: the handler sees to the Idempotency-Key.
    """

    method: Method
    path: str
    handler: Handler
    permission: Permission
    tag: str
    summary: str
    answer: Any
    query: type[BaseModel] | None = None
    body: type[BaseModel] | Form | None = None
    status: int = 200
    says_no: tuple[int, ...] = ()
    note: str = ""
    guards_itself: bool = False

    @property
    def writes(self) -> bool:
        return self.method != "GET"

    def route(self) -> Route:
        guarded = once(self.handler) if self.writes and not self.guards_itself else self.handler
        return Route(self.method, PREFIX + self.path, guarded, self.permission)
