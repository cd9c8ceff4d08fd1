"""Positions, their marks, exit rules and alerts, and what each made."""

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

from optionsengine.core.values import MULTIPLIER
from positions.models import (
    BiasTradePerformance,
    EquitySnapshot,
    ExitAlert,
    ExitRule,
    Position,
    PositionEvent,
    PositionMark,
)
from tests.factories.clock import AT
from tests.factories.orders import order

_days = itertools.count(1)


def position(**values: Any) -> Position:
    """An open position of a filled entry; `status="closed"` closes it at a profit."""
    if "entry_order" not in values:
        values["entry_order"] = order(status="filled")
    entry = values["entry_order"]
    created_at = values.setdefault("created_at", entry.created_at)
    price = entry.average_price or Decimal("5.0750")
    defaults: dict[str, Any] = {
        **Position.contract_columns(entry.contract),
        "signal": entry.signal,
        "engine": entry.engine,
        "mode": entry.mode,
        "is_test": entry.is_test,
        "side": entry.signal.side,
        "setup_type": "SCALP_GUARDED",
        "quantity": entry.quantity,
        "opened_quantity": entry.quantity,
        "entry_price": price,
        "cost_basis": price * entry.quantity * MULTIPLIER,
        "open_cost": price * entry.quantity * MULTIPLIER + Decimal("0.65") * entry.quantity,
        "initial_risk": price * entry.quantity * MULTIPLIER / 2,
        "entry_commission": Decimal("0.65") * entry.quantity,
        "data_source": "simulated",
        "high_water_mark": price,
        "updated_at": created_at,
    }
    if values.get("status") == "closed":
        gain = (Decimal("7.60") - price) * entry.quantity * MULTIPLIER
        defaults |= {
            "quantity": 0,
            "open_cost": Decimal(0),
            "exit_reason": "PROFIT_TARGET",
            "closed_at": created_at + timedelta(hours=1),
            "exit_commission": Decimal("0.65") * entry.quantity,
            "realized_pnl": (gain - Decimal("1.30") * entry.quantity).quantize(Decimal("0.01")),
        }
    return Position.objects.create(**(defaults | values))


def position_event(**values: Any) -> PositionEvent:
    if "position" not in values:
        values["position"] = position()
    defaults = {"from_status": "", "to_status": "open", "created_at": values["position"].created_at}
    return PositionEvent.objects.create(**(defaults | values))


def position_mark(**values: Any) -> PositionMark:
    if "position" not in values:
        values["position"] = position()
    marked = values["position"]
    created_at = values.setdefault("created_at", marked.created_at + timedelta(minutes=1))
    defaults = {
        "mark": Decimal("5.2500"),
        "bid": Decimal("5.2000"),
        "ask": Decimal("5.3000"),
        "underlying_price": Decimal("500.9000"),
        "unrealized_pnl": Decimal("23.70"),
        "iv": 0.18,
        "delta": 0.52,
        "source": "simulated",
        "quote_at": created_at,
    }
    return PositionMark.objects.create(**(defaults | values))


def equity_snapshot(**values: Any) -> EquitySnapshot:
    """What a day began with, each time of an earlier day."""
    days = next(_days)
    defaults = {"new_york_date": AT.date() - timedelta(days=days), "equity": Decimal(100000), "created_at": AT}
    return EquitySnapshot.objects.create(**(defaults | values))


def exit_rule(**values: Any) -> ExitRule:
    """A disabled global rule with the built-in values, so that any number may exist."""
    defaults = {"name": "A rule", "is_enabled": False, "created_at": AT, "updated_at": AT}
    return ExitRule.objects.create(**(defaults | values))


def exit_alert(**values: Any) -> ExitAlert:
    if "position" not in values:
        values["position"] = position()
    defaults = {
        "reason": "STOP_LOSS",
        "priority": "CRITICAL",
        "urgency": "IMMEDIATE",
        "recommended_action": "CLOSE_POSITION_IMMEDIATELY",
        "details": {"bid": "2.40", "threshold": "2.54"},
        "created_at": AT,
        "updated_at": AT,
    }
    return ExitAlert.objects.create(**(defaults | values))


def performance(**values: Any) -> BiasTradePerformance:
    if "position" not in values:
        values["position"] = position(status="closed")
    closed = values["position"]
    defaults = {
        "symbol": closed.underlying,
        "side": closed.side,
        "engine": closed.engine,
        "setup_type": closed.setup_type,
        "source": "simulated",
        "is_test": closed.is_test,
        "pnl": closed.realized_pnl,
        "pnl_percent": 49.2,
        "pnl_r": 0.98,
        "session_minutes": 60,
        "exit_codes": [closed.exit_reason],
        "created_at": closed.closed_at,
    }
    return BiasTradePerformance.objects.create(**(defaults | values))
