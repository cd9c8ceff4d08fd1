"""Freezing: exact through JSON, within 16 KiB, nothing that is not finite."""

import json
from dataclasses import fields, replace
from datetime import date, timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bias.enums import MacroClass
from experiments.config import Limits
from experiments.decide import decide
from experiments.facts import (
    CorrelationFacts,
    Exposure,
    FlowFacts,
    GammaFacts,
    OpeningRange,
    SymbolRisk,
    VolatilityFacts,
)
from experiments.freeze import ChainFreezer, inputs_from_json, inputs_to_json
from experiments.models import MAX_INPUT_BYTES
from experiments.settle import price_exact
from optionsengine.core.canonical import canonical_hash
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
    context,
    correlation,
    exposure,
    flow,
    frame,
    gamma,
    market,
    opening_range,
    option,
    quote,
    signal_facts,
    volatility,
    world,
)

TIMEFRAMES = ("5m", "15m", "1h", "4h", "1d")


def full_book(**values):
    """Twelve symbols with both sides and forty expirations, as many as are frozen."""
    amounts = Decimal("-123456.789"), Decimal("98765432.1234")
    return exposure(
        by_side={Side.SHORT: 6, Side.LONG: 18},
        symbol_by_side={Side.LONG: 2},
        expirations={SOON + timedelta(days=day): day + 1 for day in range(40)},
        symbols=tuple(
            SymbolRisk(f"ABCDEFGHIJ.K{chr(65 + number)}", Side.LONG, 2, amounts[number % 2]) for number in range(12)
        ),
        dollar_delta=Decimal("-1234567.8912"),
        dollar_gamma=Decimal("98765.4321"),
        dollar_vega=Decimal("-1234.5678"),
        dollar_theta=Decimal("-987.6543"),
        without_greeks=3,
        frozen_until=AT + timedelta(microseconds=123456),
        day_start_equity=Decimal("101234.56"),
        **values,
    )


def hash_of(inputs):
    return canonical_hash(inputs_to_json(inputs))


def round_trip(inputs):
    return inputs_from_json(json.loads(json.dumps(inputs_to_json(inputs))))


