"""What changes positions, one module per part of their life."""

from positions.services.equity import equity_snapshot_take
from positions.services.exits import exit_signal_apply, exits_monitor, position_close_request, position_flatten
from positions.services.lifecycle import position_open, position_reduce, position_transition
from positions.services.refresh import greeks_of, positions_refresh
from positions.services.reported import reported_pnl_compare, reporting_signals_lock
from positions.services.settlement import positions_settle

__all__ = [
    "equity_snapshot_take",
    "exit_signal_apply",
    "exits_monitor",
    "greeks_of",
    "position_close_request",
    "position_flatten",
    "position_open",
    "position_reduce",
    "position_transition",
    "positions_refresh",
    "positions_settle",
    "reported_pnl_compare",
    "reporting_signals_lock",
]
