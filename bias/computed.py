"""The bias state that bars tell where no sender does. Pure.

Consensus, regime, chop, ADX, the state of the ATR, the average price of the session, swings, room and trend phase are
those of the bars (see `optionsengine.market.mtf`). What bars do not tell is unknown: intent, trigger, sweeps, the
opening range, an invalidation, an entry mode, the macro levels and how sure the macro class is.

The macro class is read off the daily frame, and only where daily and four-hour bars leave no doubt: a trend where the
daily bars lean to a side, their swings step that way and the four-hour bars do not lean against it; a range where the
daily bars lean to neither side and their swings step neither way. Anything else is unknown, not a reversal or a
breakdown: those are a person's or a sender's word.
"""

from datetime import datetime, timedelta

from bias.config import BiasConfig
from bias.data import BiasReading, BiasState
from bias.enums import Bias, BiasOrigin, MacroClass, Regime
from bias.rules import acceleration_of, effective_of, gating_view, transitions_of
from optionsengine.market import calendar
from optionsengine.market.analysis_enums import FrameBias, Structure
from optionsengine.market.data import Timeframe
from optionsengine.market.mtf import MtfReading
from signals.bias_v3 import Invalidation, Levels, OpeningRange, Space
from signals.timeframe import timeframe_end, timeframe_seconds

SOURCE = "COMPUTED"
EVENT_TYPE = "BIAS_SNAPSHOT"
PREVIOUS_BARS = 3  # bias.computed.previous_bars
_NO_OPENING_RANGE = OpeningRange(enabled=False, window_min=0.0, high=None, low=None, mid=None, state="NA", age_min=None)
_TRENDS = {
    (FrameBias.BULLISH, Structure.HH_HL): (MacroClass.TREND_UP, FrameBias.BEARISH),
    (FrameBias.BEARISH, Structure.LH_LL): (MacroClass.TREND_DOWN, FrameBias.BULLISH),
}


def macro_class_of(reading: MtfReading) -> MacroClass | None:
    """Return the macro class where daily and four-hour bars leave no doubt of it, else None."""
    frames = {frame.timeframe: frame for frame in reading.frames}
    daily, hours = frames.get("1d"), frames.get("4h")
    if daily is None:
        return None
    if (daily.bias, daily.structure) == (FrameBias.NEUTRAL, Structure.RANGE):
        return MacroClass.RANGE
    trend, against = _TRENDS.get((daily.bias, daily.structure), (None, None))
    return None if hours is not None and hours.bias is against else trend


def bar_end(opened_at: datetime, timeframe: Timeframe) -> datetime:
    """Return when a bar ended; the close of its session cuts the last one of a day."""
    end = timeframe_end(opened_at, timeframe)
    day = calendar.session_of(opened_at)
    return end if day is None else min(end, calendar.session_bounds(day)[1])


def reading_event_at(reading: MtfReading) -> datetime:
    """Return what a computed state's age counts from: the end of the last bar of the shortest frame."""
    return bar_end(reading.at, reading.frames[0].timeframe)


def _reading_of(reading: MtfReading) -> BiasReading:
    consensus, regime, blocks = reading.consensus, reading.regime, reading.blocks()
    return BiasReading(
        bias=Bias(consensus.bias_consensus.value),
        bias_score=consensus.bias_score,
        confidence=consensus.confidence_score,
        alignment=consensus.alignment_score,
        conflict=consensus.conflict_score,
        regime_type=Regime(regime.type.value),
        chop=regime.chop_score,
        adx_15m=regime.adx_15m,
        atr_state_15m=None if regime.atr_state_15m is None else regime.atr_state_15m.value,
        macro_class=macro_class_of(reading),
        macro_confidence=None,
        macro_support_1=None,
        macro_resistance_1=None,
        macro_measured_move_target=None,
        intent_type=None,
        intent_confidence=None,
        regime_transition=False,
        trend_phase="" if reading.trend_phase is None else reading.trend_phase.value,
        levels=Levels.model_validate(blocks["levels"] | {"orb": _NO_OPENING_RANGE}),
        trigger=None,
        liquidity=None,
        space=Space.model_validate(blocks["space"]),
        invalidation=Invalidation(level=None, method="NA"),
        entry_mode_hint="",
    )


def state_computed(
    *, symbol: str, reading: MtfReading, previous: BiasState | None, at: datetime, config: BiasConfig
) -> BiasState:
    """Return the state that the bars of `reading` make of `symbol`, its changes counted from the computed `previous`.

    Its time is the end of the last bar of the shortest frame, never later than `at`. A `previous` state that is more
    than three of those bars older counts as none: no state is made while no decision asks, so that it may be of another
    day, and what differs since is no acceleration.
    """
    made, chart_tf = _reading_of(reading), reading.frames[0].timeframe
    event_at = min(reading_event_at(reading), at)
    longest = timedelta(seconds=PREVIOUS_BARS * timeframe_seconds(chart_tf))
    if previous is not None and event_at - previous.event_at > longest:
        previous = None
    transitions = transitions_of(made, previous)
    return BiasState(
        **{name: getattr(made, name) for name in BiasReading.model_fields},
        symbol=symbol,
        event_at=event_at,
        event_type=EVENT_TYPE,
        sender_event_hash="",
        source=SOURCE,
        chart_tf=chart_tf,
        session="",
        transitions=transitions,
        acceleration=acceleration_of(made, previous, macro_flip=transitions.macro_flip),
        effective=effective_of(gating_view(made), config.gating),
        origin=BiasOrigin.COMPUTED,
    )
