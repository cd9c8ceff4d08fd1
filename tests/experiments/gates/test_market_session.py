import pytest

from experiments.enums import GateOutcome
from experiments.gates.market_session import judge
from tests.experiments.worlds import CLOSED, NEXT_OPEN, world


def test_an_open_market_passes():
    assert judge(world()).outcome == GateOutcome.PASS


@pytest.mark.parametrize("timeframe", ["5m", "1h", "23h"])
def test_d21_a_signal_shorter_than_a_day_is_refused_when_the_market_is_closed(timeframe):
    verdict = judge(world(session=CLOSED, signal={"timeframe": timeframe}))

    assert (verdict.outcome, verdict.code, verdict.until) == (GateOutcome.REFUSE, "MARKET_CLOSED", None)


@pytest.mark.parametrize("timeframe", ["1d", "1w", "1M"])
def test_d21_a_signal_of_a_day_or_longer_waits_for_the_next_open(timeframe):
    verdict = judge(world(session=CLOSED, signal={"timeframe": timeframe}))

    assert (verdict.outcome, verdict.code, verdict.until) == (GateOutcome.DEFER, "MARKET_CLOSED", NEXT_OPEN)
