"""The one way a provider is asked over HTTP: bounded in time and size, strict in what it takes, silent about keys.

Nothing is tried again here and nothing is remembered but connections: order, limits, breaker and cache belong to the
gateway, which permits each single request through `before_call` and hears through `on_answer` what its answer says of
the limit.
"""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

import httpx2

from optionsengine.core.deadline import deadline
from optionsengine.market.data import MarketError
from optionsengine.market.enums import MarketProblem, ProviderFault
from optionsengine.market.patience import patience_left
from optionsengine.market.providers.http_wire import DeadlineTransport

MAX_BYTES = 16 * 1024 * 1024

_ERROR_BYTES = 64 * 1024
_SAID_CHARACTERS = 200
_SAID_FIELDS = ("message", "errmsg", "error")
_STATUS_KINDS = {
    401: ProviderFault.UNAUTHORIZED,
    402: ProviderFault.FORBIDDEN,
    403: ProviderFault.FORBIDDEN,
    404: ProviderFault.NO_DATA,
    408: ProviderFault.TIMEOUT,
    429: ProviderFault.RATE_LIMITED,
}
_ADVICE = {
    ProviderFault.UNAUTHORIZED: "it does not know this key; check {keys}",
    ProviderFault.FORBIDDEN: "this key may not ask that; check {keys}, the plan and the feed",
    ProviderFault.RATE_LIMITED: "too many calls; they go on when its window ends",
    ProviderFault.SERVER: "its server failed; asked again later",
    ProviderFault.TIMEOUT: "no whole answer in time; asked again later",
    ProviderFault.UNREACHABLE: "no connection; check the network and the address in the settings",
    ProviderFault.GARBAGE: "its answer cannot be read; asked again later",
    ProviderFault.NO_DATA: "it has nothing for this symbol; check the symbol, or add another provider",
    ProviderFault.REJECTED: "it takes this question for wrong; check the symbol",
}


