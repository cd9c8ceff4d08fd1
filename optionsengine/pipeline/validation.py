"""A running engine tried from outside: unique test signals sent to it, each followed over HTTP to its end."""

import json
import random
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from optionsengine.core import ids
from signals.authentication import STANDARD_PREFIX, signature_of, standard_signature_of

SYMBOLS = ("SPY", "QQQ", "IWM", "DIA", "AAPL", "MSFT", "NVDA", "AMZN", "META", "GOOGL", "AMD", "TSLA")
SIDES = ("long", "short")
# bars of these lengths, with this confidence, are bought at the market: a shorter one may rest for a while
MINUTES = range(30, 1440)
CONFIDENCE = 85
FILLED, REJECTED = "executed", "rejected"
ENDS = frozenset({FILLED, REJECTED, "failed"})
_TIMEOUT_SECONDS = 10


class UnreachableError(Exception):
    """The server could not be asked, or did not let us in; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Sender:
    """How signals are sent: signed with `secret` if there is one, from the source `slug`, with `token` in the body."""

    secret: str = ""
    slug: str = ""
    token: str = ""
    is_test: bool = True


@dataclass(slots=True)
class Followed:
    """One signal: what it was answered, and what is known of it. Times are in seconds."""

    symbol: str
    side: str
    timeframe: str
    http: int = 0
    answer: str = ""
    answered_ms: float = 0.0
    signal_id: str = ""
    engine: str = ""
    status: str = ""
    decision: str = ""
    gate: str = ""
    reason: str = ""
    order: str = ""
    fill: str = ""
    decided_after: float | None = None
    ordered_after: float | None = None
    filled_after: float | None = None
    ended_after: float | None = None
    is_resting: bool = False  # the broker has its limit order, which waits for its price

    @property
    def is_accepted(self) -> bool:
        return self.http == 201 and self.answer == "ACCEPTED"

    @property
    def is_ended(self) -> bool:
        return self.status in (FILLED, REJECTED)


@dataclass(slots=True)
class Server:
    """A running engine at `url`. `login` makes a token of the API, and is asked again when it has run out."""

    url: str
    login: Callable[["Server"], str]
    _token: str = field(default="", repr=False)

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
        """Return the HTTP status and the JSON of an answer, None if it is none.

        :raises UnreachableError: if nothing answers.
        """
        sent = {"Content-Type": "application/json", "Accept": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = urllib.request.Request(self.url + path, body, sent, method=method)  # noqa: S310 - http, checked before
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310 - http
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as error:
            return error.code, _json(error.read())
        except OSError as error:
            raise UnreachableError(f"{self.url} does not answer ({error}): start it with `make run`.") from error

    def read(self, path: str) -> Any:
        """Return what the API shows at `path`, logging in as needed.

        :raises UnreachableError: if it shows nothing.
        """
        for _ in range(2):
            self._token = self._token or self.login(self)
            status, shown = self.ask("GET", path, Authorization=f"Bearer {self._token}")
            if status == 200:
                return shown
            if status != 401:
                break
            self._token = ""
        raise UnreachableError(f"GET {path} was answered {status}: {_error(shown)}")


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _error(shown: Any) -> str:
    return str(shown.get("error", shown)) if isinstance(shown, dict) else "no JSON; is this the engine's address?"


def password_login(user: str, password: str) -> Callable[[Server], str]:
    """Return a login by name and password."""

    def login(server: Server) -> str:
        body = json.dumps({"username": user, "password": password}).encode()
        status, shown = server.ask("POST", "/api/auth/token/", body)
        if status != 200:
            raise UnreachableError(f"the login of {user} was answered {status}: {_error(shown)}")
        return str(shown["access"])

    return login


def signals_make(count: int) -> list[Followed]:
    """Return `count` signals no two of which are alike, nor likely like any of an earlier run."""
    number = len(SYMBOLS) * len(SIDES) * len(MINUTES)
    picked = random.SystemRandom().sample(range(number), count)
    made = []
    for pick in picked:
        rest, minutes = divmod(pick, len(MINUTES))
        symbol, side = divmod(rest, len(SIDES))
        made.append(Followed(SYMBOLS[symbol], SIDES[side], f"{MINUTES[minutes]}m"))
    return made


def signal_send(server: Server, followed: Followed, sender: Sender, *, at: datetime) -> None:
    """Send one signal, signed as of `at` where its sender signs the time, and note its answer."""
    body = {
        "symbol": followed.symbol,
        "direction": followed.side,
        "timeframe": followed.timeframe,
        "confidence": CONFIDENCE,
        "id": f"validate-{ids.new_id()}",
        "is_test": sender.is_test,
    }
    if sender.token:
        body["secret"] = sender.token
    raw = json.dumps(body).encode()
    headers = _signed(sender.secret, raw, at) if sender.secret else {}
    started = time.perf_counter()
    followed.http, shown = server.ask(
        "POST", f"/webhook/s/{sender.slug}" if sender.slug else "/webhook", raw, **headers
    )
    followed.answered_ms = round((time.perf_counter() - started) * 1000, 1)
    if isinstance(shown, dict):
        followed.answer = str(shown.get("status", ""))
        followed.signal_id = str(shown.get("signal_id", ""))
        followed.reason = str(shown.get("code") or shown.get("reason") or "")


def _signed(secret: str, raw: bytes, at: datetime) -> dict[str, str]:
    """Return the headers that prove a body, the way the secret says by its prefix."""
    if not secret.startswith(STANDARD_PREFIX):
        return {"X_Webhook_Signature": signature_of(secret, raw)}
    key, moment = str(ids.new_id()), str(int(at.timestamp()))
    signature = standard_signature_of(secret, key, moment, raw)
    return {"Webhook_Id": key, "Webhook_Timestamp": moment, "Webhook_Signature": signature}


def signal_look(server: Server, followed: Followed, *, seconds: float) -> None:
    """Note what the API tells of a signal's life by now, `seconds` after it was sent."""
    life = server.read(f"/api/v1/signals/{followed.signal_id}/timeline/")
    told = life["signal"]
    followed.status, followed.engine, followed.reason = told["status"], told["engine"] or "", told["reason"]
    begun = told["created_at"]
    if life["rounds"]:
        newest = life["rounds"][0]
        followed.decision = newest["decision"]["outcome"]
        followed.decided_after = _between(begun, newest["decision"]["created_at"])
        followed.gate = _gate(newest, followed.engine)
    for held in life["orders"]:
        order = held["order"]
        if order["mode"] == "shadow" or order["intent"] != "entry":
            continue
        followed.order = f"{order['quantity']} {order['option_symbol']} {order['status']}"
        followed.ordered_after = _between(begun, order["created_at"])
        followed.is_resting = order["order_type"] == "limit" and order["status"] == "submitted"
        for trade in held["trades"]:
            followed.fill = f"{trade['quantity']} at {trade['price']}"
            followed.filled_after = _between(begun, trade["created_at"])
    if followed.status in ENDS and followed.ended_after is None:
        followed.ended_after = round(seconds, 2)


