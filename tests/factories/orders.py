"""Entry and exit orders, what happened to them, and their trades."""

import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

from orders.models import Order, OrderEvent, Trade
from tests.factories.decisions import contract_of, recommendation

_numbers = itertools.count(1)


def order(**values: Any) -> Order:
    """A market entry of its recommendation's quantity, waiting to be executed; `status="filled"` fills its columns."""
    if "recommendation" not in values:
        values["recommendation"] = recommendation()
    advice = values["recommendation"]
    created_at = values.setdefault("created_at", advice.created_at)
    defaults: dict[str, Any] = {
        **Order.contract_columns(contract_of(advice.signal.symbol, advice.side)),
        "client_order_id": f"oe-{advice.signal_id.hex}-{advice.engine}",
        "signal": advice.signal,
        "engine": advice.engine,
        "mode": "shadow" if advice.is_shadow else "paper",
        "is_test": advice.signal.is_test,
        "intent": "entry",
        "action": "buy_to_open",
        "order_type": "market",
        "quantity": advice.quantity,
        "expires_at": created_at + timedelta(minutes=30),
        "updated_at": created_at,
    }
    if values.get("status") == "filled":
        defaults |= {
            "filled_quantity": advice.quantity,
            "average_price": Decimal("5.0750"),
            "finished_at": created_at,
        }
    return Order.objects.create(**(defaults | values))


def exit_order(**values: Any) -> Order:
    """A market exit of everything its entry order bought."""
    if "entry_order" not in values:
        values["entry_order"] = order(status="filled")
    entry = values["entry_order"]
    created_at = values.setdefault("created_at", entry.created_at + timedelta(hours=1))
    defaults: dict[str, Any] = {
        **Order.contract_columns(entry.contract),
        "client_order_id": f"oe-{entry.pk.hex}-x{entry.exit_orders.count() + 1}",
        "signal": entry.signal,
        "engine": entry.engine,
        "mode": entry.mode,
        "is_test": entry.is_test,
        "intent": "exit",
        "action": "sell_to_close",
        "order_type": "market",
        "quantity": entry.quantity,
        "exit_reason": "PROFIT_TARGET",
        "updated_at": created_at,
    }
    if values.get("status") == "filled":
        defaults |= {
            "filled_quantity": entry.quantity,
            "average_price": Decimal("7.6000"),
            "finished_at": created_at,
        }
    return Order.objects.create(**(defaults | values))


def order_event(**values: Any) -> OrderEvent:
    if "order" not in values:
        values["order"] = order()
    defaults = {"from_status": "", "to_status": "pending_execution", "created_at": values["order"].created_at}
    return OrderEvent.objects.create(**(defaults | values))


def trade(**values: Any) -> Trade:
    """One execution of the whole order against a simulated quote."""
    if "order" not in values:
        values["order"] = order(status="filled")
    filled = values["order"]
    is_entry = filled.intent == "entry"
    price = Decimal("5.0750") if is_entry else Decimal("7.6000")
    defaults = {
        "broker": "paper",
        "execution_id": f"{filled.client_order_id}-{next(_numbers)}",
        "quantity": filled.quantity,
        "price": price,
        "commission": Decimal("0.65") * filled.quantity,
        "bid": price - Decimal("0.15"),
        "ask": price + Decimal("0.05"),
        "quote_at": filled.created_at,
        "price_source": "simulated",
        "created_at": filled.created_at,
    }
    return Trade.objects.create(**(defaults | values))
