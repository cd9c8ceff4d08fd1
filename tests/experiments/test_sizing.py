"""The size: exact budgets, each cap, and that no size risks more than its budget."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias.config import BiasConfig, RiskConfig
from experiments.config import Limits
from experiments.enums import SizeCap
from experiments.sizing import size
from optionsengine.core.enums import Engine
from tests.experiments.worlds import CONFIG, EXPOSURE, STOPS, bias, candidate, world

INPUTS = world(bias=bias(macro_class=None))


def multiplied(factor):
    """A configuration, and a state with the macro trend, whose one factor this is."""
    config = replace(CONFIG, bias=BiasConfig(risk=RiskConfig(macro_aligned=float(factor))))
    return {"config": config, "bias": bias()}


def sized(contract=None, *, signal=None, risk_multiplier=None, **values):
    changed = {} if risk_multiplier is None else multiplied(risk_multiplier)
    changed["config"] = replace(changed.get("config", CONFIG), **values.pop("config", {}))
    exposure = replace(EXPOSURE, **values.pop("exposure", {}))
    inputs = replace(INPUTS, exposure=exposure, **changed, **values)
    if signal:
        inputs = replace(inputs, signal=replace(inputs.signal, **signal))
    return size(inputs, contract or candidate(), Engine.A)


def test_one_percent_of_equity_over_the_premium_at_stop():
    result = sized()

    # $1000 over 2.45 × 100 × 50 % = $122.50 is 8.16
    assert (result.quantity, result.risk_budget, result.risk_per_contract) == (8, Decimal("1000.00"), Decimal("122.5"))
    assert (result.binding, result.risk) == (SizeCap.RISK_BUDGET, Decimal(980))


@pytest.mark.parametrize(
    ("stop", "quantity", "risk", "binding"),
    [
        ("15", 10, "36.75", SizeCap.MAX_CONTRACTS),
        ("40", 10, "98.00", SizeCap.RISK_BUDGET),
        ("40.81", 10, "99.9845", SizeCap.RISK_BUDGET),
        ("40.82", 9, "100.0090", SizeCap.RISK_BUDGET),
        ("50", 8, "122.50", SizeCap.RISK_BUDGET),
        ("100", 4, "245.00", SizeCap.RISK_BUDGET),  # no stop: the whole premium is at risk
    ],
)
def test_each_engine_is_sized_by_the_stop_its_position_will_have(stop, quantity, risk, binding):
    inputs = replace(INPUTS, stop_loss_percent={**STOPS, Engine.B: Decimal(stop)})

    result = size(inputs, candidate(), Engine.B)

    assert (result.quantity, result.risk_per_contract, result.binding) == (quantity, Decimal(risk), binding)
    assert result.stop_loss_percent == Decimal(stop)
    assert size(inputs, candidate(), Engine.A).quantity == 8


@pytest.mark.parametrize(("ask", "quantity"), [("2.49", 8), ("2.50", 8), ("2.51", 7)])
def test_contracts_are_rounded_down(ask, quantity):
    assert sized(candidate(bid=Decimal("2.35"), ask=Decimal(ask))).quantity == quantity


@pytest.mark.parametrize(
    ("multiplier", "applied", "budget"),
    [
        ("0.1", "0.25", "250.00"),
        ("0.25", "0.25", "250.00"),
        ("0.6", "0.6", "600.00"),
        ("1.5", "1.5", "1500.00"),
        ("1.6", "1.5", "1500.00"),
        ("0", "0", "0.00"),
    ],
)
def test_the_multiplier_is_clamped(multiplier, applied, budget):
    result = sized(risk_multiplier=multiplier)

    assert (result.multiplier, result.risk_budget) == (Decimal(applied), Decimal(budget))
    assert result.multipliers == {"macro_aligned": Decimal(multiplier)}


def test_d14_each_multiplier_is_applied_once_and_never_beyond_a_cap():
    result = sized(candidate(bid=Decimal("0.45"), ask=Decimal("0.50")), risk_multiplier="1.5")

    assert (result.risk_budget, result.quantity, result.binding) == (Decimal(1500), 10, SizeCap.MAX_CONTRACTS)


def test_the_budget_is_at_most_the_maximum_percent():
    assert sized(config={"risk_per_trade_percent": Decimal("1.8")}, risk_multiplier="1.5").risk_budget == 2000


def test_a_stale_bias_multiplies_nothing():
    stale = replace(INPUTS, bias=bias(is_stale=True))

    assert size(stale, candidate(), Engine.A).multiplier == 1


@pytest.mark.parametrize(
    ("values", "cap", "quantity"),
    [
        ({"config": {"max_contracts_per_trade": 3}}, SizeCap.MAX_CONTRACTS, 3),
        ({"exposure": {"exposure": Decimal("19265.00")}}, SizeCap.EXPOSURE, 3),
        ({"exposure": {"exposure": Decimal("19265.01")}}, SizeCap.EXPOSURE, 2),
        ({"limits": Limits(max_exposure_percent=Decimal("0.49"))}, SizeCap.EXPOSURE, 2),
        ({"exposure": {"open_risk": Decimal("5632.50")}}, SizeCap.OPEN_RISK, 3),
        ({"exposure": {"open_risk": Decimal("5632.51")}}, SizeCap.OPEN_RISK, 2),
        ({"contract": candidate(open_interest=29)}, SizeCap.OPEN_INTEREST, 2),
        ({"contract": candidate(open_interest=30)}, SizeCap.OPEN_INTEREST, 3),
        ({"signal": {"quantity": 2}}, SizeCap.SIGNAL_QUANTITY, 2),
        ({"signal": {"quantity": 50}}, SizeCap.RISK_BUDGET, 8),
        ({"contract": candidate(open_interest=9)}, SizeCap.OPEN_INTEREST, 0),
        ({"exposure": {"equity": Decimal(0)}}, SizeCap.RISK_BUDGET, 0),
        ({"exposure": {"equity": Decimal(-100)}}, SizeCap.RISK_BUDGET, 0),
        ({"exposure": {"exposure": Decimal(25000)}}, SizeCap.EXPOSURE, 0),
        ({"contract": candidate(bid=Decimal(20), ask=Decimal("20.01"))}, SizeCap.RISK_BUDGET, 0),
        ({"contract": candidate(bid=Decimal(19), ask=Decimal(20))}, SizeCap.RISK_BUDGET, 1),
    ],
)
def test_each_cap(values, cap, quantity):
    result = sized(**values)

    assert (result.quantity, result.binding) == (quantity, cap)


def test_a_test_signal_is_not_capped_by_exposure():
    full = {"exposure": Decimal(20000), "open_risk": Decimal(6000)}

    assert sized(exposure=full, signal={"is_test": True}).quantity == 8
    assert sized(exposure=full).quantity == 0


CENTS = st.integers(min_value=1, max_value=9000).map(lambda cents: Decimal(cents) / 100)
DOLLARS = st.integers(min_value=0, max_value=25000).map(Decimal)


@settings(max_examples=200, deadline=None)
@given(
    ask=CENTS,
    equity=st.integers(min_value=-1000, max_value=500000).map(Decimal),
    multiplier=st.integers(min_value=0, max_value=30).map(lambda tenths: Decimal(tenths) / 10),
    stop=st.decimals(min_value=1, max_value=100, places=2),
    exposed=DOLLARS,
    at_risk=DOLLARS,
    interest=st.integers(min_value=0, max_value=500),
)
def test_d14_no_size_risks_more_than_its_budget_or_breaks_a_limit(
    ask, equity, multiplier, stop, exposed, at_risk, interest
):
    contract = candidate(bid=ask, ask=ask, open_interest=interest)
    exposure = replace(EXPOSURE, equity=equity, exposure=exposed, open_risk=at_risk)
    inputs = replace(INPUTS, exposure=exposure, stop_loss_percent={**STOPS, Engine.B: stop}, **multiplied(multiplier))

    result = size(inputs, contract, Engine.B)

    assert result.risk == ask * stop * result.quantity
    assert 0 <= result.quantity <= 10
    assert result.risk <= result.risk_budget <= max(equity, 0) * 2 / 100
    assert result.quantity * 10 <= interest
    if result.quantity:
        cost = ask * 100 * result.quantity
        assert exposed + cost <= min(Decimal(20000), equity * 20 / 100)
        assert at_risk + result.risk <= equity * 6 / 100