def _between(first: str, second: str) -> float:
    return round((datetime.fromisoformat(second) - datetime.fromisoformat(first)).total_seconds(), 3)


def _gate(round_: dict[str, Any], engine: str) -> str:
    """The gate that stopped the real engine, with its value and its threshold."""
    own = [gate for part in round_["engines"] if part["engine"] == engine for gate in part["gates"]]
    for gate in [*round_["shared_gates"], *own]:
        if gate["outcome"] in ("refuse", "defer"):
            return f"{gate['gate']}: {gate['value']} against {gate['threshold']}"
    return ""


def followed_until(
    server: Server, sent: list[Followed], *, poll: float, longest: float, strict: bool, before: Callable[[], None]
) -> Iterator[list[Followed]]:
    """Look at every signal each `poll` seconds, at most `longest`; yields those that have ended by then.

    What rests at its limit is waited for only if `strict`: its price may come within the hour or never.

    `before` is called before each look: what drives the stages where no worker does.
    """
    started = time.perf_counter()
    waiting = [one for one in sent if one.is_accepted]
    while True:
        before()
        for one in waiting:
            signal_look(server, one, seconds=time.perf_counter() - started)
        waiting = [one for one in waiting if not one.is_ended]
        yield [one for one in sent if one.is_ended]
        if not (strict or any(not one.is_resting for one in waiting)):
            return
        if not waiting or time.perf_counter() - started + poll > longest:
            return
        time.sleep(poll)
