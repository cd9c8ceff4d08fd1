"""When a position is closed, where its stop trails, and what it made. Pure, in exact decimals.

Precedence and defaults: trading rules §5. Every rule looks at what the option can be sold for (the bid), never at mid.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from optionsengine.core.values import MULTIPLIER, cents
from positions.data import ExitHit, ExitPolicy, HoldFacts, PositionView
from positions.enums import BY_PERSON, AlertPriority, AlertUrgency, ExitReason, RecommendedAction, RuleScope

GUARDIAN_MINUTES = 30  # before the close of the expiry day
REPORTED_PNL_DOLLARS = Decimal(1)
REPORTED_PNL_PERCENT = Decimal(1)
DEFAULT_POLICY = ExitPolicy()

_PRICE_STEP = Decimal("0.0001")
_HUNDRED = Decimal(100)

PolicyBook = Mapping[tuple[RuleScope, str], ExitPolicy]


def exit_policy_for(
    policies: PolicyBook, *, position_id: UUID | None, symbol: str, setup_type: str, engine: str
) -> ExitPolicy:
    """Return the most specific enabled policy: position, symbol, setup, engine, global, else the built-in default.

    An entry that has no position yet passes None for `position_id`.
    """
    for key in (
        (RuleScope.POSITION, str(position_id or "")),  # no rule has an empty position
        (RuleScope.SYMBOL, symbol),
        (RuleScope.SETUP, setup_type),
        (RuleScope.ENGINE, engine),
        (RuleScope.GLOBAL, ""),
    ):
        if key in policies:
            return policies[key]
    return DEFAULT_POLICY


def exit_hits(
    view: PositionView, policy: ExitPolicy, facts: HoldFacts, *, at: datetime, quote_max_age_seconds: int
) -> tuple[ExitHit, ...]:
    """Return every rule that says close, in the order of precedence: the first decides.

    The price rules abstain while the last usable quote is older than `quote_max_age_seconds`: an old price is not
    today's. The others need no price, so a missing one never keeps a position from its expiry, an exit asked for, or
    the end of its time.
    """
    found = [_expired(facts), _requested(view), _min_dte(policy, facts)]
    if view.bid is not None and _is_fresh(view.marked_at, at, quote_max_age_seconds):
        found += [
            _stop_loss(view, policy, view.bid),
            _trailing(view, policy, view.bid),
            _target(view, policy, view.bid),
        ]
    found.append(_max_hold(policy, facts))
    return tuple(hit for hit in found if hit is not None)


def expiry_notice(facts: HoldFacts) -> ExitHit | None:
    """Return the warning of a position that expires today or tomorrow, whatever its rules say."""
    if facts.expires_in_days > 1:
        return None
    urgent = facts.expires_in_days <= 0
    return ExitHit(
        ExitReason.MIN_DTE,
        _days(facts.dte),
        "expires today" if urgent else "expires tomorrow",
        AlertPriority.CRITICAL if urgent else AlertPriority.HIGH,
        AlertUrgency.HIGH,
        RecommendedAction.REVIEW,
    )


def is_requested(hit: ExitHit) -> bool:
    """Tell whether a person or a signal asked for this exit: such a one closes whatever the rule's action is."""
    return hit.reason in (*BY_PERSON, ExitReason.EXIT_SIGNAL)


def _is_fresh(marked_at: datetime | None, at: datetime, max_age_seconds: int) -> bool:
    return marked_at is not None and (at - marked_at).total_seconds() <= max_age_seconds


def _days(days: float) -> str:
    return f"{days:.2f} days"


def _at_once(reason: ExitReason, value: str, threshold: str) -> ExitHit:
    return ExitHit(
        reason,
        value,
        threshold,
        AlertPriority.CRITICAL,
        AlertUrgency.IMMEDIATE,
        RecommendedAction.CLOSE_POSITION_IMMEDIATELY,
    )


def _soon(reason: ExitReason, value: str, threshold: str) -> ExitHit:
    return ExitHit(reason, value, threshold, AlertPriority.HIGH, AlertUrgency.HIGH, RecommendedAction.CLOSE_POSITION)


def _expired(facts: HoldFacts) -> ExitHit | None:
    return _at_once(ExitReason.EXPIRED, _days(facts.dte), _days(0)) if facts.dte <= 0 else None


def _requested(view: PositionView) -> ExitHit | None:
    return _soon(ExitReason(view.close_requested), "requested", "") if view.close_requested else None


def _min_dte(policy: ExitPolicy, facts: HoldFacts) -> ExitHit | None:
    """Too few days left, or the last half hour of the expiry day.

    A position bought with fewer days than the rule wants was meant to be short: closing it on sight would only pay
    the spread, so the last half hour alone guards it.
    """
    minutes = facts.minutes_to_close
    if facts.expires_in_days <= 0 and minutes is not None and minutes <= GUARDIAN_MINUTES:
        return _at_once(ExitReason.MIN_DTE, f"{minutes:.0f} minutes to expiry", f"{GUARDIAN_MINUTES} minutes")
    if policy.min_dte is None or facts.dte >= policy.min_dte or facts.entry_dte < policy.min_dte:
        return None
    hit = _at_once if facts.expires_in_days <= 0 else _soon
    return hit(ExitReason.MIN_DTE, _days(facts.dte), f"{policy.min_dte} days")


