"""Worlds to decide in: inputs that pass every gate for either side, and what turns them into their mirror image.

`AT` is a Tuesday, 11:00 in New York. The underlying trades at 500; every frame trends the signal's way.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from bias.enums import Bias, MacroClass, Regime
from experiments.config import DecisionConfig, Limits
from experiments.data import Candidate, DecisionInputs, MarketSnapshot, SessionFacts, SignalFacts
from experiments.facts import (
    BiasFacts,
    ContextFacts,
    CorrelationFacts,
    Exposure,
    FlowFacts,
    GammaFacts,
    OpeningRange,
    SymbolRisk,
    VolatilityFacts,
)
from experiments.freeze import inputs_build
from experiments.policy import execution_mode
from optionsengine.core.enums import Engine, Side
from optionsengine.core.values import OptionContract, right_for
from optionsengine.market import calendar
from optionsengine.market.analysis_enums import GexState
from optionsengine.market.data import OptionChain, OptionQuote, Quote
from optionsengine.market.features import FrameFeatures
from optionsengine.ops.enums import TradingStatus

AT = datetime(2026, 2, 17, 16, 0, tzinfo=UTC)
SPOT = Decimal(500)
SOON = date(2026, 2, 27)  # 10 days: a scalp's
LATER = date(2026, 3, 20)  # 31 days: a swing's
NEXT_OPEN = datetime(2026, 2, 18, 14, 30, tzinfo=UTC)
TIMEFRAMES = ("5m", "15m", "1h", "4h", "1d")
LIMITS = Limits()
CONFIG = DecisionConfig(
    require_bias=True,
    signal_max_age_seconds=1800,
    risk_per_trade_percent=Decimal(1),
    risk_per_trade_max_percent=Decimal(2),
    max_contracts_per_trade=10,
    quote_max_age_seconds=120,
)
STOPS = {Engine.A: Decimal(50), Engine.B: Decimal(50)}
EXPOSURE = Exposure(
    equity=Decimal(100000),
    open_positions=0,
    symbol_positions=0,
    daily_pnl=Decimal(0),
    daily_trades=0,
    exposure=Decimal(0),
    open_risk=Decimal(0),
)
SESSION = SessionFacts(is_open=True, next_open_at=NEXT_OPEN, minutes_from_open=90, minutes_to_close=300)
CLOSED = SessionFacts(is_open=False, next_open_at=NEXT_OPEN, minutes_from_open=None, minutes_to_close=None)


def signal_facts(side: Side = Side.LONG, **values: Any) -> SignalFacts:
    defaults: dict[str, Any] = {
        "id": UUID(int=1),
        "symbol": "SPY",
        "side": side,
        "timeframe": "5m",
        "bar_end_at": AT - timedelta(seconds=30),
        "confidence": 82.0,
        "price": SPOT,
        "strike": None,
        "expiration": None,
        "quantity": None,
        "pattern": "ORB breakout",
        "is_test": False,
        "signal_hash": "ab" * 32,
    }
    return SignalFacts(**(defaults | values))


def bias(side: Side = Side.LONG, **values: Any) -> BiasFacts:
    """A fresh, trending state on the side's side, with room on its way."""
    up = side == Side.LONG
    sign = 1.0 if up else -1.0
    defaults: dict[str, Any] = {
        "bias": Bias.BULLISH if up else Bias.BEARISH,
        "bias_score": 60.0 * sign,
        "confidence": 0.7,
        "alignment_score": 70.0,
        "conflict_score": 10.0,
        "chop_score": 20.0,
        "regime_type": Regime.TREND,
        "macro_class": MacroClass.TREND_UP if up else MacroClass.TREND_DOWN,
        "macro_confidence": 0.6,
        "intent_type": "PULLBACK",
        "intent_confidence": 0.6,
        "trend_phase": "MID",
        "atr_state": "NORMAL",
        "entry_mode_hint": "PULLBACK",
        "regime_transition": False,
        "room_to_resistance": "HIGH" if up else "MEDIUM",
        "room_to_support": "MEDIUM" if up else "HIGH",
        "sweep_high": False,
        "sweep_low": False,
        "reclaim": False,
        "is_triggered": True,
        "strength_delta": 0.0,
        "intent_delta": 0.0,
        "macro_drift": 0.0,
        "macro_flip": False,
        "gamma_score": 0.0,
        "resolved_score": 60.0 * sign,
        "is_stale": False,
        "age_minutes": 2.0,
        "event_at": AT - timedelta(minutes=2),
        "event_type": "BIAS_SNAPSHOT",
        "source": "MTF_BIAS_ENGINE_V3",
    }
    return BiasFacts(**(defaults | values))


