"""What reads the inbox and signals."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet

from optionsengine.core.enums import Intent
from signals.data import ContextReceived, SecretFacts, SignalDraft, SourceFacts
from signals.enums import EventStatus, IntakeCode, SignalStatus, SourceMode
from signals.models import MarketContextReceived, Signal, WebhookEvent, WebhookSecret, WebhookSource

FAILURE_WINDOW = timedelta(minutes=1)


def signals_claimable(intent: Intent) -> QuerySet[Signal]:
    """Return the pending signals of one intent; whoever claims them skips those not yet due."""
    return Signal.objects.filter(status=SignalStatus.PENDING, intent=intent)


def events_unfinished(*, at: datetime, older_than_seconds: float) -> QuerySet[WebhookEvent]:
    """Return the events that arrived long enough ago and still have no end."""
    return WebhookEvent.objects.filter(
        status=EventStatus.RECEIVED, created_at__lte=at - timedelta(seconds=older_than_seconds)
    )


def signals_alike(draft: SignalDraft, *, since: datetime, until: datetime) -> QuerySet[Signal]:
    """Return the signals that share the draft's dedupe key and arrived from `since` to `until`, oldest first.

    Those of a source that goes by ids only claim nothing, so they hold nobody else up either.
    """
    return (
        Signal.objects.filter(
            symbol=draft.symbol,
            side=draft.side or "",
            intent=draft.intent,
            timeframe=draft.timeframe,
            is_test=draft.is_test,
            created_at__gte=since,
            created_at__lte=until,
        )
        .exclude(source__ids_only=True)
        .order_by("created_at", "pk")
    )


def exits_newer(draft: SignalDraft, *, source_id: UUID | None, at: datetime) -> QuerySet[Signal]:
    """Return the exits of an entry draft's source that arrived after `at` and name what it would buy."""
    exits = Signal.objects.filter(
        Q(strike=None) | Q(strike=draft.strike) if draft.strike is not None else Q(strike=None),
        Q(expiration=None) | Q(expiration=draft.expiration) if draft.expiration is not None else Q(expiration=None),
        symbol=draft.symbol,
        intent=Intent.EXIT,
        side__in=("", draft.side),
        is_test=draft.is_test,
        created_at__gt=at,
    )
    return exits.filter(source_id=source_id) if source_id is not None else exits.filter(source=None)


def events_arriving(*, until: datetime) -> QuerySet[WebhookEvent]:
    """Return the events that had arrived at `until` and still have no end: what they will be is not known yet."""
    return WebhookEvent.objects.filter(status=EventStatus.RECEIVED, created_at__lte=until)


def events_finished(
    *, statuses: Collection[EventStatus], since: datetime | None = None, until: datetime | None = None
) -> QuerySet[WebhookEvent]:
    """Return the requests that ended so and arrived from `since` up to, not including, `until`, the oldest first.

    Requests of unknown senders are left out: nothing of them was kept.
    """
    rows = WebhookEvent.objects.filter(status__in=statuses).exclude(code=IntakeCode.UNAUTHORIZED)
    if since is not None:
        rows = rows.filter(created_at__gte=since)
    if until is not None:
        rows = rows.filter(created_at__lt=until)
    return rows.order_by("created_at", "pk")


def failures_count(*, ip: str | None, at: datetime, limit: int) -> int:
    """Return how many requests of an address failed to authenticate within a minute of `at`, counting up to `limit`."""
    near = (at - FAILURE_WINDOW, at + FAILURE_WINDOW)  # hosts' clocks differ, so the window looks both ways
    failed = WebhookEvent.objects.filter(
        status=EventStatus.REJECTED,
        code=IntakeCode.UNAUTHORIZED,
        source_ip=ip,
        created_at__gt=near[0],
        created_at__lt=near[1],
    )
    return failed[:limit].count()


def webhook_sources() -> tuple[SourceFacts, ...]:
    """Return every source with its secrets, disabled and lapsed ones included."""
    return tuple(
        SourceFacts(
            pk=source.pk,
            slug=source.slug,
            mode=SourceMode(source.mode),
            requires_timestamp=source.requires_timestamp,
            allowed_networks=tuple(source.allowed_networks),
            reads_id=source.reads_id,
            ids_only=source.ids_only,
            is_enabled=source.is_enabled,
            is_default=source.is_default,
            secrets=tuple(
                SecretFacts(row.secret, row.token_hash, row.not_before, row.not_after) for row in source.secrets.all()
            ),
        )
        for source in WebhookSource.objects.order_by("slug").prefetch_related("secrets")
    )


def secret_holding(*, source_id: UUID, at: datetime) -> str:
    """Return the newest secret of a signing source that holds at `at`; empty if none does, or of a token source."""
    held = WebhookSecret.objects.filter(Q(not_after=None) | Q(not_after__gte=at), source=source_id, not_before__lte=at)
    return held.order_by("-not_before", "-id").values_list("secret", flat=True).first() or ""


def token_is_taken(hashed: str) -> bool:
    """Return whether a source has or had the token of this hash."""
    return WebhookSecret.objects.filter(token_hash=hashed).exists()


def latest_contexts(symbols: Sequence[str], at: datetime, max_age_seconds: float = 300) -> dict[str, ContextReceived]:
    """Return the newest context of each symbol that had arrived at `at` and is not older than `max_age_seconds`."""
    rows = (
        MarketContextReceived.objects.filter(
            symbol__in=symbols, created_at__lte=at, observed_at__gte=at - timedelta(seconds=max_age_seconds)
        )
        .order_by("symbol", "-observed_at", "-created_at")
        .distinct("symbol")
    )
    return {row.symbol: ContextReceived(row.event_id, row.symbol, row.price, row.observed_at, row.data) for row in rows}
