"""A domain "no": a sentence for a person, a code and fields for a program, named by what to do then."""

from collections.abc import Callable
from typing import Any


def N_(message: str) -> str:
    """Marks a plain string for the translation catalogues; translates nothing by itself."""
    return message


class DomainError(Exception):
    """`message` is a translation key whose `%(name)s` places are filled from `fields`; both may be shown to
    anyone who was allowed to ask, so neither ever holds a secret. `code` is part of the API.
    """

    code = "error"

    def __init__(self, message: str, /, *, code: str | None = None, **fields: Any) -> None:
        super().__init__(message)
        self.message, self.fields = message, fields
        self.code = code or self.code

    def sentence(self, translate: Callable[[str], str] = N_) -> str:
        text = translate(self.message)
        return text % self.fields if self.fields else text

    def __str__(self) -> str:
        return self.sentence()


class NotFound(DomainError):
    """It does not exist, or not for this person: the two must look the same."""

    code = "not_found"


class Forbidden(DomainError):
    """The person may not do this at all, whatever the object's state."""

    code = "forbidden"


class Refused(DomainError):
    """Understood, allowed, and not possible as things stand; `code` says which rule."""

    code = "refused"


class Conflict(DomainError):
    """Somebody else was first; look again before trying again."""

    code = "conflict"


class Unavailable(DomainError):
    """Something we stand on (the database, the disk) does not answer now. Nothing is promised about what
    was asked: it may or may not have happened, so ask again only with something that may be repeated.
    """

    code = "unavailable"


class Overloaded(Unavailable):
    """More is waiting than can be kept safely. What was asked has certainly not happened."""

    code = "overloaded"
