"""Freezing: exact through JSON, within 16 KiB, nothing that is not finite."""

import json
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.config import Limits
from experiments.decide import decide
from experiments.facts import Exposure
from experiments.freeze import inputs_from_json, inputs_hash, inputs_to_json, price_exact
from experiments.models import MAX_INPUT_BYTES
from optionsengine.core.enums import Engine, Right, Side
from optionsengine.core.values import OptionContract
from optionsengine.market.analysis_enums import GexState
from tests.experiments.worlds import (
    AT,
    CONFIG,
    LATER,
    SOON,
    bias,
    chain,
    frame,
    market,
    option,
    quote,
    signal_facts,
    world,
)

TIMEFRAMES = ("5m", "15m", "1h", "4h", "1d")


def round_trip(inputs):
    return inputs_from_json(json.loads(json.dumps(inputs_to_json(inputs))))


@pytest.mark.parametrize(
    "inputs",
    [
        world(),
        world(Side.SHORT, signal={"timeframe": "1h", "strike": Decimal("480.5"), "expiration": LATER, "quantity": 3}),
        world(signal={"confidence": None, "price": None}, bias=None, config=replace(CONFIG, require_bias=False)),
        world(market=market(quote=None, chain=None, frames={}, problem="no_data: nothing today")),
        world(limits=Limits(max_daily_trades=7), iv_percentile=33.3, bias=bias(notes=("one", "two"))),
        world(context={"vix": 15.5, "market": {"bias": "BULLISH"}, "flag": True}),
        world(market=market(gex_state=GexState.NEGATIVE_HIGH)),
    ],
)
def test_json_gives_back_an_equal_value_and_an_equal_decision(inputs):
    again = round_trip(inputs)

    assert again == inputs
    assert inputs_hash(again) == inputs_hash(inputs)
    assert decide(again) == decide(inputs)


PRICES = st.decimals(min_value=0, max_value=100000, places=4)
FLOATS = st.floats(min_value=-1000, max_value=1000).map(lambda number: round(number, 6) + 0.0)


@settings(max_examples=60, deadline=None)
@given(
    bid=PRICES,
    ask=PRICES,
    iv=st.floats(min_value=0, max_value=5),
    delta=st.floats(min_value=-1, max_value=1),
    theta=st.floats(min_value=-50, max_value=0),
    close=FLOATS,
    equity=st.decimals(min_value=-(10**6), max_value=10**9, places=2),
    confidence=st.none() | st.floats(min_value=0, max_value=100),
    age=st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=2)),
)
def test_any_numbers_survive_json_exactly(bid, ask, iv, delta, theta, close, equity, confidence, age):
    quotes = (option(bid=bid, ask=ask, iv=iv, delta=delta, theta=theta, at=AT - age),)
    zero = Decimal(0)
    inputs = world(
        signal={"confidence": confidence, "bar_end_at": AT - age},
        market=market(quote=quote(bid=bid, ask=ask), frames={"5m": frame(close=close)}, chain=chain(quotes=quotes)),
        exposure=Exposure(equity, 0, 0, zero, 0, zero, zero),
    )

    assert round_trip(inputs) == inputs


def test_the_hash_does_not_depend_on_the_order_of_keys_and_changes_with_any_value():
    inputs = world()
    data = inputs_to_json(inputs)

    assert inputs_hash(inputs_from_json(dict(reversed(data.items())))) == inputs_hash(inputs)
    assert inputs_hash(replace(inputs, at=AT + timedelta(microseconds=1))) != inputs_hash(inputs)


def test_the_largest_decision_fits_in_the_column():
    long = "x" * 400
    symbol = "ABCDEFGHIJ.KL"
    quotes = tuple(
        option(
            contract=OptionContract(symbol, expiration, Right.CALL, Decimal(1000 + number) + Decimal("0.125")),
            bid=Decimal("1234.1234"),
            ask=Decimal("1234.9876"),
            iv=1.23456,
            delta=0.51234,
            gamma=0.0123456,
            theta=-12.34567,
            vega=12.34567,
            open_interest=1234567,
            volume=1234567,
            bid_size=12345,
            ask_size=12345,
            at=AT - timedelta(microseconds=123456),
            greeks_source=("computed", "g" * 60)[number % 2],
        )
        for expiration in (SOON, date(2026, 3, 6))
        for number in range(100)
    )
    frames = {
        name: frame(timeframe=name, **dict.fromkeys(("close", "ema8", "ema21", "ema48", "vwap"), 12345.678901))
        for name in TIMEFRAMES
    }
    inputs = world(
        signal={"symbol": symbol, "pattern": "p" * 100, "strike": Decimal("1000.1250"), "expiration": SOON},
        market=market(chain=chain(quotes=quotes), frames=frames, problem=long),
        bias=bias(notes=("n" * 60,) * 5, entry_mode_hint="MEAN_REVERT"),
        context={f"{number} {long}": long for number in range(100)},
        limits=Limits(max_daily_trades=1000),
        stop_loss_percent={Engine.A: Decimal("33.33"), Engine.B: Decimal("66.67")},
    )
    inputs = replace(inputs, gex_state=GexState.POSITIVE_HIGH)

    assert len(inputs.candidates) == 40
    # PostgreSQL writes jsonb with a space after each colon and comma, as json.dumps does
    assert len(json.dumps(inputs_to_json(inputs), ensure_ascii=False).encode()) <= MAX_INPUT_BYTES