def _stop_loss(view: PositionView, policy: ExitPolicy, bid: Decimal) -> ExitHit | None:
    if policy.stop_loss_percent is None:
        return None
    stop = view.entry_price * (1 - policy.stop_loss_percent / _HUNDRED)
    return _at_once(ExitReason.STOP_LOSS, f"bid {bid}", f"{stop.quantize(_PRICE_STEP)}") if bid <= stop else None


def _trailing(view: PositionView, policy: ExitPolicy, bid: Decimal) -> ExitHit | None:
    if policy.trailing_distance_percent is None or view.trailing_stop is None or bid > view.trailing_stop:
        return None
    return _soon(ExitReason.TRAILING_STOP, f"bid {bid}", f"{view.trailing_stop}")


def _target(view: PositionView, policy: ExitPolicy, bid: Decimal) -> ExitHit | None:
    if policy.profit_target_percent is None:
        return None
    target = view.entry_price * (1 + policy.profit_target_percent / _HUNDRED)
    return _soon(ExitReason.PROFIT_TARGET, f"bid {bid}", f"{target.quantize(_PRICE_STEP)}") if bid >= target else None


def _max_hold(policy: ExitPolicy, facts: HoldFacts) -> ExitHit | None:
    if policy.max_hold_sessions is None or facts.sessions_held < policy.max_hold_sessions:
        return None
    return ExitHit(
        ExitReason.MAX_HOLD,
        f"{facts.sessions_held} sessions",
        f"{policy.max_hold_sessions} sessions",
        AlertPriority.MEDIUM,
        AlertUrgency.NORMAL,
        RecommendedAction.REVIEW,
    )


def trailing_stop_level(
    policy: ExitPolicy, *, entry_price: Decimal, high_water_mark: Decimal, current: Decimal | None
) -> Decimal | None:
    """Return where the stop trails to: `distance` percent below the best bid once that gained `activation` percent.

    It only ever rises; before the activation, or without the rule, it stays where it was.
    """
    activation, distance = policy.trailing_activation_percent, policy.trailing_distance_percent
    if activation is None or distance is None or high_water_mark < entry_price * (1 + activation / _HUNDRED):
        return current
    level = (high_water_mark * (1 - distance / _HUNDRED)).quantize(_PRICE_STEP)
    return level if current is None else max(level, current)


def premium(price: Decimal, quantity: int) -> Decimal:
    """Return the dollars that `quantity` contracts cost or bring at `price` per share, to the cent."""
    return cents(price * quantity * MULTIPLIER)


def cost_released(open_cost: Decimal, *, quantity: int, closed: int) -> Decimal:
    """Return the part of `open_cost` that belongs to `closed` of `quantity` contracts.

    Rounded to the cent; the last contracts take all that is left, so that the parts always add up to the whole.
    """
    return open_cost if closed == quantity else cents(open_cost * closed / quantity)


def pnl_realized(proceeds: Decimal, commission: Decimal, released: Decimal) -> Decimal:
    """Return what a sale made: proceeds less its commission and the cost (entry commission included) it releases."""
    return proceeds - commission - released


def pnl_unrealized(bid: Decimal, *, quantity: int, open_cost: Decimal) -> Decimal:
    """Return what selling everything at the bid would make, before the commission of that sale."""
    return premium(bid, quantity) - open_cost


def stop_percent(policy: ExitPolicy) -> Decimal:
    """Return how much of the premium is lost at the stop, in percent: all of it when no stop is set."""
    return _HUNDRED if policy.stop_loss_percent is None else policy.stop_loss_percent


def initial_risk(policy: ExitPolicy, cost_basis: Decimal) -> Decimal:
    """Return 1 R in dollars: the premium lost at the stop."""
    return cents(cost_basis * stop_percent(policy) / _HUNDRED)


def pnl_r(pnl: Decimal, risk: Decimal) -> float:
    """Return the result in units of the risk taken (R multiple: P&L ÷ 1 R); 0 when nothing was risked."""
    return round(float(pnl / risk), 6) if risk else 0.0


def pnl_differs(reported: Decimal, ours: Decimal) -> bool:
    """Tell whether two results in dollars differ by more than $1, or by more than 1 % of the reported one."""
    difference = abs(reported - ours)
    return difference > REPORTED_PNL_DOLLARS or difference * _HUNDRED > abs(reported) * REPORTED_PNL_PERCENT


def pnl_percent(pnl: Decimal, cost_basis: Decimal) -> float:
    """Return the result in percent of the premium paid."""
    return round(float(pnl / cost_basis * 100), 6) if cost_basis else 0.0


def rule_target(scope: str, target: str) -> str:
    """Return an exit rule's target as the rules look for it: trimmed, and in capitals but for a position's id."""
    trimmed = target.strip()
    return trimmed.upper() if scope in (RuleScope.ENGINE, RuleScope.SETUP, RuleScope.SYMBOL) else trimmed
