"""Every gate in the ledger's order; a new gate is one file and one line here.

The shared gates judge the inputs, and the contract that would be bought; the gates of an engine judge what that engine
made of them.
"""

from experiments.contract import Selection
from experiments.data import DecisionInputs, GateVerdict
from experiments.gates import (
    bias,
    confluence,
    market_context,
    market_data,
    market_session,
    portfolio_breakers,
    portfolio_guard,
    risk_limits,
    setup,
    signal_age,
    trading_state,
)


def shared_judge(inputs: DecisionInputs, selection: Selection | None) -> tuple[GateVerdict, ...]:
    """Return what each gate says that both engines share."""
    return (
        trading_state.judge(inputs),
        signal_age.judge(inputs),
        market_session.judge(inputs),
        market_data.judge(inputs),
        risk_limits.judge(inputs),
        market_context.judge(inputs),
        bias.judge(inputs),
        portfolio_guard.judge(inputs),
        portfolio_breakers.judge(inputs, selection),
        setup.judge(inputs),
        confluence.judge(inputs),
    )
