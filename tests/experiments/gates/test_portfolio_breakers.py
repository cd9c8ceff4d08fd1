from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from experiments.config import Limits
from experiments.contract import Selection
from experiments.enums import ContractSource, GateOutcome
from experiments.gates.portfolio_breakers import judge
from optionsengine.core.enums import Side
from tests.experiments.worlds import AT, SOON, candidate, exposure, world

PASS, REFUSE = GateOutcome.PASS, GateOutcome.REFUSE
LIMITS = Limits()


def chosen(expiration=SOON):
    return Selection(candidate(expiration=expiration), ContractSource.SCORED)


def judged(side=Side.LONG, selection=None, **book):
    return judge(world(side, exposure=exposure(**book)), selection or chosen())


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("lost", "code"),
    # the day began with 100,000
    [("2999.99", ""), ("3000", "DRAWDOWN_BREAKER"), ("3000.01", "DRAWDOWN_BREAKER"), ("-5000", "")],
)
def test_d26_the_drawdown_is_of_the_equity_the_day_began_with(side, lost, code):
    verdict = judged(side, equity=100_000 - Decimal(lost), daily_pnl=-Decimal(lost))

    assert (verdict.code, verdict.outcome) == (code, REFUSE if code else PASS)


@pytest.mark.parametrize(("seconds", "code"), [(-1, ""), (0, ""), (1, "DRAWDOWN_BREAKER"), (1800, "DRAWDOWN_BREAKER")])
def test_d26_a_pause_holds_until_its_end(seconds, code):
    verdict = judged(frozen_until=AT + timedelta(seconds=seconds))

    assert verdict.code == code
    if code:
        assert verdict.value == f"paused until {AT + timedelta(seconds=seconds):%H:%M} UTC"


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize(
    ("name", "size", "is_hit"),
    [
        ("dollar_delta", "499999.99", False),
        ("dollar_delta", "500000", True),
        ("dollar_delta", "500000.01", True),
        ("dollar_gamma", "99999.99", False),
        ("dollar_gamma", "100000", True),
        ("dollar_gamma", "-100000.01", True),
        ("dollar_vega", "1999.99", False),
        ("dollar_vega", "2000", True),
        ("dollar_vega", "-2000.01", True),
    ],
)
def test_d01_the_greeks_of_the_book_have_limits_in_dollars(side, name, size, is_hit):
    amount = Decimal(size)
    if name == "dollar_delta" and side == Side.SHORT:
        amount = -amount

    verdict = judged(side, **{name: amount})

    assert (verdict.code, verdict.outcome) == (("GREEKS_LIMIT", REFUSE) if is_hit else ("", PASS))
    if is_hit:
        assert verdict.value == f"{name.removeprefix('dollar_')} ${amount}"
        assert verdict.threshold == f"${getattr(LIMITS, f'max_{name}')}"


@pytest.mark.parametrize("side", Side)
def test_d13_a_trade_that_lessens_the_delta_passes(side):
    lean = Decimal(900_000) if side == Side.LONG else Decimal(-900_000)

    assert judged(side, dollar_delta=lean).code == "GREEKS_LIMIT"
    assert judged(side.opposite, dollar_delta=lean).outcome == PASS


def test_the_limits_are_the_rows():
    inputs = world(exposure=exposure(dollar_vega=Decimal(50)), limits=Limits(max_dollar_vega=Decimal(50)))

    assert judge(inputs, chosen()).code == "GREEKS_LIMIT"


def days(number):
    return AT.date() + timedelta(days=number)


@pytest.mark.parametrize(
    ("distance", "count", "code"),
    [
        (0, 2, ""),
        (0, 3, "DTE_CONCENTRATION"),
        (5, 3, "DTE_CONCENTRATION"),
        (-5, 3, "DTE_CONCENTRATION"),
        (6, 3, ""),
        (-6, 3, ""),
    ],
)
def test_three_positions_within_five_days_are_enough(distance, count, code):
    far = {days(200): 9}  # in a bucket of its own

    verdict = judged(selection=chosen(days(40)), expirations={days(40 + distance): count, **far})

    assert verdict.code == code
    if code:
        assert verdict.value == f"3 within 5 days of {days(40)}"


