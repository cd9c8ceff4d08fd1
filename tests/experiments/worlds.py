"""Worlds to decide in: inputs that pass every gate for either side, and what turns them into their mirror image.

`AT` is a Tuesday, 11:00 in New York. The underlying trades at 500; every frame trends the signal's way.
"""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from bias.enums import Bias, Regime
from experiments.data import (
    BiasFacts,
    Candidate,
    DecisionConfig,
    DecisionInputs,
    Exposure,
    Limits,
    MarketSnapshot,
    SessionFacts,
    SignalFacts,
)
from experiments.freeze import inputs_build
from experiments.policy import execution_mode
from optionsengine.core.enums import Engine, Side
from optionsengine.core.values import OptionContract, right_for
from optionsengine.market import calendar
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
    """A fresh, trending state on the side's side."""
    up = side == Side.LONG
    defaults: dict[str, Any] = {
        "bias": Bias.BULLISH if up else Bias.BEARISH,
        "bias_score": 60.0 if up else -60.0,
        "confidence": 0.7,
        "alignment_score": 70.0,
        "regime_type": Regime.TREND,
        "macro_class": "MACRO_TREND_UP" if up else "MACRO_TREND_DOWN",
        "intent_type": "CONTINUATION",
        "trend_phase": "MID",
        "atr_state": "NORMAL",
        "entry_mode_hint": "PULLBACK",
        "chop_score": 20.0,
        "suppressed": False,
        "risk_multiplier": Decimal("1.0000"),
        "is_stale": False,
        "age_minutes": 2.0,
        "notes": (),
        "event_at": AT - timedelta(minutes=2),
    }
    return BiasFacts(**(defaults | values))


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
        "context": {},
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


def mirrored(inputs: DecisionInputs) -> DecisionInputs:
    """The same world upside down: the other side, every price reflected, the bias reversed."""
    state = inputs.bias
    turned_bias = None
    if state is not None:
        flip = {Bias.BULLISH: Bias.BEARISH, Bias.BEARISH: Bias.BULLISH, Bias.NEUTRAL: Bias.NEUTRAL}
        turned_bias = replace(state, bias=flip[state.bias], bias_score=-state.bias_score)
    candidates = [replace(each, strike=2 * SPOT - each.strike, delta=-each.delta) for each in inputs.candidates]
    strike = inputs.signal.strike
    return replace(
        inputs,
        signal=replace(
            inputs.signal, side=inputs.signal.side.opposite, strike=None if strike is None else 2 * SPOT - strike
        ),
        frames={name: mirrored_frame(seen) for name, seen in inputs.frames.items()},
        candidates=tuple(sorted(candidates, key=lambda each: (each.expiration, each.strike))),
        bias=turned_bias,
    )
