"""The decision: the A/B assignment, each round's frozen inputs, its gates, votes and recommendations."""

import pghistory
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Func, IntegerField, Q, TextField
from django.db.models.functions import Cast
from django.db.models.lookups import LessThanOrEqual

from experiments.enums import (
    ApprovalStatus,
    DecisionOutcome,
    EntryType,
    ExecutionMode,
    Gate,
    GateOutcome,
    SetupType,
    Urgency,
    VoteBias,
)
from optionsengine.core.enums import Engine, Right, Side
from optionsengine.core.models import MutableRow, Row, bounded, money_field, one_of, price_field
from signals.models import Signal

MAX_INPUT_BYTES = 16384


class Experiment(Row):
    """Which engine's decision is real for one entry signal; assigned once, at intake."""

    signal = models.OneToOneField(Signal, on_delete=models.PROTECT, related_name="experiment")
    variant = models.CharField(max_length=1, choices=Engine.choices)
    bucket = models.PositiveSmallIntegerField(help_text="0–9999, from the signal's hash.")
    split_percentage = models.PositiveSmallIntegerField(help_text="B's share in percent when it was assigned.")

    class Meta:
        db_table = "experiments"
        indexes = [models.Index(fields=["-created_at"], name="experiments_newest")]
        constraints = [
            one_of("experiments_variant", "variant", Engine.values),
            bounded("experiments_bucket_bounds", maximum=10000, bucket=None),
            bounded("experiments_split_bounds", maximum=101, split_percentage=None),
        ]

    def __str__(self) -> str:
        return f"engine {self.variant}, bucket {self.bucket}"


class DecisionRound(Row):
    """One decision: everything it was made of, frozen, with its hash. Replay starts from here alone."""

    experiment = models.ForeignKey(Experiment, on_delete=models.PROTECT, related_name="rounds")
    round = models.PositiveSmallIntegerField()
    inputs = models.JSONField()
    context_hash = models.CharField(max_length=64)
    rules_version = models.CharField(max_length=20)
    config_version = models.CharField(
        max_length=12, blank=True, default="", help_text="Hash of every setting that decided; empty before version 3."
    )
    execution_mode = models.CharField(max_length=20, choices=ExecutionMode.choices)
    outcome = models.CharField(max_length=10, choices=DecisionOutcome.choices)
    code = models.CharField(max_length=40, blank=True)

    class Meta:
        db_table = "market_contexts"
        indexes = [models.Index(fields=["-created_at"], name="market_contexts_newest")]
        constraints = [
            models.UniqueConstraint(fields=["experiment", "round"], name="market_contexts_round"),
            models.CheckConstraint(
                condition=LessThanOrEqual(
                    Func(Cast(F("inputs"), TextField()), function="octet_length", output_field=IntegerField()),
                    MAX_INPUT_BYTES,
                ),
                name="market_contexts_inputs_at_most_16_kib",
            ),
            models.CheckConstraint(condition=Q(context_hash__length=64), name="market_contexts_hash_is_sha256"),
            one_of("market_contexts_outcome", "outcome", DecisionOutcome.values),
            one_of("market_contexts_execution_mode", "execution_mode", ExecutionMode.values),
        ]

    def __str__(self) -> str:
        return f"round {self.round} {self.outcome}"


