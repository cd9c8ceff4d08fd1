"""What an engine makes of the inputs, before contract and size."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from experiments.enums import Adjustment, EntryType, GateCode, GateOutcome, RuleOutcome, Urgency


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One rule of the entry tiers: what it saw, and whether it fired, passed or had nothing to judge."""

    tier: int
    rule: GateCode
    outcome: RuleOutcome
    value: str = ""
    threshold: str = ""
    message: str = ""


@dataclass(frozen=True, slots=True)
class AdjustmentFinding:
    """One rule of tier 4: what it saw, by how much it multiplies the size and how many steps it lowers the urgency."""

    rule: Adjustment
    outcome: RuleOutcome
    factor: Decimal
    urgency_steps: int
    value: str = ""
    threshold: str = ""
    message: str = ""
    tier: int = 4


@dataclass(frozen=True, slots=True)
class EntryPlan:
    """How to enter. `confirmation_required` informs a person; a limit rests for `max_wait_minutes`."""

    entry_type: EntryType
    urgency: Urgency
    max_wait_minutes: int
    confirmation_required: bool


@dataclass(frozen=True, slots=True)
class Opinion:
    """Enter (`code` is None), wait (DEFER) or no (REFUSE); `confidence` is 0–100, None when none was reached."""

    outcome: GateOutcome
    code: GateCode | None
    message: str
    value: str
    threshold: str
    confidence: float | None
    plan: EntryPlan | None
    findings: tuple[RuleFinding, ...]
    details: Mapping[str, Any] = field(default_factory=dict)