def against(side: Side = Side.LONG, **values: Any) -> BiasFacts:
    """A state on the side's side whose macro class suppresses it."""
    return bias(side, **({"macro_class": MacroClass.TREND_DOWN if side == Side.LONG else MacroClass.TREND_UP} | values))


def gamma(**values: Any) -> GammaFacts:
    """Dealers short of gamma, moderately: a market that follows a move; walls 20 dollars either way."""
    defaults: dict[str, Any] = {
        "net_gex": -5e8,
        "state": GexState.NEGATIVE_LOW,
        "zero_gamma": None,
        "call_wall": SPOT + 20,
        "put_wall": SPOT - 20,
        "volatility_bias": "",
        "source": "chain",
        "at": AT - timedelta(seconds=30),
    }
    return GammaFacts(**(defaults | values))


def flow(side: Side = Side.LONG, **values: Any) -> FlowFacts:
    """Prints that lean the side's way."""
    more, less = Decimal(900000), Decimal(300000)
    up = side == Side.LONG
    defaults: dict[str, Any] = {
        "prints": 40,
        "call_premium": more if up else less,
        "put_premium": less if up else more,
        "call_volume": Decimal(5000) if up else Decimal(2000),
        "put_volume": Decimal(2000) if up else Decimal(5000),
        "premium_side": side,
        "volume_side": side,
        "sentiment_side": side,
        "strength": 74.191759,
        "newest_at": AT - timedelta(seconds=20),
    }
    return FlowFacts(**(defaults | values))


def volatility(**values: Any) -> VolatilityFacts:
    """An ordinary smile: middling percentile, no lean."""
    defaults: dict[str, Any] = {
        "atm_iv": 0.2,
        "iv_percentile": 50.0,
        "iv_rank": 50.0,
        "realized": 0.2,
        "skew": 0.0,
        "term": 0.0,
    }
    return VolatilityFacts(**(defaults | values))


def context(**values: Any) -> ContextFacts:
    defaults: dict[str, Any] = {
        "observed_at": AT - timedelta(minutes=1),
        "vix": 16.0,
        "vix_regime": "NORMAL",
        "vix_trend": "FALLING",
        "market_bias": "MIXED",
    }
    return ContextFacts(**(defaults | values))


def opening_range(**values: Any) -> OpeningRange:
    return OpeningRange(**({"high": 498.0, "low": 494.0, "minutes": 30} | values))


def correlation(**values: Any) -> CorrelationFacts:
    return CorrelationFacts(**({"pairs": {}, "beta": 1.0} | values))


def exposure(**values: Any) -> Exposure:
    """An empty book of 100,000 dollars."""
    return replace(EXPOSURE, **values)


def frame(side: Side = Side.LONG, timeframe: str = "5m", **values: Any) -> FrameFeatures:
    """A frame that trends the side's way, strongly; the close is 500."""
    up = FrameFeatures(
        timeframe=timeframe,
        bars=200,
        at=AT - timedelta(minutes=5),
        close=500.0,
        ema8=498.0,
        ema21=496.0,
        ema48=492.0,
        ema21_seeded=496.0,
        rsi=62.0,
        macd_hist=0.5,
        macd_hist_prev=0.25,
        vwap=497.0,
        volume_ratio=1.25,
        bb_position=0.75,
        bb_width_percentile=50.0,
        adx=35.0,
        plus_di=30.0,
        minus_di=10.0,
        atr=1.5,
        atr_percentile=60.0,
        highs=(498.0, 499.0, 501.0),
        lows=(495.0, 496.0, 498.0),
    )
    return replace(up if side == Side.LONG else mirrored_frame(up), **values)