@pytest.mark.parametrize(
    "inputs",
    [
        world(),
        world(Side.SHORT, signal={"timeframe": "1h", "strike": Decimal("480.5"), "expiration": LATER, "quantity": 3}),
        world(signal={"confidence": None, "price": None}, bias=None, config=replace(CONFIG, require_bias=False)),
        world(market=market(quote=None, chain=None, frames={}, problem="no_data: nothing today")),
        world(limits=Limits(max_daily_trades=7), market=market(volatility=volatility(iv_percentile=33.3))),
        world(context=context(vix=15.5, market_bias="BULLISH")),
        world(market=market(gamma=gamma(state=GexState.NEGATIVE_HIGH))),
        world(market=market(missing=("flow: no prints in the last hour", "gamma: no puts are listed"))),
        world(
            Side.SHORT,
            market=market(
                Side.SHORT,
                gamma=gamma(zero_gamma=Decimal("498.1234"), source="event", volatility_bias="EXPANSION_LIKELY"),
                flow=flow(Side.SHORT),
                volatility=volatility(iv_rank=None, skew=2.5, term=-1.25),
                opening_range=opening_range(),
                correlation=correlation(pairs={"QQQ": 0.91, "AAPL": -0.2, "DIA": 1.0}),
            ),
            context=context(),
            exposure=full_book(),
        ),
    ],
)
def test_json_gives_back_an_equal_value_and_an_equal_decision(inputs):
    again = round_trip(inputs)

    assert again == inputs
    assert hash_of(again) == hash_of(inputs)
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

    assert hash_of(inputs_from_json(dict(reversed(data.items())))) == hash_of(inputs)
    assert hash_of(replace(inputs, at=AT + timedelta(microseconds=1))) != hash_of(inputs)


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
    dollars = ("close", "ema8", "ema21", "ema48", "ema21_seeded", "vwap", "macd_hist", "macd_hist_prev", "atr")
    percents = ("rsi", "bb_position", "bb_width_percentile", "adx", "plus_di", "minus_di", "atr_percentile")
    values = dict.fromkeys(dollars, 12345.678901) | dict.fromkeys(percents, 12.345678)
    prices = {"highs": (12345.678901,) * 4, "lows": (12345.678901,) * 4, "squeeze_momentum": -12345.678901}
    frames = {name: frame(timeframe=name, **values, **prices, squeeze_on=False) for name in TIMEFRAMES}
    inputs = world(
        signal={"symbol": symbol, "pattern": "p" * 100, "strike": Decimal("1000.1250"), "expiration": SOON},
        market=market(
            chain=chain(quotes=quotes),
            frames=frames,
            problem=long,
            gamma=gamma(
                net_gex=-123456789012.3456789,
                zero_gamma=Decimal("12345.123456"),
                call_wall=Decimal("12345.125"),
                put_wall=Decimal("12345.125"),
                volatility_bias="COMPRESSION_LIKELY",
            ),
            flow=flow(call_premium=Decimal("123456789012.34"), put_premium=Decimal("123456789012.34")),
            volatility=volatility(**dict.fromkeys(("atm_iv", "iv_percentile", "iv_rank", "realized"), 12.34567891)),
            opening_range=opening_range(high=12345.6789, low=12345.6789),
            correlation=correlation(
                pairs={f"ABCDEFGHIJ.K{chr(65 + each)}": -0.1234 for each in range(20)}, beta=-1.2345
            ),
            missing=(long,) * 12,
        ),
        bias=bias(
            entry_mode_hint=long,
            trend_phase=long,
            source=long,
            atr_state=long,
            event_type=long,
            macro_class=MacroClass.BREAKDOWN_CONFIRMED,
            **dict.fromkeys(("bias_score", "resolved_score", "chop_score", "strength_delta"), -12.3456789),
        ),
        context=context(vix=99.1234, vix_regime="r" * 20, vix_trend="t" * 20, market_bias="b" * 20),
        exposure=full_book(),
        limits=Limits(max_daily_trades=1000),
        stop_loss_percent={Engine.A: Decimal("33.33"), Engine.B: Decimal("66.67")},
        config=replace(CONFIG, disabled_agents=tuple(f"correlation_{number}" for number in range(12))),
    )

    assert len(inputs.candidates) == 40
    assert (len(inputs.correlation.pairs), len(inputs.market_problem), inputs.missing) == (12, 200, ())
    assert decide(round_trip(inputs)) == decide(inputs)
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


def test_a_chain_that_is_frozen_once_for_many_gives_each_its_own():
    chains, listed = ChainFreezer(), chain()
    signals = [{}, {"strike": Decimal(505)}, {"timeframe": "1h"}, {"id": UUID(int=2)}, {}]
    states = [None, bias(confidence=0.9), bias(confidence=0.1)]

    for told in signals:
        for state in states:
            shared = world(signal=told, bias=state, market=market(chain=listed), chains=chains)
            assert shared == world(signal=told, bias=state, market=market(chain=listed))
    cheaper = world(limits=Limits(max_daily_loss=Decimal(10)), market=market(chain=listed), chains=chains)
    assert cheaper.chain_summary == world(limits=Limits(max_daily_loss=Decimal(10))).chain_summary
    other = chain(quotes=(option(beyond=3),))
    assert len(world(market=market(chain=other), chains=chains).candidates) == 1


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


@pytest.mark.parametrize("missing", ["frames", "candidates", "exposure", "gamma", "context", "config"])
def test_a_row_of_an_older_shape_is_told_from_this_one(missing):
    data = inputs_to_json(world())
    del data[missing]

    with pytest.raises(ValueError, match=missing):
        inputs_from_json(data)


def test_a_row_frozen_before_the_books_were_kept_by_symbol_cannot_be_read_back():
    data = inputs_to_json(world())
    del data["exposure"]["symbols"]

    with pytest.raises(ValueError, match=r"not frozen decision inputs of this version: KeyError\('symbols'\)"):
        inputs_from_json(data)