@pytest.mark.parametrize(
    ("open_by_days", "chosen_days", "code"),
    [
        # the bucket of 30 to 90 days after entry, of the five that are allowed: 2, 3 (60 %), 4
        ({80: 1}, 40, ""),
        ({80: 2}, 40, ""),
        ({80: 2, 200: 2}, 40, ""),
        ({80: 3}, 40, "DTE_CONCENTRATION"),
        ({80: 3, 200: 1}, 40, "DTE_CONCENTRATION"),
        # more are open than allowed, since the limit was lowered: 4 of 6, 4 of 7 (57 %)
        ({80: 3, 200: 2}, 40, "DTE_CONCENTRATION"),
        ({80: 3, 200: 3}, 40, ""),
        # where the buckets meet: the time of the expiry counts, 21:00 UTC of its day against 16:00 now
        ({14: 3}, 6, ""),
        ({14: 3}, 7, "DTE_CONCENTRATION"),
        ({14: 3}, 29, "DTE_CONCENTRATION"),
        ({14: 3}, 30, ""),
        ({40: 3}, 89, "DTE_CONCENTRATION"),
        ({40: 3}, 90, ""),
        ({400: 3}, 91, "DTE_CONCENTRATION"),
        ({0: 3}, 6, "DTE_CONCENTRATION"),
    ],
)
def test_no_bucket_of_days_holds_more_than_three_fifths(open_by_days, chosen_days, code):
    book = {days(each): count for each, count in open_by_days.items()}

    assert judged(selection=chosen(days(chosen_days)), expirations=book).code == code


@pytest.mark.parametrize(
    ("allowed", "inside", "code"),
    [
        (1, 2, ""),  # fewer than three are no concentration, whatever is allowed
        (1, 3, "DTE_CONCENTRATION"),
        (4, 3, "DTE_CONCENTRATION"),
        (5, 3, ""),
        (10, 6, ""),
        (10, 7, "DTE_CONCENTRATION"),
    ],
)
def test_d40_the_share_is_of_the_positions_that_the_limits_allow(allowed, inside, code):
    """`inside` positions of one bucket with this entry, on expiries too far apart to count as one."""
    book = {days(120 + 20 * number): 1 for number in range(1, inside)}
    limits = replace(LIMITS, max_open_positions=allowed)

    verdict = judge(world(exposure=exposure(expirations=book), limits=limits), chosen(days(120)))

    assert verdict.code == code


def test_d40_the_third_trade_of_one_setup_is_not_refused_in_a_young_book():
    """Of what is open it would be all of it, though the limits allow five positions."""
    assert judged(selection=chosen(days(10)), expirations={days(17): 1, days(24): 1}).code == ""


def test_the_bucket_is_named():
    verdict = judged(selection=chosen(days(120)), expirations={days(200): 3})

    assert verdict.value == "4 of 5 positions, open or allowed, would expire in 90+ days"
    assert verdict.threshold == "60 %"


@pytest.mark.parametrize("selection", [None, Selection(None, None, problem="nothing is listed")])
def test_without_a_contract_its_expiry_is_not_judged_but_the_rest_is(selection):
    book = exposure(expirations={SOON: 9})

    verdict = judge(world(exposure=book), selection)

    assert (verdict.outcome, verdict.message) == (PASS, "there is no contract, so its expiry was not judged")
    losing = replace(book, daily_pnl=Decimal(-5000))
    assert judge(world(exposure=losing), selection).code == "DRAWDOWN_BREAKER"


def test_d35_test_signals_are_outside_the_breakers():
    book = exposure(daily_pnl=Decimal(-50_000), expirations={date(2026, 2, 27): 9})

    assert judge(world(exposure=book, signal={"is_test": True}), chosen()).outcome == PASS


def test_positions_without_greeks_are_counted_in_the_open():
    assert judged(without_greeks=2).message == "nobody told the Greeks of 2 open positions"


def test_all_breakers_are_named_and_the_first_is_the_code():
    verdict = judged(daily_pnl=Decimal(-5000), dollar_vega=Decimal(3000), expirations={SOON: 3})

    assert verdict.code == "DRAWDOWN_BREAKER"
    for name in ("GREEKS_LIMIT vega $3000", "DTE_CONCENTRATION 3 within", "DTE_CONCENTRATION 4 of 5"):
        assert name in verdict.message
