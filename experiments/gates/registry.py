"""Every gate in the ledger's order; a new gate is one file and one line here.

The shared gates judge the inputs alone; the gates of an engine judge what that engine made of them.
"""

from collections.abc import Callable

from experiments.data import DecisionInputs, GateVerdict
from experiments.gates import bias, market_data, market_session, risk_limits, signal_age, trading_state

SHARED_GATES: tuple[Callable[[DecisionInputs], GateVerdict], ...] = (
    trading_state.judge,
    signal_age.judge,
    market_session.judge,
    market_data.judge,
    risk_limits.judge,
    bias.judge,
)