class GateResult(Row):
    """One gate's verdict in one round; `engine` is empty for the gates both engines share."""

    decision = models.ForeignKey(DecisionRound, on_delete=models.PROTECT, related_name="gates")
    position = models.PositiveSmallIntegerField(help_text="Its place in the ledger's order.")
    engine = models.CharField(max_length=1, choices=Engine.choices, blank=True)
    gate = models.CharField(max_length=30, choices=Gate.choices)
    outcome = models.CharField(max_length=15, choices=GateOutcome.choices)
    code = models.CharField(max_length=40, blank=True)
    value = models.CharField(max_length=200, blank=True)
    threshold = models.CharField(max_length=200, blank=True)
    message = models.TextField(blank=True)
    until_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "gate_results"
        indexes = [models.Index(fields=["gate", "outcome", "-created_at"], name="gate_results_by_gate")]
        constraints = [
            models.UniqueConstraint(fields=["decision", "engine", "gate"], name="gate_results_once"),
            one_of("gate_results_outcome", "outcome", GateOutcome.values),
            one_of("gate_results_gate", "gate", Gate.values),
            models.CheckConstraint(
                condition=Q(outcome__in=["pass", "not_evaluated"]) | ~Q(code=""), name="gate_results_no_has_a_code"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.gate} {self.outcome}"


class AgentDecision(Row):
    """One agent's vote in one round, with its reasons and what it saw."""

    decision = models.ForeignKey(DecisionRound, on_delete=models.PROTECT, related_name="votes")
    agent = models.CharField(max_length=30)
    is_abstaining = models.BooleanField()
    bias = models.CharField(max_length=10, choices=VoteBias.choices)
    confidence = models.FloatField()
    weight = models.FloatField()
    is_blocking = models.BooleanField(default=False)
    reasons = models.JSONField(default=list)
    saw = models.JSONField(default=dict)

    class Meta:
        db_table = "agent_decisions"
        constraints = [
            models.UniqueConstraint(fields=["decision", "agent"], name="agent_decisions_once"),
            one_of("agent_decisions_bias", "bias", VoteBias.values),
            bounded("agent_decisions_confidence_bounds", maximum=100.0001, confidence=None),
            bounded("agent_decisions_weight_bounds", maximum=1.0001, weight=None),
        ]

    def __str__(self) -> str:
        return f"{self.agent} {'abstains' if self.is_abstaining else self.bias}"


class Recommendation(MutableRow):
    """What one engine made of one round: a contract and a quantity, or the reason why not."""

    decision = models.ForeignKey(DecisionRound, on_delete=models.PROTECT, related_name="recommendations")
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="recommendations")
    engine = models.CharField(max_length=1, choices=Engine.choices)
    is_shadow = models.BooleanField()
    outcome = models.CharField(max_length=10, choices=DecisionOutcome.choices)
    code = models.CharField(max_length=40, blank=True)
    side = models.CharField(max_length=5, choices=Side.choices)
    setup_type = models.CharField(max_length=20, choices=SetupType.choices)
    confidence = models.FloatField(null=True, blank=True)
    urgency = models.CharField(max_length=10, choices=Urgency.choices, blank=True)
    entry_type = models.CharField(max_length=10, choices=EntryType.choices, blank=True)
    max_wait_minutes = models.PositiveIntegerField(null=True, blank=True)
    underlying = models.CharField(max_length=16, blank=True)
    expiration = models.DateField(null=True, blank=True)
    right = models.CharField(max_length=1, choices=Right.choices, blank=True)
    strike = price_field(null=True, blank=True)
    option_symbol = models.CharField(max_length=40, blank=True)
    bid = price_field(null=True, blank=True)
    ask = price_field(null=True, blank=True)
    bid_size = models.PositiveIntegerField(null=True, blank=True)
    ask_size = models.PositiveIntegerField(null=True, blank=True)
    quote_at = models.DateTimeField(null=True, blank=True)
    quote_source = models.CharField(max_length=20, blank=True)
    limit_price = price_field(null=True, blank=True)
    quantity = models.PositiveIntegerField(default=0)
    risk_budget = money_field(null=True, blank=True)
    explanation = models.JSONField(
        default=dict, help_text="Rules hit, multipliers, scores and what each filter removed."
    )

    class Meta:
        db_table = "decision_recommendations"
        indexes = [
            models.Index(fields=["created_at"], condition=Q(outcome="approved"), name="recommendations_approved"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["decision", "engine"], name="decision_recommendations_once"),
            one_of("decision_recommendations_outcome", "outcome", DecisionOutcome.values),
            models.CheckConstraint(
                condition=Q(outcome="approved", quantity__gt=0, strike__isnull=False, expiration__isnull=False)
                | (~Q(outcome="approved") & Q(quantity=0) & ~Q(code="")),
                name="decision_recommendations_approved_is_whole",
            ),
            bounded("decision_recommendations_prices", strike=None, bid=None, ask=None, limit_price=None),
        ]

    def __str__(self) -> str:
        return f"engine {self.engine} {self.outcome} {self.option_symbol}".rstrip()


