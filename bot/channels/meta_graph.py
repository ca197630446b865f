"""What WhatsApp and Messenger share: Meta's signature and handshake, and the Graph API over HTTP.

Tokens travel in the Authorization header, so that no proxy writes them down.
"""

import hashlib
import hmac
import secrets as randomness
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import aiohttp
import orjson
from yarl import URL

from bot.channels.contract import (
    Account,
    Attachment,
    Fetched,
    FetchProblem,
    Malformed,
    NotFromPlatform,
)
from bot.channels.fields import a_dict, a_list, a_text, an_integer, load
from bot.channels.remedies import NO_ANSWER, THROTTLED, UNREACHED, Remedy
from bot.errors import N_

# Graph API changelog: v26.0 of 29 July 2026 lives about two years.
GRAPH_URL = "https://graph.facebook.com/v26.0"
SIGNATURE = "X-Hub-Signature-256"
# Where Meta keeps files; a token is shown to no other host.
FILE_HOSTS = (".fbsbx.com", ".fbcdn.net", ".facebook.com", ".whatsapp.net", ".cdninstagram.com")
LARGEST_ANSWER = 8 * 2**20
CHUNK = 64 * 1024
MOST_PAGES = 200
MOST_REDIRECTS = 3
SLOWEST_UPLOAD = 50_000  # bytes a second


class Unreached(Exception):
    """The request certainly did not leave: no address, no connection, no TLS."""


class NoAnswer(Exception):
    """The request left, or may have, and nothing usable came back."""


class GraphError(Exception):
    """Meta said no, with a code. `status` is a weak hint: decide on `code` and `subcode`."""

    def __init__(self, status: int, error: Mapping[str, Any], *, retry_after: float = 0, secret: str = "") -> None:
        self.status, self.retry_after = status, retry_after
        self.code, self.subcode = an_integer(error.get("code")), an_integer(error.get("error_subcode")) or 0
        data = error.get("error_data")
        words = a_text(a_dict(data).get("details")) or a_text(data) or a_text(error.get("error_user_msg"))
        self.detail = _without(secret, " ".join(filter(None, (words or a_text(error.get("message")), _trace(error)))))
        super().__init__(f"{status}: {self.code}/{self.subcode}")

    @property
    def name(self) -> str:
        """The code as people and tables write it: `131047`, `10/2018278`, `http_404`."""
        if self.code is None:
            return f"http_{self.status}"
        return f"{self.code}/{self.subcode}" if self.subcode else str(self.code)


def _trace(error: Mapping[str, Any]) -> str:
    trace = a_text(error.get("fbtrace_id"))
    return f"[{trace}]" if trace else ""


def _without(secret: str, words: str) -> str:
    """Meta repeats a malformed token in its message."""
    return words.replace(secret, "…") if secret else words


@contextmanager
def named_by_remedy(remedy_of: Callable[[GraphError], Remedy], *, sending: bool) -> Iterator[None]:
    """Turns what Graph calls raise into SendProblems. Only a call that sends leaves its outcome uncertain."""
    try:
        yield
    except Unreached as error:
        raise UNREACHED.problem("unreachable") from error
    except NoAnswer as error:
        raise (NO_ANSWER if sending else UNREACHED).problem("no_answer", str(error)) from error
    except GraphError as error:
        remedy = THROTTLED if error.code is None and error.status == 429 else remedy_of(error)
        raise remedy.problem(error.name, error.detail, at_least_seconds=error.retry_after) from error


# --- webhooks ---------------------------------------------------------------------------------------------------------


def verify(headers: Mapping[str, str], raw: bytes, secrets: list[str]) -> None:
    """HMAC-SHA256 over the raw body with the app's secret. Graph API, Webhooks, Validating Payloads (2026)."""
    given = _header(headers, SIGNATURE).encode(errors="replace")
    fits = [hmac.compare_digest(given, _signature(raw, secret)) for secret in secrets if secret]
    if not any(fits):
        raise NotFromPlatform(f"{SIGNATURE} is missing or wrong")


def _signature(raw: bytes, secret: str) -> bytes:
    return b"sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest().encode()


def _header(headers: Mapping[str, str], name: str) -> str:
    if name in headers:
        return headers[name]
    return next((value for key, value in headers.items() if key.lower() == name.lower()), "")


