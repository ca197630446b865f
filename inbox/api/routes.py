"""The API's routes: every row names its permission; only the description may be read by strangers."""

from inbox.api.openapi import show_document
from inbox.api.operation import PREFIX
from inbox.api.table import OPERATIONS
from inbox.gate import Route

DOCUMENT = f"{PREFIX}/openapi.json"
PUBLIC = frozenset({DOCUMENT})
ROUTES: tuple[Route, ...] = (
    *(operation.route() for operation in OPERATIONS),
    Route("GET", DOCUMENT, show_document, None),
)