def test_a_row_frozen_before_missing_facts_were_named_can_still_be_read():
    data = inputs_to_json(world())
    del data["missing"]

    assert inputs_from_json(data).missing == ()


ANY_FLOAT = st.floats(min_value=-(10**12), max_value=10**12)
MONEY = st.decimals(min_value=-(10**12), max_value=10**12, places=6)
SIDES = st.none() | st.sampled_from(Side)
MOMENTS = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=2)).map(lambda age: AT - age)
GAMMAS = st.builds(
    GammaFacts,
    net_gex=ANY_FLOAT,
    state=st.sampled_from(GexState),
    zero_gamma=st.none() | MONEY,
    call_wall=st.none() | MONEY,
    put_wall=st.none() | MONEY,
    volatility_bias=st.text("EXPANSION_LIKELY", max_size=80),
    source=st.sampled_from(["chain", "event"]),
    at=MOMENTS,
)
FLOWS = st.builds(
    FlowFacts,
    prints=st.integers(1, 10**6),
    call_premium=MONEY,
    put_premium=MONEY,
    call_volume=MONEY,
    put_volume=MONEY,
    premium_side=SIDES,
    volume_side=SIDES,
    sentiment_side=SIDES,
    strength=ANY_FLOAT,
    newest_at=MOMENTS,
)
VOLATILITIES = st.builds(VolatilityFacts, **{each.name: st.none() | ANY_FLOAT for each in fields(VolatilityFacts)})
RANGES = st.builds(OpeningRange, high=ANY_FLOAT, low=ANY_FLOAT, minutes=st.just(30))
WORDS = st.text("ABCXYZ.", min_size=1, max_size=13)
CORRELATIONS = st.builds(
    CorrelationFacts, pairs=st.dictionaries(WORDS, ANY_FLOAT, max_size=20), beta=st.none() | ANY_FLOAT
)
RISKS = st.builds(
    SymbolRisk, symbol=WORDS, side=st.sampled_from(Side), positions=st.integers(0, 99), dollar_delta=MONEY
)
BOOKS = st.builds(
    exposure,
    equity=MONEY,
    by_side=st.dictionaries(st.sampled_from(Side), st.integers(0, 99)),
    expirations=st.dictionaries(st.dates(date(2026, 1, 1), date(2028, 1, 1)), st.integers(1, 9), max_size=45),
    symbols=st.lists(RISKS, max_size=14).map(tuple),
    dollar_gamma=MONEY,
    frozen_until=st.none() | MOMENTS,
    day_start_equity=st.none() | MONEY,
)


@settings(max_examples=80, deadline=None)
@given(
    dealers=st.none() | GAMMAS,
    prints=st.none() | FLOWS,
    smile=st.none() | VOLATILITIES,
    first=st.none() | RANGES,
    returns=st.none() | CORRELATIONS,
    book=BOOKS,
    missing=st.lists(st.text(max_size=80), max_size=6).map(tuple),
    squeeze=st.none() | ANY_FLOAT.map(lambda number: round(number, 6) + 0.0),
)
def test_every_fact_survives_json_exactly_whatever_its_numbers(
    dealers, prints, smile, first, returns, book, missing, squeeze
):
    frames = {"5m": frame(squeeze_on=squeeze is None, squeeze_momentum=squeeze), "1d": frame(timeframe="1d")}
    facts = {"gamma": dealers, "flow": prints, "volatility": smile, "opening_range": first, "correlation": returns}
    inputs = world(market=market(frames=frames, missing=missing, **facts), exposure=book)

    text = json.dumps(inputs_to_json(inputs), sort_keys=True)
    assert "-0.0," not in text
    again = round_trip(inputs)
    assert again == inputs
    assert json.dumps(inputs_to_json(again), sort_keys=True) == text
    # a column of JSON keeps the shortest keys first, whatever order they came in
    shuffled = json.loads(
        text, object_pairs_hook=lambda pairs: dict(sorted(pairs, key=lambda pair: (len(pair[0]), pair)))
    )
    assert list(inputs_from_json(shuffled).exposure.expirations) == list(inputs.exposure.expirations)
    assert json.dumps(inputs_to_json(inputs_from_json(shuffled)), sort_keys=True) == text
    assert hash_of(inputs_from_json(shuffled)) == hash_of(inputs)


