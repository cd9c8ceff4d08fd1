"""The inbox: who may send, what came in, and the signals made of it."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from optionsengine.core.enums import Intent, Side
from optionsengine.core.models import Leased, MutableRow, Row, bounded, money_field, one_of, price_field
from signals.enums import EventStatus, Family, SignalStatus, SourceMode


class WebhookSource(MutableRow):
    """One sender, the one way it proves itself, and how its repeats are told. Its secrets are `WebhookSecret` rows."""

    slug = models.SlugField(max_length=50, help_text="Names the source in /webhook/s/<slug>.")
    name = models.CharField(max_length=100)
    mode = models.CharField(max_length=10, choices=SourceMode.choices)
    requires_timestamp = models.BooleanField(
        default=False, help_text="The signature covers `x-webhook-timestamp`, a dot and the body (mode hmac only)."
    )
    allowed_networks = ArrayField(
        models.CharField(max_length=43),
        default=list,
        blank=True,
        help_text="Addresses or networks that may send, for example 52.89.214.238. Empty: any address.",
    )
    reads_id = models.BooleanField(
        default=True, help_text="Off for a sender whose `id` says the same in every alert; its other ids still count."
    )
    ids_only = models.BooleanField(
        default=False, help_text="Only the sender's own id tells a repeat, not the likeness within 60 seconds."
    )
    is_enabled = models.BooleanField(default=True)
    is_default = models.BooleanField(default=False, help_text="Judges requests that name no source.")

    class Meta:
        db_table = "webhook_sources"
        constraints = [
            models.UniqueConstraint(fields=["slug"], name="webhook_sources_slug"),
            models.UniqueConstraint(
                fields=["is_default"], condition=Q(is_default=True), name="webhook_sources_one_default"
            ),
            one_of("webhook_sources_mode", "mode", SourceMode.values),
        ]

    def __str__(self) -> str:
        return self.slug


class WebhookSecret(Row):
    """One of a source's secrets and when it holds: two overlap while a sender changes over to the new one.

    A token is kept as its SHA-256 only; the secret of a signature has to be kept as it is.
    """

    source = models.ForeignKey(WebhookSource, on_delete=models.PROTECT, related_name="secrets")
    secret = models.CharField(max_length=200, blank=True)
    token_hash = models.CharField(max_length=64, blank=True)
    not_before = models.DateTimeField(help_text="Holds from here on, this moment included.")
    not_after = models.DateTimeField(null=True, blank=True, help_text="Holds until here; empty: until it is replaced.")

    class Meta:
        db_table = "webhook_secrets"
        indexes = [models.Index(fields=["source", "-not_before"], name="webhook_secrets_by_source")]
        constraints = [
            models.UniqueConstraint(
                fields=["token_hash"], condition=~Q(token_hash=""), name="webhook_secrets_token_hash"
            ),
            models.CheckConstraint(
                condition=(~Q(secret="") & Q(token_hash="")) | (Q(secret="") & Q(token_hash__length=64)),
                name="webhook_secrets_one_credential",
            ),
            models.CheckConstraint(
                condition=Q(not_after=None) | Q(not_after__gte=F("not_before")), name="webhook_secrets_in_order"
            ),
        ]

    def __str__(self) -> str:
        return f"secret of {self.source_id} from {self.not_before:%Y-%m-%d %H:%M}"


class WebhookEvent(MutableRow, Leased):
    """One request as it came, redacted, stored before anything is done with it. `created_at` is its arrival."""

    source = models.ForeignKey(WebhookSource, null=True, blank=True, on_delete=models.PROTECT, related_name="events")
    path = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100, blank=True)
    body = models.BinaryField(help_text="The raw body with secrets blanked.")
    headers = models.JSONField(default=dict)
    source_ip = models.GenericIPAddressField(null=True, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)
    size = models.PositiveIntegerField()
    authenticated = models.BooleanField()
    family = models.CharField(max_length=20, blank=True, choices=Family.choices)
    sender_event_id = models.CharField(max_length=200, blank=True)
    symbol = models.CharField(max_length=16, blank=True)
    status = models.CharField(max_length=10, choices=EventStatus.choices, default=EventStatus.RECEIVED)
    code = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)
    details = models.JSONField(default=list, blank=True)
    answer = models.JSONField(default=dict, blank=True, help_text="The stable part of what the sender was told.")
    finished_at = models.DateTimeField(null=True, blank=True)
    processing_ms = models.FloatField(null=True, blank=True)
    replays = models.PositiveSmallIntegerField(default=0, help_text="How often a person had it processed again.")

    class Meta:
        db_table = "webhook_events"
        indexes = [
            models.Index(fields=["created_at"], condition=Q(status="received"), name="webhook_events_unfinished"),
            models.Index(fields=["-created_at"], name="webhook_events_newest"),
            # most are accepted, and found among the newest; each alert would write its entry here twice
            models.Index(
                fields=["status", "-created_at"],
                condition=~Q(status__in=["received", "accepted"]),
                name="webhook_events_by_status",
            ),
        ]
        constraints = [
            one_of("webhook_events_status", "status", EventStatus.values),
            models.UniqueConstraint(
                fields=["source", "sender_event_id"],
                condition=Q(status="accepted") & ~Q(sender_event_id=""),
                nulls_distinct=False,
                name="webhook_events_sender_event_id",
            ),
            models.CheckConstraint(
                condition=Q(status="received", finished_at=None)
                | (~Q(status="received") & Q(finished_at__isnull=False)),
                name="webhook_events_finished_when_final",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.family or 'unread'} {self.status} {self.id}"


class Signal(MutableRow, Leased):
    """What an accepted entry or exit alert asks for. `bar_at` is the alert's own time, the opening of its bar."""

    event = models.OneToOneField(WebhookEvent, on_delete=models.PROTECT, related_name="signal")
    source = models.ForeignKey(WebhookSource, null=True, blank=True, on_delete=models.PROTECT, related_name="signals")
    family = models.CharField(max_length=20, choices=Family.choices)
    symbol = models.CharField(max_length=16)
    side = models.CharField(max_length=5, choices=Side.choices, blank=True, help_text="Empty: an exit of every side.")
    intent = models.CharField(max_length=5, choices=Intent.choices)
    timeframe = models.CharField(max_length=10)
    bar_at = models.DateTimeField()
    bar_end_at = models.DateTimeField(help_text="End of the alert's bar; its age counts from here.")
    signal_hash = models.CharField(max_length=64)
    is_test = models.BooleanField(default=False)
    confidence = models.FloatField(null=True, blank=True)
    price = price_field(null=True, blank=True)
    quantity = models.PositiveIntegerField(null=True, blank=True)
    strike = price_field(null=True, blank=True)
    expiration = models.DateField(null=True, blank=True)
    reported_pnl = money_field(null=True, blank=True, help_text="What the sender says that this exit made, in dollars.")
    pattern = models.CharField(max_length=100, blank=True)
    payload = models.JSONField(default=dict, help_text="The redacted body as it was read.")
    status = models.CharField(max_length=20, choices=SignalStatus.choices, default=SignalStatus.PENDING)
    reason = models.CharField(max_length=60, blank=True, help_text="Code of the last refusal or deferral.")

    class Meta:
        db_table = "signals"
        indexes = [
            models.Index(fields=["created_at"], condition=Q(status="pending"), name="signals_claimable"),
            models.Index(fields=["created_at"], condition=Q(status="approved"), name="signals_approved"),
            models.Index(fields=["-created_at"], name="signals_newest"),
            models.Index(fields=["symbol", "-created_at"], name="signals_by_symbol"),
            models.Index(fields=["status", "-created_at"], name="signals_by_status"),
        ]
        constraints = [
            one_of("signals_status", "status", SignalStatus.values),
            one_of("signals_intent", "intent", Intent.values),
            one_of("signals_side", "side", ["", *Side.values]),
            models.CheckConstraint(condition=Q(intent="exit") | ~Q(side=""), name="signals_entry_has_side"),
            bounded("signals_confidence_bounds", maximum=100.0001, confidence=None),
            bounded("signals_price_bounds", price=None, strike=None),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.side or 'all'} {self.intent} {self.timeframe}"