class ProviderError(MarketError):
    """A provider that was asked over the network gave no usable answer.

    `kind` says what went wrong, `status` is the HTTP status where there was one, `retry_after` the seconds for which
    the provider asked to be left alone. No text of it ever holds a key.
    """

    def __init__(
        self,
        kind: ProviderFault,
        provider: str,
        message: str,
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        code = MarketProblem.NO_DATA if kind == ProviderFault.NO_DATA else MarketProblem.PROVIDER_FAILED
        super().__init__(code, message, provider=provider, kind=kind.value, status=status, retry_after=retry_after)
        self.kind = kind
        self.provider = provider
        self.status = status
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class RateNote:
    """What an answer's headers tell of the limit: `remaining` of `limit` calls or credits."""

    limit: int
    remaining: int


@dataclass(frozen=True, slots=True)
class RateHeaders:
    """How a provider names its headers; "" for one that it has not. `used` counts calls of the window, `reset` is in
    epoch seconds."""

    remaining: str
    limit: str = ""
    used: str = ""
    reset: str = ""

    def read(self, headers: Mapping[str, str]) -> RateNote | None:
        """Return what the headers say, or None if they are silent or cannot be read."""
        limit, remaining, used = (_whole(headers.get(name, "")) for name in (self.limit, self.remaining, self.used))
        if limit is None and remaining is not None and used is not None:
            limit = remaining + used
        return None if limit is None or remaining is None else RateNote(limit, remaining)


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON object with its HTTP status and, if it says so, the time at the server when it was sent."""

    body: dict[str, Any]
    status: int
    sent_at: datetime | None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds for the connection, and for everything from the question to the last byte of the answer."""

    connect: float = 1.0
    total: float = 3.0


Wait = Callable[[str, datetime], float | None]


class HttpSource:
    """Asks one provider. The `secrets` travel in `headers` and appear nowhere else.

    `keys` names the settings a person must check; `wait` tells, from what a 429 said and the server's time, how long to
    wait where no header does. `before_call` hears what a request costs at least and may raise to stop it.
    """

    def __init__(
        self,
        provider: str,
        *,
        keys: str,
        headers: Mapping[str, str],
        secrets: tuple[str, ...],
        rate_headers: RateHeaders,
        timeouts: Timeouts,
        wait: Wait | None = None,
        max_bytes: int = MAX_BYTES,
        before_call: Callable[[int], None] | None = None,
        on_answer: Callable[[RateNote], None] | None = None,
    ) -> None:
        self.provider = provider
        self._keys = keys
        self._headers = {**headers, "Accept": "application/json"}
        self._secrets = tuple(secret for secret in secrets if secret)
        self._rate_headers = rate_headers
        self._wait = wait
        self._timeouts = timeouts
        self._max_bytes = max_bytes
        self._before_call = before_call
        self._on_answer = on_answer
        self._client: httpx2.Client | None = None
        self._client_of = 0

    def close(self) -> None:
        """Close the connections; the next question opens new ones."""
        client, self._client = self._client, None
        if client is not None and self._client_of == os.getpid():
            client.close()

    def permitted(self, calls: int) -> int:
        """Get leave for that many calls and return how many there were, at least one.

        :raises MarketError: if there is none.
        """
        taken = 0
        while self._before_call is not None and taken < calls:
            try:
                self._before_call(1)
            except MarketError:
                if not taken:
                    raise
                return taken
            taken += 1
        return calls

    def get(self, url: str, params: Mapping[str, str | int] | None = None, *, has_leave: bool = False) -> Answer:
        """Ask once and return the JSON object that was answered.

        :raises ProviderError: for everything else.
        """
        if not has_leave:
            self.permitted(1)
        headers, client = self._checked_headers(), self._open()
        left = patience_left()
        total = self._timeouts.total if left is None else min(self._timeouts.total, left)
        rate: RateNote | None = None
        try:
            with deadline(total), client.stream("GET", url, params=params, headers=headers) as response:
                rate = self._rate_headers.read(response.headers)
                return self._answer(response)
        except httpx2.TimeoutException:
            raise self.error(ProviderFault.TIMEOUT) from None
        except httpx2.DecodingError:
            raise self.error(ProviderFault.GARBAGE, "a body that does not unpack") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # the library's errors carry the request with its keys, so only their names go on
            raise self.error(ProviderFault.UNREACHABLE, type(error).__name__) from None
        finally:
            # whoever listens may use the database, which has nothing to do with this request's deadline
            if rate is not None and self._on_answer is not None:
                self._on_answer(rate)

    def error(
        self,
        kind: ProviderFault,
        said: str = "",
        *,
        status: int | None = None,
        retry_after: float | None = None,
    ) -> ProviderError:
        """Build the error of that kind; `said` is shown with the keys blanked."""
        message = f"{self.provider}: {_ADVICE[kind].format(keys=self._keys)}"
        if said:
            message += f" ({self._blanked(said)})"
        return ProviderError(kind, self.provider, message, status=status, retry_after=retry_after)

    def status_error(
        self, status: int, said: str, sent_at: datetime | None, retry_after: float | None = None
    ) -> ProviderError:
        """Build the error that an HTTP status, or the same code inside a body, stands for."""
        kind = _STATUS_KINDS.get(status)
        if kind is None:
            kind = ProviderFault.SERVER if status >= 500 else ProviderFault.REJECTED
        if kind == ProviderFault.RATE_LIMITED and retry_after is None and self._wait and sent_at:
            retry_after = self._wait(said, sent_at)
        return self.error(kind, said, status=status, retry_after=retry_after)

    def _open(self) -> httpx2.Client:
        # a connection that was opened before a fork would be read by both processes
        if self._client is None or self._client_of != os.getpid():
            timeout = httpx2.Timeout(self._timeouts.total, connect=self._timeouts.connect)
            self._client = httpx2.Client(
                transport=DeadlineTransport(), timeout=timeout, follow_redirects=False, trust_env=False
            )
            self._client_of = os.getpid()
        return self._client

    def _checked_headers(self) -> Mapping[str, str]:
        if not all(value.isascii() and value.isprintable() for value in self._headers.values()):
            raise self.error(ProviderFault.UNAUTHORIZED, "it holds characters that no key has")
        return self._headers

    def _answer(self, response: httpx2.Response) -> Answer:
        status, sent_at = response.status_code, _http_date(response.headers.get("date", ""))
        if status == 204:
            raise self.error(ProviderFault.NO_DATA, status=status)
        if status >= 400:
            raise self._refusal(response, status, sent_at)
        if status >= 300:
            raise self.error(ProviderFault.GARBAGE, "a redirect; check the address in the settings")
        if "json" not in response.headers.get("content-type", ""):
            raise self.error(ProviderFault.GARBAGE, "not JSON")
        return Answer(self._object(self._read(response, self._max_bytes)), status, sent_at)

    def _refusal(self, response: httpx2.Response, status: int, sent_at: datetime | None) -> ProviderError:
        content_type, said = response.headers.get("content-type", ""), ""
        if "json" in content_type:
            said = self._said(response)
        elif status == 404 and content_type:
            # a provider that knows no symbol says so in JSON; a page comes from a wrong address
            return self.error(ProviderFault.GARBAGE, "no such address; check the one in the settings")
        retry_after = _retry_after(response.headers, self._rate_headers.reset) if status == 429 else None
        return self.status_error(status, said, sent_at, retry_after)

    def _said(self, response: httpx2.Response) -> str:
        """What the body of a refusal says; the status alone decides, so an unreadable body says nothing."""
        try:
            body = self._object(self._read(response, _ERROR_BYTES))
        except (ProviderError, httpx2.HTTPError):
            return ""
        return next((body[name] for name in _SAID_FIELDS if isinstance(body.get(name), str)), "")

    def _read(self, response: httpx2.Response, max_bytes: int) -> bytes:
        parts, size = [], 0
        for part in response.iter_bytes():
            size += len(part)
            if size > max_bytes:
                raise self.error(ProviderFault.GARBAGE, f"more than {max_bytes} bytes")
            parts.append(part)
        return b"".join(parts)

    def _object(self, raw: bytes) -> dict[str, Any]:
        try:
            body = json.loads(raw, parse_float=Decimal, parse_constant=_refuse_constant, object_pairs_hook=_unique)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise self.error(ProviderFault.GARBAGE, f"not JSON: {type(error).__name__}") from None
        if not isinstance(body, dict):
            raise self.error(ProviderFault.GARBAGE, "not an object")
        return body

    def _blanked(self, said: str) -> str:
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return "".join(character for character in said if character.isprintable())[:_SAID_CHARACTERS]


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key appears twice")
    return found


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 10 else None


def _http_date(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _retry_after(headers: Mapping[str, str], reset_name: str) -> float | None:
    """Seconds to wait by Retry-After or the time of the limit's reset, both by the server's clock, which is in Date."""
    text = headers.get("retry-after", "").strip()
    seconds = _whole(text)
    if seconds is not None:
        return float(seconds)
    until, sent_at = _http_date(text), _http_date(headers.get("date", ""))
    reset = _whole(headers.get(reset_name, ""))
    if until is None and reset is not None:
        until = datetime.fromtimestamp(reset, UTC)
    if until is None or sent_at is None:
        return None
    return max((until - sent_at).total_seconds(), 0.0)
