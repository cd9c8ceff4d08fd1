"""Worlds by chance, from a seed: every fact varied, each trouble a gate or an engine may find in its turn."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

from bias.config import BiasConfig, GatingConfig, RiskConfig, StaleBehavior, StalenessConfig
from bias.enums import Bias, MacroClass, Regime
from experiments.facts import SymbolRisk
from optionsengine.core.enums import Engine, Side
from optionsengine.market.analysis_enums import GexState
from optionsengine.ops.enums import TradingStatus
from tests.experiments import worlds
from tests.experiments.worlds import AT, CLOSED, CONFIG, LATER, LIMITS, SESSION, SOON, SPOT

TIMEFRAMES = ("1m", "5m", "15m", "1h", "4h", "1d", "1w", "1M")
WORDS = ("LOW", "MEDIUM", "HIGH", "")


def _signal(rng):
    return {
        "timeframe": rng.choice(("5m", "5m", "5m", *TIMEFRAMES)),
        "bar_end_at": AT - timedelta(seconds=rng.choice((0, 30, 600, 1799, 1800))),
        "confidence": rng.choice((None, 72.0, 82.0, 86.0, 95.0)),
        "quantity": rng.choice((None, None, 1, 3)),
        "strike": rng.choice((None, None, None, SPOT + 1)),
        "expiration": rng.choice((None, None, None, SOON, LATER)),
        "pattern": rng.choice(("ORB breakout", "pullback", "")),
        "is_test": rng.random() < 0.1,
        "is_confirmation_pending": False,
    }


def _bias(rng, side):
    return worlds.bias(
        side,
        confidence=round(rng.uniform(0.5, 1), 4),
        bias_score=round(rng.uniform(20, 100) * (1 if side == Side.LONG else -1), 4),
        alignment_score=round(rng.uniform(55, 95), 4),
        conflict_score=round(rng.uniform(0, 30), 4),
        chop_score=round(rng.uniform(0, 70), 4),
        macro_confidence=rng.choice((None, 0.6)),
        intent_type=rng.choice(("PULLBACK", "TREND_CONTINUATION", "BREAKOUT", "")),
        trend_phase=rng.choice(("EARLY", "MID", "LATE", "")),
        atr_state=rng.choice(("NORMAL", "EXPANDING", "COMPRESSED", "")),
        entry_mode_hint=rng.choice(("PULLBACK", "BREAKOUT", "")),
        regime_transition=rng.random() < 0.2,
        strength_delta=round(rng.uniform(-30, 30), 4),
        macro_drift=round(rng.uniform(0, 0.3), 4),
        reclaim=rng.choice((None, True, False)),
        is_triggered=rng.choice((None, True, True)),
        gamma_score=rng.choice((0.0, 40.0, -40.0)),
        age_minutes=round(rng.uniform(0, 9), 4),
    )


def _market(rng, side):
    frames = {name: worlds.frame(side, name) for name in worlds.TIMEFRAMES if rng.random() < 0.95}
    frames = {
        name: replace(
            seen,
            adx=round(rng.uniform(22, 45), 4),
            atr_percentile=round(rng.uniform(20, 80), 4),
            volume_ratio=round(rng.uniform(0.8, 2.5), 4),
            bb_width_percentile=round(rng.uniform(5, 95), 4),
            squeeze_on=rng.choice((None, True, False)),
            squeeze_on_before=rng.choice((None, True, False)),
            squeeze_momentum=rng.choice((None, 0.4, -0.4)),
        )
        for name, seen in frames.items()
    }
    quotes = tuple(
        worlds.option(
            side,
            beyond=beyond,
            expiration=expiration,
            delta=round(rng.uniform(0.2, 0.65), 4),
            bid=Decimal(rng.randint(180, 300)) / 100,
            ask=Decimal(rng.randint(302, 330)) / 100,
            open_interest=rng.choice((None, 300, 4000, 9000)),
            volume=rng.choice((100, 600, 1500)),
            gamma=round(rng.uniform(0.005, 0.06), 6),
            theta=-round(rng.uniform(0.02, 0.3), 4),
        )
        for expiration in (SOON, LATER)
        for beyond in rng.sample(range(-5, 25), 4)
    )
    sometimes = {
        "gamma": worlds.gamma(net_gex=rng.uniform(-1e9, 1e9), state=rng.choice(list(GexState))),
        "flow": worlds.flow(rng.choice((side, side, side.opposite)), strength=rng.uniform(50, 80)),
        "volatility": worlds.volatility(iv_percentile=round(rng.uniform(25, 80), 4), skew=rng.uniform(-5, 5)),
        "opening_range": worlds.opening_range(high=rng.uniform(497, 502)),
        "correlation": worlds.correlation(pairs={"QQQ": round(rng.uniform(-1, 1), 4)}, beta=rng.uniform(0.5, 2)),
    }
    known = {name: value for name, value in sometimes.items() if rng.random() < 0.7}
    good = worlds.chain(side) if rng.random() < 0.8 else worlds.chain(side, quotes)
    return worlds.market(side, frames=frames, chain=good, **known)


def _exposure(rng, side):
    return worlds.exposure(
        equity=Decimal(rng.choice((40000, 100000, 250000))),
        open_positions=rng.randint(0, 4),
        symbol_positions=rng.randint(0, 1),
        daily_pnl=Decimal(rng.randint(-600, 900)),
        daily_trades=rng.randint(0, 6),
        exposure=Decimal(rng.randint(0, 4000)),
        open_risk=Decimal(rng.randint(0, 1500)),
        by_side={side: rng.randint(0, 1)},
        expirations={LATER: rng.randint(0, 1)},
        symbols=(SymbolRisk("QQQ", side, 1, Decimal(rng.randint(-9000, 9000))),) if rng.random() < 0.3 else (),
        dollar_delta=Decimal(rng.randint(-90000, 90000)),
        dollar_vega=Decimal(rng.randint(-300, 300)),
    )


def random_config(rng):
    """A configuration near the defaults."""
    return replace(
        CONFIG,
        require_bias=rng.random() < 0.5,
        risk_per_trade_percent=Decimal(rng.choice(("0.5", "1", "1.5"))),
        max_contracts_per_trade=rng.choice((2, 5, 10)),
        has_setup_validator=rng.random() < 0.7,
        has_confluence_gate=rng.random() < 0.7,
        has_portfolio_guard=rng.random() < 0.8,
        max_vix=rng.choice((30.0, 50.0)),
        disabled_agents=rng.choice(((), (), ("ttm_specialist",), ("orb_specialist", "risk"))),
        bias=BiasConfig(
            GatingConfig(chop_limit=rng.choice((60.0, 75.0)), macro_multiplier=rng.choice((0.6, 0.8))),
            RiskConfig(macro_aligned=rng.choice((1.0, 1.15)), late_phase=rng.choice((0.5, 0.75))),
            StalenessConfig(behavior=rng.choice(list(StaleBehavior))),
        ),
    )


def _limits(rng):
    return replace(
        LIMITS,
        max_open_positions=rng.choice((5, 8)),
        max_daily_trades=rng.choice((None, 20)),
        max_exposure=Decimal(rng.choice((8000, 20000))),
        max_open_risk_percent=Decimal(rng.choice((4, 6))),
    )


# what may go wrong, one of them in each world but every fourth; a function of the keywords of `world` and of the side
TROUBLES = {
    "halted": lambda given, side: {"trading_status": TradingStatus.HALTED},
    "reducing": lambda given, side: {"trading_status": TradingStatus.REDUCING},
    "old": lambda given, side: {"signal": {**given["signal"], "bar_end_at": AT - timedelta(hours=30)}},
    "closed": lambda given, side: {"session": CLOSED},
    "opening": lambda given, side: {"session": replace(SESSION, minutes_from_open=5, minutes_to_close=385)},
    "lunch": lambda given, side: {"session": replace(SESSION, minutes_from_open=150, minutes_to_close=240)},
    "no market": lambda given, side: {"market": worlds.market(side, quote=None, chain=None, frames={}, problem="away")},
    "stale quote": lambda given, side: {
        "market": replace(given["market"], quote=worlds.quote(at=AT - timedelta(hours=1)))
    },
    "no chain": lambda given, side: {"market": replace(given["market"], chain=worlds.chain(side, ()))},
    "no frames": lambda given, side: {"market": replace(given["market"], frames={})},
    "frames against": lambda given, side: {
        "market": replace(
            given["market"], frames={name: worlds.frame(side.opposite, name) for name in worlds.TIMEFRAMES}
        )
    },
    "dear options": lambda given, side: {
        "market": replace(
            given["market"], chain=worlds.chain(side, (worlds.option(side, bid=Decimal(90), ask=Decimal(92)),))
        )
    },
    "illiquid": lambda given, side: {
        "market": replace(given["market"], chain=worlds.chain(side, (worlds.option(side, open_interest=10),)))
    },
    "iv": lambda given, side: {
        "market": replace(given["market"], volatility=worlds.volatility(iv_percentile=99.0, iv_rank=99.0))
    },
    "gamma against": lambda given, side: {
        "market": replace(
            given["market"],
            gamma=worlds.gamma(net_gex=9e8, state=GexState.POSITIVE_HIGH, call_wall=SPOT + 1, put_wall=SPOT - 1),
        )
    },
    "flow against": lambda given, side: {"market": replace(given["market"], flow=worlds.flow(side.opposite))},
    "positions": lambda given, side: {"exposure": replace(given["exposure"], open_positions=9)},
    "loss": lambda given, side: {"exposure": replace(given["exposure"], daily_pnl=Decimal(-1500))},
    "drawdown": lambda given, side: {"exposure": replace(given["exposure"], daily_pnl=Decimal(-4000))},
    "frozen": lambda given, side: {"exposure": replace(given["exposure"], frozen_until=AT + timedelta(minutes=10))},
    "crowded": lambda given, side: {
        "exposure": replace(given["exposure"], by_side={side: 4}, symbol_by_side={side: 2}, open_positions=4)
    },
    "greeks": lambda given, side: {"exposure": replace(given["exposure"], dollar_delta=Decimal(10**9))},
    "expiry": lambda given, side: {
        "exposure": replace(given["exposure"], expirations={SOON: 4, LATER: 4}, open_positions=4)
    },
    "exposed": lambda given, side: {"exposure": replace(given["exposure"], exposure=Decimal(19990))},
    "vix": lambda given, side: {"context": worlds.context(vix=70.0, vix_regime="EXTREME")},
    "context against": lambda given, side: {
        "context": worlds.context(market_bias="BEARISH" if side == Side.LONG else "BULLISH")
    },
    "no bias": lambda given, side: {"bias": None, "config": replace(given["config"], require_bias=True)},
    "bias unneeded": lambda given, side: {"bias": None, "config": replace(given["config"], require_bias=False)},
    "stale bias": lambda given, side: {"bias": replace(given["bias"], is_stale=True, age_minutes=300.0)},
    "bias against": lambda given, side: {
        "bias": worlds.bias(side.opposite, macro_class=MacroClass.RANGE, bias_score=-80.0)
    },
    "macro against": lambda given, side: {
        "bias": replace(given["bias"], macro_class=MacroClass.TREND_DOWN if side == Side.LONG else MacroClass.TREND_UP)
    },
    "chop": lambda given, side: {"bias": replace(given["bias"], chop_score=90.0)},
    "range": lambda given, side: {
        "bias": replace(given["bias"], regime_type=Regime.RANGE, bias=Bias.NEUTRAL, intent_type="BREAKOUT")
    },
    "no trade": lambda given, side: {"bias": replace(given["bias"], entry_mode_hint="NO_TRADE")},
    "no room": lambda given, side: {
        "bias": replace(given["bias"], room_to_resistance="LOW", room_to_support="LOW", entry_mode_hint="BREAKOUT")
    },
    "trap": lambda given, side: {
        "bias": replace(given["bias"], sweep_high=True, sweep_low=True, reclaim=False, is_triggered=False)
    },
    "unsure": lambda given, side: {"signal": {**given["signal"], "confidence": 41.0}},
    "unconfirmed": lambda given, side: {"signal": {**given["signal"], "is_confirmation_pending": True}},
    "unorchestrated": lambda given, side: {"config": replace(given["config"], is_orchestrated=False)},
    "tiny": lambda given, side: {"exposure": replace(given["exposure"], equity=Decimal(900))},
}
NAMES = tuple(TROUBLES)


def random_given(number, seed=5):
    """Return side and keywords of `world` number `number`; the same for the same numbers."""
    rng = Random(seed * 1_000_003 + number)
    side, variant = rng.choice(list(Side)), rng.choice(list(Engine))
    given = {
        "signal": _signal(rng),
        "variant": variant,
        "trading_status": TradingStatus.ACTIVE,
        "session": SESSION,
        "market": _market(rng, side),
        "bias": _bias(rng, side),
        "context": worlds.context(vix=rng.uniform(12, 28)) if rng.random() < 0.4 else None,
        "exposure": _exposure(rng, side),
        "limits": _limits(rng),
        "stop_loss_percent": {engine: Decimal(rng.choice((30, 50, 100))) for engine in Engine},
        "config": random_config(rng),
    }
    if number % 4:
        given |= TROUBLES[NAMES[(number - number // 4) % len(NAMES)]](given, side)
    return side, given


def random_world(number, seed=5):
    """Return the frozen inputs of world number `number`."""
    side, given = random_given(number, seed)
    return worlds.world(side, **given)