def mirrored_frame(seen: FrameFeatures) -> FrameFeatures:
    """Reflect every price about the close, which is the same to the agents as turning the chart upside down."""
    close = seen.close

    def turned(price: float | None) -> float | None:
        return None if price is None or close is None else 2 * close - price

    return replace(
        seen,
        ema8=turned(seen.ema8),
        ema21=turned(seen.ema21),
        ema48=turned(seen.ema48),
        ema21_seeded=turned(seen.ema21_seeded),
        vwap=turned(seen.vwap),
        rsi=None if seen.rsi is None else 100 - seen.rsi,
        macd_hist=None if seen.macd_hist is None else -seen.macd_hist,
        macd_hist_prev=None if seen.macd_hist_prev is None else -seen.macd_hist_prev,
        bb_position=None if seen.bb_position is None else 1 - seen.bb_position,
        plus_di=seen.minus_di,
        minus_di=seen.plus_di,
        highs=tuple(turned(price) for price in seen.lows),
        lows=tuple(turned(price) for price in seen.highs),
        squeeze_momentum=_negated(seen.squeeze_momentum),
    )


def option(
    side: Side = Side.LONG, *, beyond: float = 5, expiration: date = SOON, delta: float | None = 0.5, **values: Any
) -> OptionQuote:
    """An option whose strike lies `beyond` dollars past spot (negative: in the money), with a good quote."""
    direction = 1 if side == Side.LONG else -1
    defaults: dict[str, Any] = {
        "contract": OptionContract("SPY", expiration, right_for(side), SPOT + direction * Decimal(str(beyond))),
        "bid": Decimal("2.35"),
        "ask": Decimal("2.45"),
        "bid_size": 20,
        "ask_size": 25,
        "iv": 0.2,
        "delta": None if delta is None else direction * delta,
        "gamma": 0.015,
        "theta": -0.1,
        "vega": 0.3,
        "open_interest": 4000,
        "volume": 1500,
        "at": AT - timedelta(seconds=5),
        "source": "simulated",
    }
    return OptionQuote(**(defaults | values))


def chain(side: Side = Side.LONG, quotes: tuple[OptionQuote, ...] | None = None) -> OptionChain:
    """A chain with contracts for scalps and swings."""
    if quotes is None:
        quotes = (
            *(option(side, beyond=each, delta=0.6 - each / 50) for each in (0, 1, 2, 3, 5, 8)),
            *(option(side, beyond=each, expiration=LATER, delta=0.45 - each / 100) for each in (5, 8, 10, 12, 15, 20)),
        )
    return OptionChain("SPY", SPOT, quotes, AT, "simulated")


def quote(**values: Any) -> Quote:
    defaults: dict[str, Any] = {
        "symbol": "SPY",
        "bid": Decimal("499.99"),
        "ask": Decimal("500.01"),
        "at": AT - timedelta(seconds=2),
        "source": "simulated",
        "last": SPOT,
    }
    return Quote(**(defaults | values))


def market(side: Side = Side.LONG, **values: Any) -> MarketSnapshot:
    defaults: dict[str, Any] = {
        "quote": quote(),
        "frames": {name: frame(side, name) for name in TIMEFRAMES},
        "chain": chain(side),
        "problem": "",
    }
    return MarketSnapshot(**(defaults | values))


def world(side: Side = Side.LONG, *, signal: dict[str, Any] | None = None, **values: Any) -> DecisionInputs:
    """Frozen inputs that both engines approve; `signal` and the keywords of `inputs_build` change them."""
    at = values.pop("at", AT)
    defaults: dict[str, Any] = {
        "variant": Engine.A,
        "trading_status": TradingStatus.ACTIVE,
        "session": SESSION,
        "market": market(side),
        "bias": bias(side),
        "context": None,
        "exposure": EXPOSURE,
        "limits": LIMITS,
        "stop_loss_percent": STOPS,
        "config": CONFIG,
    }
    chosen = defaults | values
    chosen.setdefault("execution_mode", execution_mode("PAPER", chosen["variant"]))
    return inputs_build(signal=signal_facts(side, **(signal or {})), at=at, **chosen)


