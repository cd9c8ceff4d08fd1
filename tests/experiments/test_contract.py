"""The contract: filters at their thresholds, scores, the signal's own wish, and the fallback."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from experiments.contract import contract_for, contract_select
from experiments.contract_scores import first_failure, score
from experiments.contract_terms import chain_window, dte_policy, terms_build
from experiments.enums import ContractFilter, ContractSource, SetupType
from optionsengine.core.enums import Side
from tests.experiments.worlds import (
    AT,
    CONFIG,
    LATER,
    LIMITS,
    SOON,
    SPOT,
    candidate,
    chain,
    market,
    option,
    signal_facts,
    world,
)

WEEK_OUT = date(2026, 2, 20)
WEEK = (WEEK_OUT, *(date(2026, 2, day) for day in (23, 24, 25, 26, 27)))


def terms(side=Side.LONG, iv_percentile=None, gex_state=None, state=None, **signal):
    return terms_build(
        signal=signal_facts(side, **signal),
        at=AT,
        limits=LIMITS,
        config=CONFIG,
        iv_percentile=iv_percentile,
        bias=state,
        gex_state=gex_state,
    )


@pytest.mark.parametrize(
    ("setup", "window"),
    [
        (SetupType.SCALP_GUARDED, (3, 14)),
        (SetupType.SWING, (21, 90)),
        (SetupType.POSITION, (90, 180)),
        (SetupType.LEAPS, (180, 720)),
    ],
)
def test_each_setup_has_its_days_to_expiry(setup, window):
    policy = dte_policy(setup)

    assert (policy.minimum, policy.maximum) == window


def test_the_chain_asked_for_includes_the_signals_own_expiration():
    plain = chain_window(timeframe="5m", expiration=None, at=AT)
    own = chain_window(timeframe="5m", expiration=LATER, at=AT)

    assert (plain.minimum, plain.maximum) == (3, 14)
    assert own.minimum == 3
    assert 31 < own.maximum < 32


CASES = [
    ({}, None),
    ({"dte": 2.9999}, ContractFilter.DTE),
    ({"dte": 3.0}, None),
    ({"dte": 14.0}, None),
    ({"dte": 14.0001}, ContractFilter.DTE),
    ({"bid": Decimal(0)}, ContractFilter.QUOTE),
    ({"bid": Decimal("2.46")}, ContractFilter.QUOTE),
    ({"at": AT - timedelta(seconds=120)}, None),
    ({"at": AT - timedelta(seconds=121)}, ContractFilter.QUOTE),
    ({"bid": Decimal("2.40"), "ask": Decimal("2.60")}, None),  # exactly 8 %
    ({"bid": Decimal("2.399"), "ask": Decimal("2.60")}, ContractFilter.LIQUIDITY),
    ({"open_interest": 999}, ContractFilter.LIQUIDITY),
    ({"open_interest": 1000}, None),
    ({"volume": 499}, ContractFilter.LIQUIDITY),
    ({"volume": 500}, None),
    ({"delta": 0.4499}, ContractFilter.GREEKS),
    ({"delta": 0.45}, None),
    ({"delta": -0.65}, None),
    ({"delta": 0.6501}, ContractFilter.GREEKS),
    ({"theta": -0.48}, None),  # a day takes exactly 20 % of 2.40
    ({"theta": -0.481}, ContractFilter.GREEKS),
]


@pytest.mark.parametrize(("values", "expected"), CASES)
def test_a_scalps_filters(values, expected):
    assert first_failure(candidate(**values), terms()) == expected


SWING = {"expiration": LATER, "delta": 0.325}
SWING_CASES = [
    ({}, None),
    ({"dte": 20.9}, ContractFilter.DTE),
    ({"dte": 90.1}, ContractFilter.DTE),
    ({"bid": Decimal("2.35"), "ask": Decimal("2.65")}, None),  # exactly 12 %
    ({"bid": Decimal("2.34"), "ask": Decimal("2.65")}, ContractFilter.LIQUIDITY),
    ({"open_interest": 299}, ContractFilter.LIQUIDITY),
    ({"volume": 99}, ContractFilter.LIQUIDITY),
    ({"delta": 0.2499}, ContractFilter.GREEKS),
    ({"delta": 0.4001}, ContractFilter.GREEKS),
    ({"theta": -0.144}, None),  # five days take exactly 30 % of 2.40
    ({"theta": -0.145}, ContractFilter.GREEKS),
]


@pytest.mark.parametrize(("values", "expected"), SWING_CASES)
def test_a_swings_filters(values, expected):
    assert first_failure(candidate(**(SWING | values)), terms(timeframe="1h")) == expected


def test_the_six_scores():
    scored = score(candidate(delta=0.55, bid=Decimal("1.45"), ask=Decimal("1.55")), terms())

    # spread 6.67 % → 73.3, interest and volume full; decay 0.1 of 1.50 is 6.67 % of 20 %; $150 buys exactly one
    assert scored.scores == {"liquidity": 91, "greeks": 100, "theta": 67, "vega": 100, "cost": 100, "gex": 80}
    assert scored.overall == round(0.30 * 91 + 0.20 * 100 + 0.15 * 67 + 0.10 * 100 + 0.15 * 100 + 0.10 * 80)


@pytest.mark.parametrize(("gamma", "greeks"), [(0.05, 100), (0.0501, 60)])
def test_high_gamma_marks_the_greeks_down(gamma, greeks):
    assert score(candidate(delta=0.55, gamma=gamma), terms()).scores["greeks"] == greeks


@pytest.mark.parametrize(
    ("percentile", "vega", "expected"),
    [(None, 0.3, 100), (70.0, 0.3, 100), (70.1, 0.3, 60), (70.1, 0.15, 100)],
)
def test_rich_volatility_marks_a_sensitive_contract_down(percentile, vega, expected):
    assert score(candidate(vega=vega), terms(iv_percentile=percentile)).scores["vega"] == expected


def test_d28_cost_compares_dollars_per_contract_with_dollars():
    # the budget is 15 % of the $1000 daily loss limit; a premium of 3.00 costs $300
    dear = candidate(bid=Decimal("2.95"), ask=Decimal("3.05"))

    assert score(dear, terms()).scores["cost"] == 50


def choose(contracts, **signal):
    return contract_select(tuple(contracts), terms(**signal), SPOT)


def test_the_best_score_wins():
    poor, good = candidate(strike=Decimal(503), delta=0.46), candidate(strike=Decimal(501), delta=0.55)

    selection = choose([poor, good])

    assert (selection.contract, selection.source) == (good, ContractSource.SCORED)


def test_of_equal_scores_the_sooner_then_the_cheaper_side_wins():
    first, second = candidate(strike=Decimal(501)), candidate(strike=Decimal(502))

    assert choose([second, first]).contract == first
    assert choose([second, first], side=Side.SHORT).contract == second
    sooner = candidate(strike=Decimal(509), expiration=WEEK_OUT, dte=3.2)
    assert choose([first, sooner]).contract == sooner


POOR = {"volume": 0, "open_interest": 60}


@pytest.mark.parametrize(("side", "strike"), [(Side.LONG, 502), (Side.SHORT, 498)])
def test_nothing_fits_then_the_nearest_strike_at_or_beyond_spot(side, strike):
    listed = [candidate(strike=Decimal(each), **POOR) for each in (495, 498, 502, 505)]

    selection = choose(listed, side=side)

    assert (selection.contract.strike, selection.source) == (strike, ContractSource.FALLBACK)


def test_a_strike_at_spot_is_nearest_for_both_sides():
    listed = [candidate(strike=Decimal(each), **POOR) for each in (499, 500, 501)]

    assert {choose(listed, side=side).contract.strike for side in Side} == {500}


def test_the_fallback_takes_the_first_expiry_within_the_policy():
    too_soon = candidate(strike=Decimal(501), dte=1.2, **POOR)
    first = candidate(strike=Decimal(520), expiration=WEEK_OUT, dte=3.2, **POOR)
    later = candidate(strike=Decimal(501), dte=10.2, **POOR)

    assert choose([too_soon, later, first]).contract == first


@pytest.mark.parametrize(
    "broken",
    [
        {"bid": Decimal(0)},
        {"bid": Decimal("2.50")},
        {"at": AT - timedelta(seconds=121)},
        {"bid": Decimal(0), "ask": Decimal(0)},
    ],
)
def test_the_fallback_never_takes_an_unusable_quote(broken):
    selection = choose([candidate(strike=Decimal(501), **broken), candidate(strike=Decimal(505), **POOR)])

    assert (selection.contract, selection.source) == (None, None)
    assert "501) has no usable quote" in selection.problem


@pytest.mark.parametrize("side", Side)
def test_nothing_at_or_beyond_spot_is_no_contract(side):
    strike = 495 if side == Side.LONG else 505

    assert choose([candidate(strike=Decimal(strike), **POOR)], side=side).contract is None
    assert choose([], side=side).contract is None


def test_the_signals_own_contract_is_honoured_if_listed():
    best, own = candidate(strike=Decimal(501)), candidate(strike=Decimal(520), delta=0.1, **POOR)

    selection = choose([best, own], strike=Decimal("520.0000"), expiration=SOON)

    assert (selection.contract, selection.source) == (own, ContractSource.SIGNAL)


def test_the_signals_own_expiration_is_honoured_outside_the_policy():
    best, own = candidate(), candidate(strike=Decimal(501), expiration=LATER)

    assert choose([best, own], expiration=LATER).contract == own


def test_of_the_signals_own_expiration_the_best_that_fits_is_taken():
    near = candidate(strike=Decimal(501), expiration=LATER, delta=0.9)
    fits = candidate(strike=Decimal(505), expiration=LATER)

    assert choose([candidate(), near, fits], expiration=LATER).contract == fits


def test_the_signals_own_strike_is_looked_for_within_the_policy():
    best, own = candidate(strike=Decimal(501)), candidate(strike=Decimal(490), delta=0.8)
    outside = candidate(strike=Decimal(490), expiration=LATER)

    assert choose([best, own, outside], strike=Decimal(490)).contract == own
    assert choose([best, outside], strike=Decimal(490)).contract == best


def test_a_contract_that_is_not_listed_is_not_waited_for():
    best = candidate()

    selection = choose([best], strike=Decimal(777), expiration=SOON)

    assert (selection.contract, selection.source) == (best, ContractSource.SCORED)


def test_the_signals_own_contract_without_a_usable_quote_is_not_replaced():
    selection = choose([candidate(), candidate(strike=Decimal(520), bid=Decimal(0))], strike=Decimal(520))

    assert selection.contract is None
    assert selection.problem.startswith("the contract the alert asks for")


def test_without_a_chain_there_is_nothing_to_choose():
    assert contract_for(world(market=market(chain=None))) is None


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("wish", [{}, {"expiration": LATER}, {"strike": True}, {"strike": True, "expiration": LATER}])
def test_choosing_among_the_frozen_forty_is_choosing_among_all(side, wish):
    direction = 1 if side == Side.LONG else -1
    quotes = tuple(
        option(
            side, beyond=beyond, expiration=expiration, delta=max(0.02, 0.6 - abs(beyond) / 60), volume=500 + beyond * 9
        )
        for expiration in (*WEEK, LATER)
        for beyond in range(-40, 61, 1)
    )
    wish = {key: SPOT + direction * 37 if key == "strike" else value for key, value in wish.items()}
    inputs = world(side, signal=wish, market=market(side, chain=chain(side, quotes)))
    everything = [
        replace(
            candidate(expiration=each.contract.expiration),
            strike=each.contract.strike,
            delta=round(each.delta, 4),
            volume=each.volume,
        )
        for each in quotes
    ]

    assert len(inputs.candidates) == 40
    assert inputs.chain_summary.removed["kept_out"] > 0
    assert contract_for(inputs) == contract_select(everything, terms(side, state=inputs.bias, **wish), SPOT)
