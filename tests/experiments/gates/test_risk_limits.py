from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from experiments.config import Limits
from experiments.enums import GateOutcome
from experiments.gates.risk_limits import judge
from tests.experiments.worlds import AT, EXPOSURE, world

CASES = [
    ({"daily_pnl": Decimal("-999.99")}, {}, ""),
    ({"daily_pnl": Decimal(-1000)}, {}, "DAILY_LOSS_LIMIT"),
    ({"daily_pnl": Decimal("-1000.01")}, {}, "DAILY_LOSS_LIMIT"),
    ({"daily_pnl": Decimal(5000)}, {}, ""),
    ({"daily_trades": 500}, {}, ""),
    ({"daily_trades": 9}, {"max_daily_trades": 10}, ""),
    ({"daily_trades": 10}, {"max_daily_trades": 10}, "DAILY_TRADES_LIMIT"),
    ({"daily_trades": 11}, {"max_daily_trades": 10}, "DAILY_TRADES_LIMIT"),
    ({"daily_trades": 0}, {"max_daily_trades": 0}, "DAILY_TRADES_LIMIT"),
    ({"open_positions": 4}, {}, ""),
    ({"open_positions": 5}, {}, "MAX_OPEN_POSITIONS"),
    ({"open_positions": 6}, {}, "MAX_OPEN_POSITIONS"),
    ({"symbol_positions": 1}, {}, ""),
    ({"symbol_positions": 2}, {}, "MAX_POSITIONS_PER_SYMBOL"),
    ({"symbol_positions": 3}, {}, "MAX_POSITIONS_PER_SYMBOL"),
    ({"exposure": Decimal("19999.99")}, {}, ""),
    ({"exposure": Decimal(20000)}, {}, "MAX_EXPOSURE_DOLLARS"),
    ({"exposure": Decimal("9999.99"), "equity": Decimal(50000)}, {}, ""),
    ({"exposure": Decimal(10000), "equity": Decimal(50000)}, {}, "MAX_EXPOSURE_PERCENT"),
    ({"exposure": Decimal("10000.01"), "equity": Decimal(50000)}, {}, "MAX_EXPOSURE_PERCENT"),
    ({"open_risk": Decimal("5999.99")}, {}, ""),
    ({"open_risk": Decimal(6000)}, {}, "MAX_OPEN_RISK"),
    ({"open_risk": Decimal("6000.01")}, {}, "MAX_OPEN_RISK"),
    ({"equity": Decimal(-5)}, {}, "MAX_EXPOSURE_PERCENT"),
]


@pytest.mark.parametrize(("seen", "limits", "code"), CASES)
def test_a_limit_reached_defers(seen, limits, code):
    verdict = judge(world(exposure=replace(EXPOSURE, **seen), limits=Limits(**limits)))

    assert verdict.code == code
    assert verdict.outcome == (GateOutcome.DEFER if code else GateOutcome.PASS)
    assert verdict.until == (AT + timedelta(seconds=60) if code else None)


def test_the_first_limit_decides_and_all_are_named():
    seen = replace(EXPOSURE, daily_pnl=Decimal(-1500), open_positions=5)

    verdict = judge(world(exposure=seen))

    assert (verdict.code, verdict.value, verdict.threshold) == ("DAILY_LOSS_LIMIT", "$-1500", "$-1000")
    assert "MAX_OPEN_POSITIONS 5 against 5" in verdict.message


def test_a_test_signal_is_outside_the_limits():
    full = replace(EXPOSURE, open_positions=5)

    assert judge(world(exposure=full, signal={"is_test": True})).outcome == GateOutcome.PASS
    assert judge(world(exposure=full)).outcome == GateOutcome.DEFER