def handshake(query: Mapping[str, str], tokens: list[str]) -> str | None:
    given = query.get("hub.verify_token", "").encode(errors="replace")
    fits = [hmac.compare_digest(given, token.encode()) for token in tokens if token]
    is_right = any(fits) and query.get("hub.mode") == "subscribe"
    return query.get("hub.challenge") if is_right else None


def envelope(raw: bytes, kind: str) -> dict[str, Any]:
    """The body of a webhook about `kind`. Raises Malformed."""
    try:
        body = load(raw)
    except ValueError as error:
        raise Malformed("The body is not JSON.") from error
    if not isinstance(body, dict) or body.get("object") != kind or not isinstance(body.get("entry"), list):
        raise Malformed(f"The body is not about {kind}.")
    return body


# --- calls ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes
    retry_after: float


class Graph:
    """`patience` is how many seconds an answer may take; uploads get more, by their size."""

    def __init__(self, session: aiohttp.ClientSession, *, patience: float = 30.0) -> None:
        self._session, self._patience = session, patience

    async def get(self, account: Account, path: str, **params: str) -> dict[str, Any]:
        """Raises Unreached, NoAnswer or GraphError, as `post` and `upload` do."""
        return await self._call(account, "GET", path, params=params)

    async def post(self, account: Account, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        return await self._call(account, "POST", path, data=orjson.dumps(body), headers=headers)

    async def post_quietly(self, account: Account, path: str, body: Mapping[str, Any]) -> None:
        """For what is never worth failing for: marks and signs."""
        with suppress(GraphError, NoAnswer, Unreached):
            await self.post(account, path, body)

    async def upload(
        self, account: Account, path: str, fields: Mapping[str, str], part: str, file: Attachment
    ) -> dict[str, Any]:
        """`file` goes as the part named `part`. Its length is announced: Meta is not known to take chunked bodies."""
        boundary = randomness.token_hex(16)
        head, tail = _multipart(boundary, fields, part, file)
        headers = {
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(head) + file.size + len(tail)),
        }
        data = _stream(head, file, tail)
        seconds = self._patience + file.size / SLOWEST_UPLOAD
        return await self._call(account, "POST", path, data=data, headers=headers, seconds=seconds)

    async def pages(self, account: Account, path: str, **params: str) -> AsyncIterator[dict[str, Any]]:
        """Every item of a list, page after page."""
        for _ in range(MOST_PAGES):
            page = await self.get(account, path, **params)
            for item in a_list(page.get("data")):
                yield a_dict(item)
            paging = a_dict(page.get("paging"))
            after = a_text(a_dict(paging.get("cursors")).get("after"))
            if not after or not paging.get("next"):
                return
            params["after"] = after

    async def _call(
        self, account: Account, method: str, path: str, *, seconds: float | None = None, **request: Any
    ) -> dict[str, Any]:
        token = _token(account)
        request["headers"] = {"Authorization": f"Bearer {token}", **request.get("headers", {})}
        seconds = seconds or self._patience
        request["timeout"] = aiohttp.ClientTimeout(total=seconds, connect=min(seconds, 10))
        url = f"{(account.api_url or GRAPH_URL).rstrip('/')}/{path}"
        return _understood(await self._ask(method, url, request), token)

    async def _ask(self, method: str, url: str, request: dict[str, Any]) -> _Answer:
        with _told_apart():
            async with self._session.request(method, url, allow_redirects=False, **request) as response:
                body = await _whole(response)
                return _Answer(response.status, body, _retry_after(response))

    async def download(self, account: Account, url: str, *, authorised: bool, limit: int) -> Fetched:
        """At most `limit` bytes, from Meta's hosts and the account's own `api_url` only. Raises FetchProblem."""
        headers = {"Authorization": f"Bearer {_token(account)}"} if authorised else {}
        for _ in range(MOST_REDIRECTS + 1):
            if not is_metas(url, account.api_url or GRAPH_URL):
                raise FetchProblem("foreign_host", N_("This file is not kept by Meta."), final=True)
            response = await self._open(url, headers)
            if response.status not in (301, 302, 303, 307, 308):
                return _fetched(response, limit)
            url = _moved_to(url, response)
            response.close()
        raise FetchProblem("redirects", N_("This file keeps moving and cannot be fetched."), final=True)

    async def _open(self, url: str, headers: dict[str, str]) -> aiohttp.ClientResponse:
        timeout = aiohttp.ClientTimeout(total=None, connect=min(self._patience, 10), sock_read=self._patience)
        try:
            return await self._session.get(url, headers=headers, timeout=timeout, allow_redirects=False)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise FetchProblem("unreachable", N_("The file cannot be fetched right now.")) from error