class ConfigVersion(models.Model):
    """The settings that decided, once per set of values; each decision names its version."""

    version = models.CharField(max_length=12, primary_key=True)
    first_used_at = models.DateTimeField()
    values = models.JSONField()

    class Meta:
        db_table = "config_versions"
        indexes = [models.Index(fields=["-first_used_at"], name="config_versions_newest")]

    def __str__(self) -> str:
        return self.version


class Approval(MutableRow):
    """A decision that passed everything and waits for a person. Its own round never trades; approving decides again."""

    decision = models.OneToOneField(DecisionRound, on_delete=models.PROTECT, related_name="approval")
    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="approvals")
    status = models.CharField(max_length=10, choices=ApprovalStatus.choices)
    lapses_at = models.DateTimeField(help_text="Until then a person may approve or reject it.")
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.CharField(max_length=150, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        db_table = "approvals"
        indexes = [
            models.Index(fields=["lapses_at"], condition=Q(status="awaiting"), name="approvals_awaiting"),
            models.Index(fields=["-created_at"], name="approvals_newest"),
        ]
        constraints = [
            one_of("approvals_status", "status", ApprovalStatus.values),
            models.UniqueConstraint(
                fields=["signal"], condition=Q(status="awaiting"), name="approvals_one_awaiting_per_signal"
            ),
            models.CheckConstraint(
                condition=Q(status="awaiting", decided_at__isnull=True)
                | (~Q(status="awaiting") & Q(decided_at__isnull=False)),
                name="approvals_decided_or_awaiting",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.signal} {self.status}"


class DrawdownFreeze(Row):
    """A pause of new entries that a day's loss made; it ends by itself."""

    until_at = models.DateTimeField()
    drawdown_percent = models.DecimalField(max_digits=7, decimal_places=2)

    class Meta:
        db_table = "drawdown_freezes"
        indexes = [models.Index(fields=["-until_at"], name="drawdown_freezes_newest")]

    def __str__(self) -> str:
        return f"{self.drawdown_percent} % until {self.until_at:%H:%M} UTC"


@pghistory.track()
class RiskLimit(MutableRow):
    """The limits on new risk. An empty field means the documented default; an absent row means all defaults."""

    name = models.CharField(max_length=50)
    is_enabled = models.BooleanField(default=True)
    max_open_positions = models.PositiveIntegerField(null=True, blank=True, help_text="Default 5.")
    max_positions_per_symbol = models.PositiveIntegerField(null=True, blank=True, help_text="Default 2.")
    max_daily_loss = money_field(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="Dollars. Default 1000."
    )
    max_daily_trades = models.PositiveIntegerField(null=True, blank=True, help_text="Entries a day. Default: off.")
    max_exposure = money_field(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="Dollars. Default 20000."
    )
    max_exposure_percent = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Of equity. Default 20.",
    )
    max_open_risk_percent = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Premium at stop, of equity. Default 6.",
    )
    max_drawdown_percent = models.DecimalField(
        max_digits=5,
        decimal_places=2,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text="Lost today, of the day's first equity; pauses entries for 30 minutes. Default 3.",
    )
    max_dollar_delta = money_field(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="Of the underlyings. Default 500000."
    )
    max_dollar_gamma = money_field(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="Of delta per 1 % move. Default 100000."
    )
    max_dollar_vega = money_field(
        null=True, blank=True, validators=[MinValueValidator(0)], help_text="Per volatility point. Default 2000."
    )

    class Meta:
        db_table = "risk_limits"
        constraints = [
            models.UniqueConstraint(fields=["name"], name="risk_limits_name"),
            models.UniqueConstraint(
                fields=["is_enabled"], condition=Q(is_enabled=True), name="risk_limits_one_enabled"
            ),
            bounded("risk_limits_money_bounds", maximum=10**12, max_daily_loss=None, max_exposure=None),
            bounded(
                "risk_limits_greeks_bounds",
                maximum=10**12,
                max_dollar_delta=None,
                max_dollar_gamma=None,
                max_dollar_vega=None,
            ),
            bounded(
                "risk_limits_percent_bounds",
                maximum=101,
                max_exposure_percent=None,
                max_open_risk_percent=None,
                max_drawdown_percent=None,
            ),
        ]

    def __str__(self) -> str:
        return self.name
