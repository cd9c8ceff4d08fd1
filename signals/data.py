"""What an adapter makes of a body: frozen drafts, and the refusal that says why there is none."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TypedDict
from uuid import UUID

from optionsengine.core.canonical import canonical_hash
from optionsengine.core.enums import Intent, Side
from optionsengine.core.errors import Refusal
from signals.bias_v1 import BiasV1Payload
from signals.bias_v3 import BiasV3Payload
from signals.enums import Family, IntakeCode, SourceMode
from signals.gamma import GammaPayload


class Detail(TypedDict):
    """One fault of one field; `field` is its dotted path in the body."""

    field: str
    message: str


class IntakeRejected(Refusal):
    """A request that has no effect: refused, or (`NOT_ACTIONABLE`) understood and ignored.

    `private` is for whoever runs the engine, and is never told to the sender.
    """

    code: IntakeCode

    def __init__(self, code: IntakeCode, message: str, details: Sequence[Detail] = (), *, private: str = "") -> None:
        super().__init__(code, message, details=list(details))
        self.details = list(details)
        self.private = private


def invalid_fields(details: Sequence[Detail]) -> IntakeRejected:
    """Return the refusal that names every faulty field of one step."""
    summary = "; ".join(f"{detail['field']}: {detail['message']}" for detail in details[:3])
    return IntakeRejected(IntakeCode.INVALID_FIELD, summary, details)


@dataclass(frozen=True, slots=True)
class Arrival:
    """When a body arrived and what of it the settings allow; all that reading one needs besides itself."""

    at: datetime
    allow_delayed_feed: bool
    max_age_seconds: int
    header_id: str = ""  # the sender's `webhook-id` header
    reads_id: bool = True  # whether the body's `id` names one alert; some senders repeat a constant


@dataclass(frozen=True, slots=True)
class SecretFacts:
    """One secret, or the SHA-256 of a token, and from when to when it holds."""

    secret: str
    token_hash: str
    not_before: datetime
    not_after: datetime | None

    def holds(self, at: datetime) -> bool:
        return self.not_before <= at and (self.not_after is None or at <= self.not_after)


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A sender as the intake knows it, the database away or not."""

    pk: UUID
    slug: str
    mode: SourceMode
    requires_timestamp: bool
    allowed_networks: tuple[str, ...]
    reads_id: bool
    ids_only: bool
    is_enabled: bool
    is_default: bool
    secrets: tuple[SecretFacts, ...]


@dataclass(frozen=True, slots=True)
class JudgedRequest:
    """One request whose sender was judged, secrets blanked, with the key its event has or will have.

    `source_id` None is the environment's source; `size` is that of the body before anything was blanked.
    """

    event_id: UUID
    received_at: datetime
    source_id: UUID | None
    authenticated: bool
    path: str
    content_type: str
    body: bytes
    headers: Mapping[str, str]
    source_ip: str | None
    user_agent: str
    size: int


@dataclass(frozen=True, slots=True)
class SignalDraft:
    """An entry or exit as read. `bar_at` is the opening of the alert's bar, `bar_end_at` its end.

    `side` None is an exit of every side. `confidence` is 0-100; `price` and `strike` are in dollars. `reported_pnl` is
    the profit or loss in dollars that the sender says an exit made.
    """

    family: Family
    symbol: str
    side: Side | None
    intent: Intent
    timeframe: str
    bar_at: datetime
    bar_end_at: datetime
    confidence: float | None
    price: Decimal | None
    quantity: int | None
    strike: Decimal | None
    expiration: date | None
    pattern: str
    is_test: bool
    sender_event_id: str
    reported_pnl: Decimal | None = None  # what the sender says this exit made, in dollars

    @property
    def signal_hash(self) -> str:
        """SHA-256 hex of `symbol:side:intent:timeframe:timestamp`, the time in ISO form, milliseconds, Z."""
        stamp = self.bar_at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        text = f"{self.symbol}:{self.side or ''}:{self.intent}:{self.timeframe}:{stamp}"
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def dedupe_key(self) -> str:
        """What two alerts share that count as one within the window."""
        return canonical_hash([self.symbol, self.side or "", self.intent, self.timeframe, self.is_test])


@dataclass(frozen=True, slots=True)
class ContextDraft:
    """What a context alert says of the market; `price` in dollars."""

    symbol: str
    price: Decimal
    observed_at: datetime


@dataclass(frozen=True, slots=True)
class BiasDraft:
    """A validated bias event. `event_id` is the SHA-256 hex of the sender's `event_id_raw`."""

    symbol: str
    event_id: str
    event_at: datetime
    chart_timeframe: str
    payload: BiasV3Payload | BiasV1Payload


@dataclass(frozen=True, slots=True)
class GammaDraft:
    """A validated gamma context."""

    symbol: str
    observed_at: datetime
    payload: GammaPayload


@dataclass(frozen=True, slots=True)
class FeedDraft:
    """One message of a market feed. `price`, `strike` and `premium` are in dollars, `size` in contracts or shares.

    A flow print has an option and a premium, a tick a price, a chain neither: it is kept as it came.
    """

    family: Family
    symbol: str
    observed_at: datetime
    price: Decimal | None = None
    option_type: str = ""
    strike: Decimal | None = None
    expiry: str = ""
    premium: Decimal | None = None
    size: Decimal | None = None
    sentiment: str = ""
    is_unusual: bool = False


@dataclass(frozen=True, slots=True)
class Ping:
    """A sender's test: answered, without effect."""


Draft = SignalDraft | ContextDraft | BiasDraft | GammaDraft | FeedDraft | Ping


@dataclass(frozen=True, slots=True)
class ContextReceived:
    """The newest stored context of a symbol."""

    event_id: UUID
    symbol: str
    price: Decimal
    observed_at: datetime
    data: dict[str, object]