class SignalEvent(Row):
    """One status change of a signal, or a deferral, with its reason."""

    # found by the index below
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="changes", db_index=False)
    from_status = models.CharField(max_length=20, blank=True)
    to_status = models.CharField(max_length=20)
    reason = models.CharField(max_length=60, blank=True)
    message = models.TextField(blank=True)
    actor = models.CharField(max_length=150, default="engine")

    class Meta:
        db_table = "signal_events"
        indexes = [models.Index(fields=["signal", "created_at"], name="signal_events_by_signal")]

    def __str__(self) -> str:
        return f"{self.from_status or 'new'} → {self.to_status}"


class SignalDedupe(models.Model):
    """The sliding claim behind the dedupe window: one row a key, holding its first accepted signal."""

    key = models.CharField(max_length=64, primary_key=True)
    first_at = models.DateTimeField()
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        db_table = "signal_dedupe"


class MarketContextReceived(Row):
    """What a context alert said of the market; it informs decisions and is never a signal."""

    event = models.OneToOneField(WebhookEvent, on_delete=models.PROTECT, related_name="market_context")
    symbol = models.CharField(max_length=16)
    price = price_field()
    observed_at = models.DateTimeField()
    data = models.JSONField(default=dict)

    class Meta:
        db_table = "market_contexts_received"
        indexes = [models.Index(fields=["symbol", "-observed_at"], name="context_received_newest")]
        constraints = [bounded("market_contexts_received_price_bounds", price=None)]

    def __str__(self) -> str:
        return f"{self.symbol} at {self.price}"
