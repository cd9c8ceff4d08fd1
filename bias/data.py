"""The bias of a symbol as frozen values, read back from the stored JSON by `model_validate`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from bias.enums import Bias, BiasOrigin, GammaEnvironment, GammaMagnitude, MacroClass, Regime
from bias.resolver import gamma_score, resolved_score
from signals.bias_v1 import LevelsV1
from signals.bias_v3 import IntentWord, Invalidation, Levels, Liquidity, Space, Trigger
from signals.payload_types import Fraction, Percent, Volatility


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Transitions(_Frozen):
    """What changed between the previous state and this one."""

    bias_flip: bool = False
    regime_flip: bool = False
    macro_flip: bool = False
    intent_change: bool = False
    liquidity_event: bool = False
    expansion_event: bool = False
    compression_event: bool = False


class Acceleration(_Frozen):
    """How fast it changed: `state_strength_delta` in score points, the others in confidence (0..1) points."""

    state_strength_delta: float = 0.0
    intent_momentum_delta: float = 0.0
    macro_drift_score: float = 0.0


class SideEffect(_Frozen):
    """What the state means for trades of one side. `notes` names each rule that applied, in order."""

    suppressed: bool
    confidence: Fraction
    risk_multiplier: float
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GatingView:
    """What the gating reads of a state, for either side; the rooms and the intent are empty where not known."""

    confidence: float
    macro_class: MacroClass | None
    intent_type: str
    room_to_resistance: str
    room_to_support: str
    reclaim: bool
    regime_transition: bool
    chop: float


class Effective(_Frozen):
    long: SideEffect
    short: SideEffect


class BiasReading(_Frozen):
    """What an event says by itself. Scores are -100..100 (`bias_score`) or 0..100, confidences 0..1.

    None, or the empty text, is what the sender's version of the event does not know.
    """

    bias: Bias
    bias_score: float
    confidence: Fraction
    alignment: Percent
    conflict: Percent
    regime_type: Regime
    chop: Percent
    adx_15m: float | None
    atr_state_15m: Volatility | None
    macro_class: MacroClass | None
    macro_confidence: Fraction | None
    macro_support_1: float | None
    macro_resistance_1: float | None
    macro_measured_move_target: float | None
    intent_type: IntentWord | None
    intent_confidence: Fraction | None
    regime_transition: bool
    trend_phase: str
    levels: Annotated[Levels | LevelsV1, Field(union_mode="left_to_right")]
    trigger: Trigger | None
    liquidity: Liquidity | None
    space: Space | None
    invalidation: Invalidation
    entry_mode_hint: str


class GammaReading(_Frozen):
    """Dealers' gamma as the newest gamma context told it: exposures in dollars per percent move, levels in dollars."""

    environment: GammaEnvironment
    magnitude: GammaMagnitude
    net_gex: float
    total_gex: float
    flip_level: float | None
    distance_to_flip: float | None
    call_wall: float | None
    put_wall: float | None
    volatility_bias: str
    as_of_at: datetime


class BiasState(BiasReading):
    """The whole state: the newest reading, whose it is, what it changed and what it means for each side.

    `gamma` is merged in when a state is read; a stored one has none.
    """

    symbol: str
    event_at: datetime
    event_type: str
    sender_event_hash: str
    source: str
    chart_tf: str
    session: str
    transitions: Transitions
    acceleration: Acceleration
    effective: Effective
    origin: BiasOrigin = BiasOrigin.WEBHOOK
    gamma: GammaReading | None = None

    @property
    def gamma_score(self) -> float:
        """What gamma adds to the bias, against its side or towards it, −70 to 70; 0 without gamma."""
        return gamma_score(self.bias_score, self._environment)

    @property
    def resolved_score(self) -> float:
        """The bias score with the gamma's in it, −100 to 100; without gamma the bias score itself."""
        return resolved_score(self.bias_score, self._environment)

    @property
    def _environment(self) -> GammaEnvironment | None:
        return None if self.gamma is None else self.gamma.environment


class Staleness(_Frozen):
    """How old a state is, and whether that is too old."""

    is_stale: bool
    age_minutes: float
    threshold_minutes: float
