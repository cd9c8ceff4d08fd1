"""What is recorded of a choice: every listed contract in one count, the five best, what the chosen one breaks, why."""

from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import transaction

from experiments.contract import contract_for, contract_select
from experiments.contract_scores import NEEDED, failures, first_failure, gex_score, score
from experiments.contract_terms import terms_build
from experiments.decide import decide
from experiments.engines.tiers import liquidity_of
from experiments.enums import ContractFilter, ContractSource, LiquidityState, SizeCap
from experiments.models import DecisionRound
from experiments.replay import decision_replay
from experiments.services import decision_record
from experiments.sizing import size
from optionsengine.core.enums import Engine, Side
from optionsengine.market.analysis_enums import GexState
from tests.experiments.worlds import (
    AT,
    CONFIG,
    LATER,
    LIMITS,
    SPOT,
    bias,
    candidate,
    chain,
    gamma,
    market,
    option,
    signal_facts,
    world,
)
from tests.factories import experiment, signal


def terms(side=Side.LONG, gex_state=None, iv_percentile=None, **values):
    return terms_build(
        signal=signal_facts(side, **values),
        at=AT,
        limits=LIMITS,
        config=CONFIG,
        iv_percentile=iv_percentile,
        gex_state=gex_state,
    )


def explained(inputs, engine=Engine.A):
    return decide(inputs).engines[engine].explanation["contract"]


@pytest.mark.parametrize("name", NEEDED)
def test_a_contract_of_which_a_needed_value_is_not_told_fits_nothing(name):
    unknown = candidate(**{name.replace(" ", "_"): None})

    assert first_failure(unknown, terms()) == ContractFilter.DATA
    assert [words for _, words in failures(unknown, terms())] == [
        f"the source does not tell {name}",
    ]


def test_the_days_to_expiry_are_asked_before_the_data_and_the_data_before_the_quote():
    blind = candidate(dte=20.0, volume=None, bid=Decimal(0))

    assert [name for name, _ in failures(blind, terms())] == [
        ContractFilter.DTE,
        ContractFilter.DATA,
        ContractFilter.QUOTE,
    ]


def test_sizes_and_volatility_are_not_needed():
    assert first_failure(candidate(bid_size=None, ask_size=None, iv=None), terms()) is None


def test_an_unknown_value_has_no_score_and_leaves_no_overall():
    scored = score(candidate(open_interest=None, theta=None), terms())

    assert scored.scores == {"liquidity": None, "greeks": 90, "theta": None, "vega": 100, "cost": 62, "gex": 80}
    assert scored.overall is None
    assert score(candidate(vega=None), terms(iv_percentile=80.0)).scores["vega"] is None
    assert score(candidate(gamma=None), terms()).scores["greeks"] is None


def test_an_unknown_contract_is_taken_as_the_fallback_and_says_what_is_not_known():
    selection = contract_select((candidate(strike=Decimal(501), delta=None),), terms(), SPOT)

    assert (selection.source, selection.overall) == (ContractSource.FALLBACK, None)
    assert selection.violations == ("data: the source does not tell delta",)


@pytest.mark.parametrize(
    ("side", "state", "expected"),
    [
        (Side.LONG, None, 80),
        (Side.SHORT, None, 80),
        (Side.LONG, GexState.NEUTRAL, 80),
        (Side.SHORT, GexState.NEUTRAL, 80),
        (Side.LONG, GexState.POSITIVE_HIGH, 40),
        (Side.SHORT, GexState.POSITIVE_HIGH, 60),
        (Side.LONG, GexState.NEGATIVE_HIGH, 60),
        (Side.SHORT, GexState.NEGATIVE_HIGH, 40),
        (Side.LONG, GexState.POSITIVE_LOW, 60),
        (Side.SHORT, GexState.NEGATIVE_LOW, 60),
    ],
)
def test_dealer_gamma_in_the_score(side, state, expected):
    assert gex_score(terms(side, gex_state=state)) == expected
    assert contract_for(world(side, market=market(side, gamma=gamma(state=state)))).scores["gex"] == expected


@pytest.mark.parametrize("state", GexState)
def test_the_state_of_dealer_gamma_is_frozen_and_decides_the_score_alone(state):
    plain, known = world(), world(market=market(gamma=gamma(state=state)))

    assert known.gex_state == state
    assert contract_for(known).contract == contract_for(plain).contract


def test_a_choice_by_score_is_explained_in_full():
    told = explained(world(bias=bias(confidence=0.6)))

    assert (told["source"], told["problem"], told["violations"]) == (ContractSource.SCORED, "", [])
    assert told["reason"] == "the best score of those that fit where the fair hint of the bias points"
    assert told["hint"] == {
        "strength": "fair",
        "why": "BULLISH at confidence 0.6, regime TREND",
        "delta": [0.45, 0.55],
        "dte": [7.0, 14.0],
        "passed": 2,
    }
    assert (told["listed"], told["passed"], told["spot"]) == (12, 5, SPOT)
    assert told["removed"] == {"right": 0, "dte": 6, "data": 0, "quote": 0, "liquidity": 0, "greeks": 1}
    assert [(each["strike"], each["is_hinted"]) for each in told["best"]] == [
        (Decimal(503), True),
        (Decimal(505), True),
        (Decimal(502), False),
        (Decimal(501), False),
        (Decimal(500), False),
    ]
    assert told["best"][0]["scores"] == told["scores"]
    assert told["best"][0]["overall"] == told["overall"]


