"""Builders of consistent rows, from the webhook to the closed position. Each returns the saved row.

Every builder fills in what it is not given, upstream rows included, so `position()` alone makes a whole life.
Times start at `AT`, a Tuesday 10:00 in New York, and never come from the wall clock.
"""

from tests.factories.clock import AT, later
from tests.factories.decisions import agent_decision, approval, decision_round, experiment, gate_result, recommendation
from tests.factories.inbox import (
    bias_current,
    bias_history,
    context_received,
    feed_tick,
    gamma_snapshot,
    signal,
    signal_event,
    webhook_event,
    webhook_source,
)
from tests.factories.lives import full_life
from tests.factories.market import iv_day, stored_bar
from tests.factories.operations import alert, job_run
from tests.factories.orders import exit_order, order, order_event, trade
from tests.factories.people import operator, person, superuser, viewer
from tests.factories.positions import (
    equity_snapshot,
    exit_alert,
    exit_rule,
    performance,
    position,
    position_event,
    position_mark,
)

__all__ = [
    "AT",
    "agent_decision",
    "alert",
    "approval",
    "bias_current",
    "bias_history",
    "context_received",
    "decision_round",
    "equity_snapshot",
    "exit_alert",
    "exit_order",
    "exit_rule",
    "experiment",
    "feed_tick",
    "full_life",
    "gamma_snapshot",
    "gate_result",
    "iv_day",
    "job_run",
    "later",
    "operator",
    "order",
    "order_event",
    "performance",
    "person",
    "position",
    "position_event",
    "position_mark",
    "recommendation",
    "signal",
    "signal_event",
    "stored_bar",
    "superuser",
    "trade",
    "viewer",
    "webhook_event",
    "webhook_source",
]