def _token(account: Account) -> str:
    return account.secrets.get("access_token", "").strip()


@contextmanager
def _told_apart() -> Iterator[None]:
    try:
        yield
    except (
        aiohttp.ClientConnectorError,
        aiohttp.ConnectionTimeoutError,
        aiohttp.ClientHttpProxyError,
        aiohttp.InvalidURL,
    ) as error:
        raise Unreached(type(error).__name__) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise NoAnswer(type(error).__name__) from error


async def _whole(response: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_chunked(CHUNK):
        body += chunk
        if len(body) > LARGEST_ANSWER:
            raise NoAnswer("the answer is too long")
    return bytes(body)


def _retry_after(response: aiohttp.ClientResponse) -> float:
    return float(min(an_integer(response.headers.get("Retry-After", "")) or 0, 24 * 3600))


def _understood(answer: _Answer, token: str) -> dict[str, Any]:
    try:
        body = load(answer.body)
    except ValueError:
        body = None
    if isinstance(body, dict) and "error" in body:
        raise GraphError(answer.status, a_dict(body["error"]), retry_after=answer.retry_after, secret=token)
    if 300 <= answer.status < 500:
        raise GraphError(answer.status, {}, retry_after=answer.retry_after)
    if not isinstance(body, dict) or answer.status >= 500:
        raise NoAnswer(f"HTTP {answer.status} without an answer")
    return body


def _multipart(boundary: str, fields: Mapping[str, str], part: str, file: Attachment) -> tuple[bytes, bytes]:
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="{part}"; filename="{_quotable(file.name) or "file"}"'
        f"\r\nContent-Type: {_quotable(file.mime)}\r\n\r\n"
    )
    return "".join(lines).encode(), f"\r\n--{boundary}--\r\n".encode()


def _quotable(words: str) -> str:
    return "".join("_" if char in '"\\\r\n' else char for char in words)


async def _stream(head: bytes, file: Attachment, tail: bytes) -> AsyncIterator[bytes]:
    yield head
    async for chunk in file.chunks():
        yield chunk
    yield tail


def _moved_to(url: str, response: aiohttp.ClientResponse) -> str:
    try:
        return str(URL(url).join(URL(response.headers.get("Location", ""))))
    except ValueError:
        return ""


def is_metas(url: str, api_url: str) -> bool:
    """Whether a file may be asked for there: over TLS from a host of Meta's, or where the account's API is."""
    try:
        target, home = URL(url), URL(api_url)
        if (target.scheme, target.host, target.port) == (home.scheme, home.host, home.port):
            return True
    except ValueError:
        return False
    return target.scheme == "https" and f".{target.host or ''}".endswith(FILE_HOSTS)


def _fetched(response: aiohttp.ClientResponse, limit: int) -> Fetched:
    problem = None
    if response.status != 200:
        sentence = N_("The platform does not hand out this file.")
        problem = FetchProblem(f"http_{response.status}", sentence, final=response.status in (403, 404, 410))
    elif (response.content_length or 0) > limit:
        problem = FetchProblem("too_large", N_("This file is too large to be kept."), final=True)
    if problem is not None:
        response.close()
        raise problem
    return Fetched(response.content_type, response.content_length, _chunks(response, limit))


async def _chunks(response: aiohttp.ClientResponse, limit: int) -> AsyncIterator[bytes]:
    received = 0
    try:
        async for chunk in response.content.iter_chunked(CHUNK):
            received += len(chunk)
            if received > limit:
                raise FetchProblem("too_large", N_("This file is too large to be kept."), final=True)
            yield chunk
    except (aiohttp.ClientError, TimeoutError) as error:
        raise FetchProblem("interrupted", N_("The file broke off on the way.")) from error
    finally:
        response.close()
