"""Pages and fragments from templates: the only home of jinja2. Everything is escaped; no template decides anything."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import BytecodeCache, ChainableUndefined, Environment, FileSystemLoader, pass_context
from jinja2.bccache import Bucket
from jinja2.runtime import Context
from markupsafe import Markup

from inbox.people import Agent
from inbox.translation import DEFAULT, LANGUAGES, Translations
from inbox.web import looks, template_parts, times, words

HERE = Path(__file__).parent
HTML, STATIC = HERE / "html", HERE / "static"
FILTERS = ("tab", "status", "account", "channel", "team", "label", "assignee", "sort")


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page, and from where. `may` holds the permissions of the role as strings."""

    now: datetime
    language: str = DEFAULT
    zone: tzinfo = UTC
    csrf: str = ""
    agent: Agent | None = None
    may: frozenset[str] = frozenset()
    path: str = "/"
    section: str = ""
    badge: int = 0
    alerts: tuple[Mapping[str, Any], ...] = ()
    demo: bool = False

    def prefers(self, key: str, otherwise: Any) -> Any:
        return self.agent.prefs.get(key, otherwise) if self.agent else otherwise


class _Compiled(BytecodeCache):
    """What one language's templates were compiled to serves the others too; it never leaves the process."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


class Renderer:
    """One per process. A template is compiled at its first use, unless `prepare` was there before."""

    def __init__(self, translations: Translations) -> None:
        self._translations = translations
        self._rooms: dict[str, Environment] = {}
        self._compiled = _Compiled()

    def prepare(self) -> None:
        """Compiles everything, so that nobody waits for it. Takes most of a second: call it in a thread."""
        for language in LANGUAGES:
            room = self._room(language)
            for name in room.list_templates(extensions=["html"]):
                room.get_template(name)

    def render(self, template: str, viewer: Viewer, /, **context: Any) -> str:
        """`template` is a path below inbox/web/html."""
        return self._room(viewer.language).get_template(template).render(viewer=viewer, **context)

    def _room(self, language: str) -> Environment:
        if language not in self._rooms:
            self._rooms[language] = self._furnish(language)
        return self._rooms[language]

    def _furnish(self, language: str) -> Environment:
        room = Environment(
            loader=FileSystemLoader(HTML),
            autoescape=True,
            undefined=ChainableUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
            cache_size=-1,
            bytecode_cache=self._compiled,
            extensions=["jinja2.ext.i18n"],
        )
        room.policies["ext.i18n.trimmed"] = True
        catalogue = self._translations.catalogue(language)
        room.install_gettext_callables(  # type: ignore[attr-defined]
            catalogue.gettext, catalogue.ngettext, newstyle=True, pgettext=catalogue.pgettext
        )
        room.filters |= _filters(language, catalogue.gettext)
        room.globals |= {"asset": self.asset, "icon": lru_cache(self.icon), "languages": LANGUAGES}
        room.globals |= {"inbox_url": inbox_url, "query": query}
        return room

    def icon(self, name: str, more: str = "") -> Markup:
        """One of the names in assets/icons.txt. A page has hundreds, all alike."""
        drawing = '<svg class="icon {}" aria-hidden="true"><use href="{}#{}"></use></svg>'
        return Markup(drawing).format(more, self.asset("vendor/icons.svg"), name)  # noqa: S704 - our own markup

    def asset(self, path: str) -> str:
        """The address of a static file; it changes with any of them, so that a browser may keep it for good."""
        return f"/static/{self.asset_version}/{path}"

    @cached_property
    def asset_version(self) -> str:
        digest = hashlib.sha256()
        for file in sorted(STATIC.rglob("*")):
            if file.is_file() and not file.name.startswith("."):
                digest.update(file.relative_to(STATIC).as_posix().encode() + b"\0" + file.read_bytes())
        return digest.hexdigest()[:12]


def _filters(language: str, translate: Callable[[str], str]) -> dict[str, Callable[..., Any]]:
    say = partial(words.say, translate=translate)
    return {
        "bars": looks.bars,
        "bytes": looks.size,
        "category_word": lambda code: say(words.CATEGORIES, code),
        "channel_name": partial(words.channel_name, translate=translate),
        "clock": pass_context(lambda context, at: times.clock(at, _viewer(context).zone)),
        "colour": looks.colour,
        "countdown": pass_context(lambda context, at: times.countdown(at, _viewer(context).now)),
        "cut": template_parts.cut,
        "done_word": lambda code: say(words.DONE, code),
        "initials": looks.initials,
        "iso": lambda at: at.isoformat(timespec="milliseconds") if at else "",
        "kind_icon": lambda kind: words.KINDS.get(kind, words.KINDS["media"])[1],
        "kind_word": lambda kind: translate(words.KINDS.get(kind, words.KINDS["unsupported"])[0]),
        "duration": times.length,
        "long_when": pass_context(lambda context, at: times.long_when(at, _viewer(context).zone, language)),
        "noted": looks.noted,
        "only_emoji": looks.only_emoji,
        "phone": looks.phone,
        "preview": partial(words.preview, translate=translate),
        "preview_icon": words.preview_icon,
        "pretty": lambda value: json.dumps(value, ensure_ascii=False, indent=2, default=str),
        "rich": looks.rich,
        "role_text": lambda code: translate(words.ROLES[str(code)][1]) if str(code) in words.ROLES else "",
        "role_word": lambda code: translate(words.ROLES[str(code)][0]) if str(code) in words.ROLES else str(code),
        "sees_word": lambda code: say(words.SEES, code),
        "sending_word": lambda code: say(words.SENDING, code),
        "status_word": lambda code: say(words.STATUS, code),
        "template_status_word": lambda code: say(words.TEMPLATE_STATUS, code),
        "translated": lambda sentence: translate(str(sentence)),
        "upto": looks.upto,
        "waited": pass_context(lambda context, since: times.span(_viewer(context).now - since)),
        "when": pass_context(partial(_when, language=language, translate=translate)),
    }


def _viewer(context: Context) -> Viewer:
    viewer = context["viewer"]
    if not isinstance(viewer, Viewer):
        raise TypeError("A template was imported without its context.")
    return viewer


def _when(context: Context, at: datetime | None, *, language: str, translate: Callable[[str], str]) -> str:
    viewer = _viewer(context)
    return times.short_when(at, viewer.now, viewer.zone, language, translate) if at else ""


def inbox_url(filters: Mapping[str, str], path: str = "/inbox", **changes: str) -> str:
    """The inbox with these filters, some of them changed; an empty one drops out."""
    return path + query({key: changes.get(key, filters.get(key, "")) for key in FILTERS} | changes)


def query(values: Mapping[str, Any]) -> str:
    """`?a=1&b=2` of what is not empty, or nothing."""
    kept = {key: value for key, value in values.items() if value not in ("", None)}
    return "?" + urlencode(kept) if kept else ""
