import pytest

from experiments.enums import GateOutcome
from experiments.gates.trading_state import judge
from optionsengine.ops.enums import TradingStatus
from tests.experiments.worlds import world


@pytest.mark.parametrize(
    ("status", "outcome", "code"),
    [
        (TradingStatus.ACTIVE, GateOutcome.PASS, ""),
        (TradingStatus.REDUCING, GateOutcome.REFUSE, "TRADING_REDUCING"),
        (TradingStatus.HALTED, GateOutcome.REFUSE, "TRADING_HALTED"),
    ],
)
def test_only_active_takes_new_risk(status, outcome, code):
    verdict = judge(world(trading_status=status))

    assert (verdict.outcome, verdict.code, verdict.value, verdict.until) == (outcome, code, status.value, None)