def test_the_chain_is_counted_by_what_removed_each_contract():
    quotes = (
        option(),
        option(Side.SHORT),
        option(beyond=6, expiration=LATER),
        option(beyond=7, bid=Decimal(0)),
        option(beyond=8, iv=float("nan")),
        option(beyond=9, volume=3),
        option(beyond=10, delta=0.1),
        option(beyond=10.5, open_interest=None),
        *(option(beyond=11 + number, delta=0.6 if number < 7 else 0.5) for number in range(45)),
    )

    summary = world(market=market(chain=chain(quotes=quotes))).chain_summary

    assert summary.listed == 53
    counts = {"right": 1, "dte": 1, "data": 1, "quote": 2, "liquidity": 1, "greeks": 1, "kept_out": 6}
    assert summary.removed == counts
    assert list(summary.removed) == list(counts)
    assert (summary.passed, summary.hinted) == (46, 7)


def test_what_a_source_does_not_tell_stays_unknown_and_is_never_zero():
    nothing = dict.fromkeys(
        ("iv", "delta", "gamma", "theta", "vega", "open_interest", "volume", "bid_size", "ask_size")
    )
    inputs = world(market=market(chain=chain(quotes=(option(**nothing),))))

    (frozen,) = inputs.candidates
    assert {name: getattr(frozen, name) for name in nothing} == nothing
    assert inputs.chain_summary.atm_iv is None
    assert inputs.chain_summary.removed["data"] == 1
    assert round_trip(inputs) == inputs
    assert decide(round_trip(inputs)) == decide(inputs)


def test_who_worked_out_the_greeks_is_frozen():
    told = world(market=market(chain=chain(quotes=(option(greeks_source="alpaca"),)))).chain_summary
    mixed = (option(greeks_source="computed"), option(beyond=6, greeks_source="alpaca"), option(beyond=7))

    assert told.greeks_source == "alpaca"
    assert world(market=market(chain=chain(quotes=mixed))).chain_summary.greeks_source == "alpaca,computed"
    assert world().chain_summary.greeks_source == ""


def test_a_decision_frozen_before_hints_and_dealer_gamma_can_still_be_read():
    data = inputs_to_json(world())
    del data["gex_state"], data["chain_summary"]["hinted"], data["chain_summary"]["greeks_source"]

    assert inputs_from_json(data).gex_state is None


def test_a_number_that_is_not_finite_is_never_frozen():
    inputs = world(
        market=market(quote=quote(bid=Decimal("Infinity")), chain=chain(quotes=(option(delta=float("inf")),)))
    )

    assert (inputs.quote, inputs.candidates) == (None, ())
    assert inputs.market_problem == "the quote of SPY is not a number"


def test_d30_a_confidence_that_is_not_a_number_cannot_be_stored():
    inputs = world()
    broken = replace(inputs, signal=replace(signal_facts(), confidence=float("nan")))

    with pytest.raises(ValueError):
        inputs_hash(broken)


def test_negative_zero_is_zero():
    inputs = world(market=market(chain=chain(quotes=(option(theta=-0.000001),))))

    assert str(inputs.candidates[0].theta) == "0.0"


@pytest.mark.parametrize("data", [{}, {"frames": 1}, {"frames": {"columns": [], "rows": []}}])
def test_anything_else_cannot_be_read_back(data):
    with pytest.raises(ValueError):
        inputs_from_json(data)


@pytest.mark.parametrize(
    ("price", "text"),
    [("600.0000", "600"), ("1.2500", "1.25"), ("0.00005", "0"), ("0.00015", "0.0002"), ("1E+3", "1000"), ("0", "0")],
)
def test_prices_have_one_short_text(price, text):
    assert str(price_exact(Decimal(price))) == text


def test_a_stop_has_one_text_however_the_rule_spells_it():
    from_a_column = world(stop_loss_percent={Engine.B: Decimal("100"), Engine.A: Decimal("15.50")})
    plain = world(stop_loss_percent={Engine.A: Decimal("15.5"), Engine.B: Decimal("100.00")})

    assert inputs_to_json(from_a_column)["stop_loss_percent"] == {"A": "15.5", "B": "100"}
    assert inputs_hash(from_a_column) == inputs_hash(plain)
    assert round_trip(from_a_column).stop_loss_percent == {Engine.A: Decimal("15.5"), Engine.B: Decimal(100)}


def test_a_decision_without_a_stop_for_every_engine_is_not_frozen():
    with pytest.raises(KeyError):
        world(stop_loss_percent={Engine.A: Decimal(50)})


def test_the_context_keeps_its_scalars_only():
    context = {"b": {"c": 2, "d": [1]}, "a": "text", "e": None, "f": float("nan"), "g": True}

    assert world(context=context).context == {"a": "text", "b.c": 2.0, "g": True}
