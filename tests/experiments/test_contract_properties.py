"""What holds for every chain: only what is listed, nothing outside the policy unsaid, mirrors, and no miscount."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bias.enums import Bias, Regime
from experiments.contract import contract_for, contract_select
from experiments.contract_scores import failures, first_failure, ordered, score
from experiments.contract_terms import terms_build
from experiments.enums import ContractSource
from optionsengine.core.enums import Side
from optionsengine.market.analysis_enums import GexState
from tests.experiments.worlds import (
    AT,
    CONFIG,
    LATER,
    LIMITS,
    SOON,
    SPOT,
    bias,
    candidate,
    chain,
    market,
    option,
    signal_facts,
    world,
)

EXPIRATIONS = (date(2026, 2, 18), date(2026, 2, 20), SOON, LATER, date(2026, 4, 17), date(2026, 6, 18))
FEW = settings(max_examples=40, deadline=None)

sides = st.sampled_from(list(Side))
timeframes = st.sampled_from(["5m", "1h", "1w"])
values = st.fixed_dictionaries(
    {
        "delta": st.none() | st.integers(5, 80).map(lambda cents: cents / 100),
        "bid": st.sampled_from([Decimal(0), Decimal("0.40"), Decimal("2.20"), Decimal("2.38"), Decimal("2.46")]),
        "ask": st.sampled_from([Decimal("0.42"), Decimal("2.45"), Decimal("2.60")]),
        "gamma": st.none() | st.sampled_from([0.01, 0.03, 0.06]),
        "theta": st.none() | st.sampled_from([-0.001, -0.02, -0.1, -0.6]),
        "vega": st.none() | st.sampled_from([0.1, 0.3]),
        "open_interest": st.none() | st.sampled_from([0, 299, 300, 999, 1000, 5000]),
        "volume": st.none() | st.sampled_from([0, 99, 100, 499, 500, 900]),
        "at": st.sampled_from([AT, AT - timedelta(seconds=120), AT - timedelta(seconds=121)]),
    }
)
good = st.fixed_dictionaries(
    {
        "delta": st.integers(20, 70).map(lambda cents: cents / 100),
        "bid": st.sampled_from([Decimal("2.30"), Decimal("2.38")]),
        "open_interest": st.sampled_from([300, 1000, 5000]),
        "volume": st.sampled_from([100, 500, 900]),
    }
)
places = st.tuples(st.sampled_from(EXPIRATIONS), st.integers(-8, 12))
FITTING = {(SOON, 14): {"delta": 0.5}}  # so that something fits a scalp
boards = st.dictionaries(places, good | values, max_size=10)
states = st.none() | st.builds(
    bias,
    confidence=st.sampled_from([0.3, 0.6, 0.8]),
    bias=st.sampled_from(list(Bias)),
    regime_type=st.sampled_from([Regime.TREND, Regime.RANGE]),
)
wishes = st.fixed_dictionaries(
    {}, optional={"strike": st.integers(492, 512).map(Decimal), "expiration": st.sampled_from(EXPIRATIONS)}
)


def quotes_of(side, board):
    return tuple(option(side, beyond=beyond, expiration=day, **each) for (day, beyond), each in board.items())


def listed_of(board):
    return tuple(candidate(strike=SPOT + beyond, expiration=day, **each) for (day, beyond), each in board.items())


def terms_of(side=Side.LONG, state=None, iv_percentile=None, gex_state=None, **signal):
    return terms_build(
        signal=signal_facts(side, **signal),
        at=AT,
        limits=LIMITS,
        config=CONFIG,
        iv_percentile=iv_percentile,
        bias=state,
        gex_state=gex_state,
    )


@FEW
@given(sides, timeframes, boards, states, wishes)
def test_never_an_unlisted_contract_and_never_one_without_a_price(side, timeframe, board, state, wish):
    quotes = quotes_of(side, board)
    inputs = world(
        side, signal={"timeframe": timeframe, **wish}, bias=state, market=market(side, chain=chain(side, quotes))
    )
    selection = contract_for(inputs)
    if selection.contract is None:
        assert (selection.source, bool(selection.problem)) == (None, True)
        return
    listed = {(quote.contract.expiration, quote.contract.strike): quote for quote in quotes}
    quote = listed[selection.contract.expiration, selection.contract.strike]
    assert (quote.bid, quote.ask, quote.delta) == (
        selection.contract.bid,
        selection.contract.ask,
        selection.contract.delta,
    )
    assert 0 < quote.bid <= quote.ask


@FEW
@given(sides, timeframes, boards, states, wishes)
def test_never_outside_the_policy_without_saying_so(side, timeframe, board, state, wish):
    terms = terms_of(side, state, timeframe=timeframe, **wish)
    selection = contract_select(listed_of(board), terms, SPOT)
    chosen = selection.contract
    if chosen is None:
        assert (selection.violations, selection.reason) == ((), "")
        return
    broken = [f"{name.value}: {words}" for name, words in failures(chosen, terms)]
    unheard = terms.has_wish and selection.source != ContractSource.SIGNAL
    assert list(selection.violations[unheard:]) == broken
    assert [told.startswith("wish: what the alert asks for") for told in selection.violations[:unheard]] == (
        [True] if unheard else []
    )
    if unheard:
        assert selection.violations[0].endswith(
            "is not listed" + (" at or beyond spot" if terms.strike is None else "")
        )
        way = 1 if side == Side.LONG else -1  # without a strike of its own only those at or beyond spot are asked for
        asked = [each for each in listed_of(board) if terms.strike is not None or way * (each.strike - SPOT) >= 0]
        assert not any(terms.wishes(each) for each in asked)
    if broken:
        assert selection.source in (ContractSource.SIGNAL, ContractSource.FALLBACK)
        assert (selection.source == ContractSource.SIGNAL) is terms.wishes(chosen)
    if selection.source == ContractSource.SCORED:
        assert first_failure(chosen, terms) is None
        assert chosen == selection.best[0].contract
    if selection.source == ContractSource.FALLBACK:
        assert terms.rules.dte.allows(chosen.dte)
        assert not selection.best


@FEW
@given(
    timeframes,
    boards,
    states,
    wishes,
    st.sampled_from([None, GexState.POSITIVE_HIGH, GexState.NEUTRAL, GexState.POSITIVE_LOW]),
    st.sampled_from([None, 50.0, 90.0]),
)
def test_mirrored_chains_give_mirrored_choices(timeframe, board, state, wish, gamma, percentile):
    turned_gamma = None if gamma is None else GexState(gamma.value.replace("POSITIVE", "NEGATIVE"))
    flip = {Bias.BULLISH: Bias.BEARISH, Bias.BEARISH: Bias.BULLISH, Bias.NEUTRAL: Bias.NEUTRAL}
    turned_state = None if state is None else replace(state, bias=flip[state.bias])
    turned_wish = wish | ({"strike": 2 * SPOT - wish["strike"]} if "strike" in wish else {})
    calls = listed_of(board)
    puts = tuple(
        replace(each, strike=2 * SPOT - each.strike, delta=None if each.delta is None else -each.delta)
        for each in calls
    )
    up = contract_select(calls, terms_of(Side.LONG, state, percentile, gamma, timeframe=timeframe, **wish), SPOT)
    down = contract_select(
        puts, terms_of(Side.SHORT, turned_state, percentile, turned_gamma, timeframe=timeframe, **turned_wish), SPOT
    )
    assert (up.source, up.scores, up.overall) == (down.source, down.scores, down.overall)
    assert (up.contract is None) is (down.contract is None)
    assert [each.overall for each in up.best] == [each.overall for each in down.best]
    if up.contract is not None:
        assert (up.contract.expiration, up.contract.strike - SPOT) == (
            down.contract.expiration,
            SPOT - down.contract.strike,
        )
        # a put's delta is written with its sign, all else alike
        assert len(up.violations) == len(down.violations)


@FEW
@given(sides, boards, states, places, good | values)
def test_a_worse_contract_never_changes_the_choice(side, board, state, place, value):
    terms = terms_of(side, state)
    board = {key: each for key, each in (FITTING | board).items() if key != place}
    listed, (added,) = listed_of(board), listed_of({place: value})
    before = contract_select(listed, terms, SPOT)
    assert before.source == ContractSource.SCORED
    fits = first_failure(added, terms) is None
    assume(not fits or ordered([before.best[0], score(added, terms)], side)[0].contract == before.contract)
    for crowd in ((*listed, added), (added, *listed)):
        after = contract_select(crowd, terms, SPOT)
        assert (after.contract, after.source, after.scores) == (before.contract, before.source, before.scores)


@FEW
@given(
    boards,
    states,
    st.integers(1, 30),
    st.sampled_from(["bid", "open_interest", "volume", "theta"]),
)
def test_a_copy_that_is_worse_in_one_thing_and_dearer_by_place_is_never_taken_instead(board, state, beyond, thing):
    terms = terms_of(Side.LONG, state)
    listed = listed_of(FITTING | board)
    best = contract_select(listed, terms, SPOT).contract
    worse = {
        "bid": best.bid - Decimal("0.05"),
        "open_interest": best.open_interest // 2,
        "volume": best.volume // 2,
        "theta": best.theta * 2,
    }
    copy = replace(best, strike=best.strike + 20 + beyond, **{thing: worse[thing]})
    assert contract_select((copy, *listed), terms, SPOT).contract == best


@FEW
@given(sides, timeframes, boards, boards, states)
def test_every_listed_contract_is_in_one_count(side, timeframe, board, others, state):
    quotes = (*quotes_of(side, board), *quotes_of(side.opposite, others))
    inputs = world(side, signal={"timeframe": timeframe}, bias=state, market=market(side, chain=chain(side, quotes)))
    summary = inputs.chain_summary
    counts = dict(summary.removed)
    assert counts["right"] == len(others)
    assert counts.pop("kept_out") == 0
    assert sum(counts.values()) + summary.passed == summary.listed == len(quotes)
    terms = terms_of(side, state, timeframe=timeframe)
    seen = [first_failure(each, terms) for each in inputs.candidates]
    assert {name.value: seen.count(name) for name in set(seen) - {None}} == {
        name: count for name, count in counts.items() if count and name != "right"
    }
    assert summary.passed == seen.count(None)


@FEW
@given(sides, timeframes, boards, states, wishes)
def test_the_order_of_the_chain_changes_nothing(side, timeframe, board, state, wish):
    terms = terms_of(side, state, timeframe=timeframe, **wish)
    listed = listed_of(board)
    assert contract_select(listed, terms, SPOT) == contract_select(tuple(reversed(listed)), terms, SPOT)