def candidate(**values: Any) -> Candidate:
    """A scalp's candidate that passes every filter."""
    defaults: dict[str, Any] = {
        "expiration": SOON,
        "strike": Decimal(505),
        "bid": Decimal("2.35"),
        "ask": Decimal("2.45"),
        "bid_size": 20,
        "ask_size": 25,
        "iv": 0.2,
        "delta": 0.5,
        "gamma": 0.015,
        "theta": -0.1,
        "vega": 0.3,
        "open_interest": 4000,
        "volume": 1500,
        "dte": round(calendar.dte(values.get("expiration", SOON), AT), 4),
        "at": AT - timedelta(seconds=5),
    }
    return Candidate(**(defaults | values))


_TURNED_BIAS = {Bias.BULLISH: Bias.BEARISH, Bias.BEARISH: Bias.BULLISH, Bias.NEUTRAL: Bias.NEUTRAL}
_TURNED_MACRO = {MacroClass.TREND_UP: MacroClass.TREND_DOWN, MacroClass.TREND_DOWN: MacroClass.TREND_UP}
_TURNED_WORD = {"BULLISH": "BEARISH", "BEARISH": "BULLISH"}


def _reflected(price: Any) -> Any:
    if price is None:
        return None
    return 2 * SPOT - price if isinstance(price, Decimal) else 2 * float(SPOT) - price


def _negated(number: Any) -> Any:
    return None if number is None else -number


def _other(side: Side | None) -> Side | None:
    return None if side is None else side.opposite


def mirrored_bias(state: BiasFacts) -> BiasFacts:
    """The state upside down; a confirmed macro breakdown has no mirror image and stays."""
    return replace(
        state,
        bias=_TURNED_BIAS[state.bias],
        bias_score=-state.bias_score,
        gamma_score=-state.gamma_score,
        resolved_score=-state.resolved_score,
        strength_delta=-state.strength_delta,
        macro_class=_TURNED_MACRO.get(state.macro_class, state.macro_class),
        room_to_resistance=state.room_to_support,
        room_to_support=state.room_to_resistance,
        sweep_high=state.sweep_low,
        sweep_low=state.sweep_high,
    )


def mirrored_exposure(book: Exposure) -> Exposure:
    return replace(
        book,
        by_side={side.opposite: count for side, count in book.by_side.items()},
        symbol_by_side={side.opposite: count for side, count in book.symbol_by_side.items()},
        symbols=tuple(
            SymbolRisk(each.symbol, each.side.opposite, each.positions, -each.dollar_delta) for each in book.symbols
        ),
        dollar_delta=-book.dollar_delta,
    )


def mirrored(inputs: DecisionInputs) -> DecisionInputs:
    """The same world upside down: the other side, every price reflected about spot, every lean reversed.

    Dealers' gamma is no lean: its size and sign stay, its levels are reflected and its walls change places.
    """
    candidates = [
        replace(each, strike=2 * SPOT - each.strike, delta=_negated(each.delta)) for each in inputs.candidates
    ]
    dealers, prints, smile, news, first = (
        inputs.gamma,
        inputs.flow,
        inputs.volatility,
        inputs.context,
        inputs.opening_range,
    )
    return replace(
        inputs,
        signal=replace(inputs.signal, side=inputs.signal.side.opposite, strike=_reflected(inputs.signal.strike)),
        frames={name: mirrored_frame(seen) for name, seen in inputs.frames.items()},
        candidates=tuple(sorted(candidates, key=lambda each: (each.expiration, each.strike))),
        bias=None if inputs.bias is None else mirrored_bias(inputs.bias),
        context=None
        if news is None
        else replace(news, market_bias=_TURNED_WORD.get(news.market_bias, news.market_bias)),
        gamma=None
        if dealers is None
        else replace(
            dealers,
            zero_gamma=_reflected(dealers.zero_gamma),
            call_wall=_reflected(dealers.put_wall),
            put_wall=_reflected(dealers.call_wall),
        ),
        flow=None
        if prints is None
        else replace(
            prints,
            call_premium=prints.put_premium,
            put_premium=prints.call_premium,
            call_volume=prints.put_volume,
            put_volume=prints.call_volume,
            premium_side=_other(prints.premium_side),
            volume_side=_other(prints.volume_side),
            sentiment_side=_other(prints.sentiment_side),
        ),
        volatility=None if smile is None else replace(smile, skew=_negated(smile.skew), term=_negated(smile.term)),
        opening_range=None if first is None else replace(first, high=_reflected(first.low), low=_reflected(first.high)),
        exposure=mirrored_exposure(inputs.exposure),
    )