def test_only_five_are_told():
    quotes = tuple(option(beyond=number, delta=0.5) for number in range(9))

    told = explained(world(market=market(chain=chain(quotes=quotes))))

    assert [each["strike"] for each in told["best"]] == [Decimal(500 + number) for number in range(5)]


def test_the_signals_own_contract_outside_the_policy_says_so():
    own = option(beyond=20, expiration=LATER, delta=0.1, volume=3)
    wish = {"strike": own.contract.strike, "expiration": LATER}

    told = explained(world(signal=wish, market=market(chain=chain(quotes=(option(), own)))))

    assert told["source"] == ContractSource.SIGNAL
    assert told["reason"] == (
        "the nearest to spot, though it does not fit, of what the alert asks for (2026-03-20, 520)"
    )
    assert told["violations"] == [
        "dte: 31.1667 days to expiry, not 3 to 14",
        "liquidity: volume 3 below 500",
        "greeks: delta 0.1 outside ±0.45 to 0.65",
    ]
    assert [each["strike"] for each in told["best"]] == [Decimal(505)]


def test_the_ledger_says_what_the_chosen_contract_breaks():
    own = option(beyond=20, expiration=LATER)
    wish = {"strike": own.contract.strike, "expiration": LATER}
    decision = decide(world(signal=wish, market=market(chain=chain(quotes=(own,)))))
    within = decide(world())

    assert (
        decision.engines[Engine.A].gates[1].message == "outside the policy by dte: 31.1667 days to expiry, not 3 to 14"
    )
    assert within.engines[Engine.A].gates[1].message == ""


def test_the_signals_own_contract_within_the_policy_breaks_nothing():
    told = explained(world(signal={"strike": Decimal(502)}))

    assert (told["source"], told["violations"]) == (ContractSource.SIGNAL, [])
    assert told["reason"] == "the best that fits of what the alert asks for (502)"


def test_the_fallback_says_what_it_breaks():
    told = explained(world(market=market(chain=chain(quotes=(option(volume=1, ask=Decimal("2.80")),)))))

    assert (told["source"], told["best"], told["passed"]) == (ContractSource.FALLBACK, [], 0)
    assert told["reason"].startswith("nothing listed fits: the nearest strike at or beyond spot")
    assert told["violations"] == ["liquidity: spread 17.48 % above 8 %", "liquidity: volume 1 below 500"]


def test_no_contract_at_all_says_why():
    told = explained(world(market=market(chain=chain(quotes=(option(beyond=-5, volume=1),)))))

    assert (told["source"], told["reason"]) == (None, "")
    assert told["problem"] == "no listed strike lies at or beyond the spot price"
    assert told["removed"]["liquidity"] == 1


def test_d28_each_contract_counts_for_its_first_filter_only():
    # it breaks every filter, and the reference reported the later stages too when the first left nothing
    broken = option(beyond=5, expiration=LATER, volume=0, delta=0.01, bid=Decimal(0))

    told = explained(world(market=market(chain=chain(quotes=(broken,)))))

    assert told["removed"] == {"right": 0, "dte": 1, "data": 0, "quote": 0, "liquidity": 0, "greeks": 0}


def test_d28_a_cheap_scalp_is_judged_by_its_real_spread():
    # the reference quoted every contract up to a dollar 10 % wide, more than a scalp's 8 %
    cheap = candidate(bid=Decimal("0.49"), ask=Decimal("0.51"), theta=-0.05)
    wide = replace(cheap, bid=Decimal("0.45"), ask=Decimal("0.55"))

    assert first_failure(cheap, terms()) is None
    assert first_failure(wide, terms()) == ContractFilter.LIQUIDITY


def test_an_unknown_open_interest_is_low_liquidity_and_sizes_one_contract():
    unknown = candidate(open_interest=None)

    assert liquidity_of(unknown) == LiquidityState.LOW
    assert liquidity_of(candidate(open_interest=None, ask=Decimal("2.80"))) == LiquidityState.ILLIQUID
    sizing = size(world(), unknown, Engine.A)
    assert (sizing.quantity, sizing.binding) == (1, SizeCap.OPEN_INTEREST)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "inputs",
    [
        world(),
        world(Side.SHORT, market=market(Side.SHORT, gamma=gamma(state=GexState.NEGATIVE_HIGH))),
        world(signal={"expiration": LATER}),
        world(market=market(chain=chain(quotes=(option(volume=None, iv=None), option(beyond=6, theta=None))))),
    ],
)
def test_d28_the_explanation_is_stored_and_replayed_byte_for_byte(inputs):
    assigned = experiment(signal=signal(side=inputs.signal.side), variant=inputs.variant)
    with transaction.atomic():
        stored = decision_record(experiment=assigned, inputs=inputs, decision=decide(inputs), at=AT)
    advice = stored.recommendations.get(engine="A")
    advice.refresh_from_db()

    told = advice.explanation["contract"]
    assert sum(told["removed"].values()) + told["passed"] == told["listed"]
    assert (len(told["best"]), told["reason"] != "") == (min(told["passed"], 5), True)
    assert decision_replay(DecisionRound.objects.get(pk=stored.pk)).is_same

    advice.explanation["contract"]["best"] = []
    advice.explanation["contract"]["reason"] = "forged"
    advice.save()
    result = decision_replay(DecisionRound.objects.get(pk=stored.pk))
    assert not result.is_same
    assert result.differences[0].startswith("recommendation A, explanation: stored ")
