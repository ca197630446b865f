"""May this leave? Asked when it is put into the outbox, and again when it is its turn: windows shut, people leave."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatch
from typing import Any, Final

from bot.channels.contract import EVERYWHERE, Channel, Limits
from bot.content import Content, Emoji, Media, MediaKind, TemplateUse, Text
from bot.errors import N_, Refused
from bot.records.sniff import HEIC
from bot.records.templates import APPROVED

MARKETING: Final = "MARKETING"
# What `bot.records.identities.set_reachable` notes when the platform told so by itself.
BLOCKED: Final = "blocked"
TRIED_AGAIN_AFTER: Final = timedelta(hours=1)
# What `bot.records.convert` can make an acceptable picture of.
_REDRAWN: Final = {"image/jpeg", "image/png", "image/webp", "image/gif", "image/bmp", "image/avif", "image/tiff"}


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides, as it stood at one moment. `file` is the media record of an attachment, `template` the
    stored template; None where the content has none.
    """

    channel: Channel
    account_name: str
    account_scope: str
    account_state: str
    identity: Mapping[str, Any]
    consent: Mapping[str, Any]
    heard_at: datetime | None
    file: Mapping[str, Any] | None = None
    template: Mapping[str, Any] | None = None


def check(content: Content, situation: Situation, *, human: bool, now: datetime) -> None:
    """Raises Refused: one sentence, a code, and fields. An account that is broken refuses nothing: it waits."""
    if situation.account_state == "off":
        raise Refused(
            N_("The account “%(account)s” is switched off."), code="account_off", account=situation.account_name
        )
    _check_person(situation, human=human, now=now)
    _check_words(content, situation.channel.limits)
    if isinstance(content, TemplateUse):
        _check_template(situation)
    verdict = situation.channel.allows(content, situation.heard_at, now, human=human)
    if not verdict.allowed:
        raise Refused(verdict.message, code=verdict.code, **verdict.fields)
    if isinstance(content, Media):
        _check_file(content, situation)


def _check_person(situation: Situation, *, human: bool, now: datetime) -> None:
    identity, limits = situation.identity, situation.channel.limits
    if limits.reaches and identity["kind"] not in limits.reaches:
        raise Refused(N_("This account cannot write to such an address."), code="wrong_account")
    if identity["scope"] not in (EVERYWHERE, situation.account_scope):
        raise Refused(N_("The person wrote to another account, and only that one can answer."), code="wrong_account")
    if not identity.get("current", True):
        raise Refused(N_("The person does not use this address any more."), code="person_moved")
    if not identity.get("reachable", True) or identity.get("gone"):
        _check_reach(identity.get("gone") or {"code": BLOCKED}, human=human, now=now)


def _check_reach(gone: Mapping[str, Any], *, human: bool, now: datetime) -> None:
    """Platforms are vague about why somebody cannot be reached, and sometimes wrong: a person may try again."""
    if gone["code"] == BLOCKED:
        raise Refused(N_("The person has blocked this account."), code="person_blocked")
    if not human or now - gone["at"] < TRIED_AGAIN_AFTER:
        raise Refused(N_("The person cannot be reached by this address now."), code="person_gone")


def _check_words(content: Content, limits: Limits) -> None:
    if isinstance(content, Text) and not content.text.strip():
        raise Refused(N_("There is nothing to send."), code="empty")
    if isinstance(content, Emoji) and not limits.can_react:
        raise Refused(N_("Reactions cannot be sent on this channel."), code="cannot_react")


def _check_template(situation: Situation) -> None:
    """Consent gates marketing only: whoever wrote to us is always answered."""
    template = situation.template
    if template is None or template["status"] != APPROVED:
        raise Refused(N_("The platform does not approve of this template (any more)."), code="template_not_approved")
    if template["category"].upper() == MARKETING and situation.consent.get("marketing", {}).get("state") == "refused":
        raise Refused(N_("The person asked for no more marketing messages."), code="opted_out")


def _check_file(content: Media, situation: Situation) -> None:
    file, limits = situation.file, situation.channel.limits
    if file is None or file["state"] != "stored":
        raise Refused(N_("The file is not there (any more); attach it again."), code="file_missing")
    if fitting_kind(limits, content.kind, file["mime"], file["size"]):
        return
    most = max((limits.media_bytes.get(kind, 0) for kind in (content.kind, "document")), default=0)
    if file["mime"] == HEIC:
        raise Refused(
            N_("Pictures of the type HEIC cannot be sent here; save it as JPEG first."), code="file_type", mime=HEIC
        )
    if file["size"] > most:
        megabytes = round(most / 1024 / 1024, 1)
        raise Refused(
            N_("The file is too large: at most %(megabytes)s MB can be sent here."),
            code="file_too_large",
            megabytes=megabytes,
        )
    raise Refused(N_("Files of the type %(mime)s cannot be sent here."), code="file_type", mime=file["mime"])


def fitting_kind(limits: Limits, kind: MediaKind, mime: str, size: int) -> MediaKind | None:
    """As what the channel takes this file: as what it is, converted if need be, else as a document; None if not."""
    if takes(limits, kind, mime, size) or is_convertible(limits, kind, mime):
        return kind
    return "document" if takes(limits, "document", mime, size) else None


def takes(limits: Limits, kind: MediaKind, mime: str, size: int) -> bool:
    """An empty list of types means any."""
    patterns = limits.mimes.get(kind)
    if patterns is None or size > limits.media_bytes.get(kind, 0):
        return False
    return not patterns or any(fnmatch(mime, pattern) for pattern in patterns)


def is_convertible(limits: Limits, kind: MediaKind, mime: str) -> bool:
    """Whether the darkroom can make of it what the channel takes."""
    if kind == "image":
        return mime in _REDRAWN and "image/jpeg" in limits.mimes.get("image", ())
    return kind == "voice" and mime.startswith(("audio/", "video/webm", "video/mp4")) and "voice" in limits.media_bytes
