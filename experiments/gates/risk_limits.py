"""Is there room under every limit on new risk? A limit reached is no room; all that are reached are named."""

from collections.abc import Iterator
from decimal import Decimal

from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import Hit, deferred, named, passed, soon


def _hits(inputs: DecisionInputs) -> Iterator[Hit]:
    """Yield each limit that is reached, in the order of the rule book, with the value and the limit."""
    limits, seen = inputs.limits, inputs.exposure
    percent_of_equity = max(seen.equity, Decimal(0)) / 100
    exposure_share = limits.max_exposure_percent * percent_of_equity
    open_risk_share = limits.max_open_risk_percent * percent_of_equity
    if seen.daily_pnl <= -limits.max_daily_loss:
        yield GateCode.DAILY_LOSS_LIMIT, f"${seen.daily_pnl}", f"$-{limits.max_daily_loss}"
    if limits.max_daily_trades is not None and seen.daily_trades >= limits.max_daily_trades:
        yield GateCode.DAILY_TRADES_LIMIT, str(seen.daily_trades), str(limits.max_daily_trades)
    if seen.open_positions >= limits.max_open_positions:
        yield GateCode.MAX_OPEN_POSITIONS, str(seen.open_positions), str(limits.max_open_positions)
    if seen.symbol_positions >= limits.max_positions_per_symbol:
        yield GateCode.MAX_POSITIONS_PER_SYMBOL, str(seen.symbol_positions), str(limits.max_positions_per_symbol)
    if seen.exposure >= limits.max_exposure:
        yield GateCode.MAX_EXPOSURE_DOLLARS, f"${seen.exposure}", f"${limits.max_exposure}"
    if seen.exposure >= exposure_share:
        threshold = f"${exposure_share:.2f} ({limits.max_exposure_percent} % of equity)"
        yield GateCode.MAX_EXPOSURE_PERCENT, f"${seen.exposure}", threshold
    if seen.open_risk >= open_risk_share:
        threshold = f"${open_risk_share:.2f} ({limits.max_open_risk_percent} % of equity)"
        yield GateCode.MAX_OPEN_RISK, f"${seen.open_risk}", threshold


def judge(inputs: DecisionInputs) -> GateVerdict:
    if inputs.signal.is_test:
        return passed(Gate.RISK_LIMITS, value="test signal", message="test signals are outside the limits")
    hits = list(_hits(inputs))
    if not hits:
        seen, limits = inputs.exposure, inputs.limits
        return passed(
            Gate.RISK_LIMITS,
            value=f"{seen.open_positions} open, ${seen.exposure} exposed, ${seen.daily_pnl} today",
            threshold=f"{limits.max_open_positions} open, ${limits.max_exposure} exposed, $-{limits.max_daily_loss}",
        )
    code, value, threshold = hits[0]
    return deferred(
        Gate.RISK_LIMITS,
        code,
        f"limits on new risk are reached: {named(hits)}; tried again while the signal is fresh, "
        "close a position or raise the limit to make room",
        soon(inputs),
        value=value,
        threshold=threshold,
    )