def test_the_facts_are_rounded_before_anything_is_decided_by_them():
    state = bias(strength_delta=-0.0000001, macro_drift=1 / 3)
    inputs = world(
        bias=state,
        market=market(volatility=volatility(iv_percentile=70.0000004), gamma=gamma(zero_gamma=Decimal("-0.00001"))),
        exposure=exposure(daily_pnl=Decimal("-0.00"), equity=Decimal("100000.00")),
    )

    assert inputs.iv_percentile == 70.0  # at the limit of a rich volatility, not above it
    assert (str(inputs.bias.strength_delta), inputs.bias.macro_drift) == ("0.0", 0.333333)
    assert str(inputs.gamma.zero_gamma) == str(inputs.exposure.daily_pnl) == "0"
    assert str(inputs.exposure.equity) == "100000"


def test_the_books_are_cut_to_their_largest_symbols_and_soonest_expirations():
    book = full_book()
    more = replace(
        book,
        symbols=(*book.symbols, SymbolRisk("SMALL", Side.LONG, 1, Decimal(1))),
        expirations={date(2028, 1, 21): 1, **book.expirations},
    )

    frozen = world(exposure=more).exposure

    assert [each.symbol for each in frozen.symbols] == [each.symbol for each in book.symbols]
    assert frozen.expirations == book.expirations


@pytest.mark.parametrize(
    ("missing", "kept"),
    [
        (("a", "b"), ("a", "b")),
        (("x" * 60,), ("x" * 60,)),
        (("x" * 61, "b"), ("x" * 60, "b")),
        (("x" * 50,) * 4, ("x" * 50,) * 4),
        (("x" * 50,) * 5, ("x" * 50,) * 4),
        (("x" * 60,) * 4, ("x" * 60, "x" * 60, "x" * 60, "x" * 20)),
    ],
)
def test_what_is_missing_is_named_in_two_hundred_characters(missing, kept):
    assert world(market=market(missing=missing)).missing == kept
    assert world(market=market(missing=missing, problem="y" * 199)).missing == (missing[0][:1],)


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
        hash_of(broken)


def test_negative_zero_is_zero():
    inputs = world(market=market(chain=chain(quotes=(option(theta=-0.000001),))))

    assert str(inputs.candidates[0].theta) == "0.0"


@pytest.mark.parametrize("data", [{}, {"frames": 1}, {"frames": {"columns": [], "rows": []}}])
def test_anything_else_cannot_be_read_back(data):
    with pytest.raises(ValueError):
        inputs_from_json(data)


@pytest.mark.parametrize(
    ("price", "text"),
    [
        ("600.0000", "600"),
        ("1.2500", "1.25"),
        ("0.00005", "0"),
        ("0.00015", "0.0002"),
        ("1E+3", "1000"),
        ("0", "0"),
        ("-0.00", "0"),
        ("-0.00001", "0"),
    ],
)
def test_prices_have_one_short_text(price, text):
    assert str(price_exact(Decimal(price))) == text


def test_a_stop_has_one_text_however_the_rule_spells_it():
    from_a_column = world(stop_loss_percent={Engine.B: Decimal("100"), Engine.A: Decimal("15.50")})
    plain = world(stop_loss_percent={Engine.A: Decimal("15.5"), Engine.B: Decimal("100.00")})

    assert inputs_to_json(from_a_column)["stop_loss_percent"] == {"A": "15.5", "B": "100"}
    assert hash_of(from_a_column) == hash_of(plain)
    assert round_trip(from_a_column).stop_loss_percent == {Engine.A: Decimal("15.5"), Engine.B: Decimal(100)}


def test_a_decision_without_a_stop_for_every_engine_is_not_frozen():
    with pytest.raises(KeyError):
        world(stop_loss_percent={Engine.A: Decimal(50)})
