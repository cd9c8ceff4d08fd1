"""What a decision is given of the market: everything, or what could be had, asked once for all of a pass."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from bias.models import GammaSnapshot
from experiments.facts import CorrelationFacts
from optionsengine.core.enums import Right, Side
from optionsengine.market import calendar
from optionsengine.market.correlation import beta_of, correlation_of, daily_closes
from optionsengine.market.data import TIMEFRAMES, MarketError, OptionChain
from optionsengine.market.enums import MarketProblem
from optionsengine.market.features import frame_features
from optionsengine.market.iv_services import iv_day_record, iv_days_backfill
from optionsengine.market.models import IvDay
from optionsengine.market.mtf import mtf_read
from optionsengine.market.near import near_get
from optionsengine.market.opening import session_opening
from optionsengine.market.providers.null import NullProvider
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.market.smile import smile_of
from optionsengine.market.volatility import iv_place, realized_volatility
from optionsengine.pipeline.gather import market_gather
from optionsengine.pipeline.market_memory import MarketMemory
from tests import factories
from tests.experiments.worlds import signal_facts

pytestmark = pytest.mark.django_db

AT = datetime(2026, 3, 10, 15, 0, tzinfo=UTC)
SIMULATED = SimulatedProvider(seed=7, always_open=False)
RATE = 0.04


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.MARKET_DATA_PROVIDERS = ["simulated"]
    settings.SIMULATED_MARKET_ALWAYS_OPEN = False
    settings.RISK_FREE_RATE = Decimal(4)


class Broken(SimulatedProvider):
    """The simulated market with parts out of order; it counts what it is asked."""

    def __init__(self, *, chains=(), bars=(), rights=()):
        super().__init__(seed=7, always_open=False)
        self._chains, self._bars, self._rights = chains, bars, rights
        self.asked = []

    def chain(self, symbol, at, min_dte, max_dte, right):
        self.asked.append(("chain", symbol, min_dte, max_dte, right))
        if (min_dte, max_dte) in self._chains or (max_dte == 45.0 and right in self._rights):
            raise MarketError(MarketProblem.UNAVAILABLE, "out of order")
        return super().chain(symbol, at, min_dte, max_dte, right)

    def bars(self, symbol, timeframe, limit, at):
        self.asked.append(("bars", symbol, timeframe, limit))
        if symbol in self._bars:
            raise MarketError(MarketProblem.NO_DATA, "no bars")
        return super().bars(symbol, timeframe, limit, at)

    def quote(self, symbol, at):
        self.asked.append(("quote", symbol))
        return super().quote(symbol, at)


NEAR = (0.0, 45.0)
OWN = (3, 14)


def gather(provider=SIMULATED, side=Side.LONG, at=AT, book=(), memory=None, **signal):
    return market_gather(provider, signal=signal_facts(side, **signal), at=at, book=book, memory=memory)


def test_everything_is_what_its_own_rule_makes_of_the_market():
    iv_days_backfill(symbol="SPY", provider=SIMULATED, at=AT, days=20)
    recorded = list(IvDay.objects.order_by("-session_date").values_list("atm_iv", flat=True))
    factories.feed_tick(
        kind="flow",
        observed_at=AT - timedelta(minutes=5),
        created_at=AT - timedelta(minutes=5),
        option_type="PUT",
        strike=Decimal(500),
        premium=Decimal(100),
        size=Decimal(3),
        sentiment="BEARISH",
    )

    found = gather(book=("QQQ", "SPY", "QQQ"))

    bars = {frame: SIMULATED.bars("SPY", frame, 200, AT) for frame in TIMEFRAMES}
    others = daily_closes(SIMULATED.bars("QQQ", "1d", 62, AT))
    near = near_get(SIMULATED, "SPY", at=AT, rate=RATE)
    place = iv_place(near.smile.atm_iv, recorded)
    assert (found.problem, found.missing) == ("", ())
    assert found.quote == SIMULATED.quote("SPY", AT)
    assert found.frames == {frame: frame_features(bars[frame], frame) for frame in TIMEFRAMES}
    assert found.reading == mtf_read(bars)
    assert found.chain == SIMULATED.chain("SPY", AT, *OWN, Right.CALL)
    assert (found.gamma.net_gex, found.gamma.state, found.gamma.source) == (
        near.gamma.net_gex,
        near.gamma.state,
        "chain",
    )
    assert float(found.gamma.zero_gamma) == near.gamma.zero_gamma
    assert (found.flow.prints, found.flow.premium_side) == (1, Side.SHORT)
    smile = found.volatility
    assert (smile.atm_iv, smile.skew, smile.term) == (near.smile.atm_iv, near.smile.skew, near.smile.term)
    assert (smile.iv_percentile, smile.iv_rank) == (place.percentile, place.rank)
    assert smile.realized == realized_volatility([float(bar.close) for bar in bars["1d"]])
    first = session_opening(bars["5m"], AT)
    assert (found.opening_range.high, found.opening_range.low) == (first.high, first.low)
    assert found.correlation == CorrelationFacts(
        {"QQQ": correlation_of(daily_closes(bars["1d"]), others), "SPY": 1.0}, 1.0
    )


def test_beta_is_against_spy_whatever_is_on_the_books():
    own, spy = (daily_closes(SIMULATED.bars(symbol, "1d", 62, AT)) for symbol in ("AAPL", "SPY"))
    assert gather(symbol="AAPL").correlation == CorrelationFacts({}, beta_of(own, spy))


def test_twelve_symbols_of_the_books_are_looked_at():
    book = tuple(f"AA{chr(65 + number)}" for number in range(14))
    provider = Broken()
    assert tuple(gather(provider, book=book).correlation.pairs) == book[:12]
    assert ("bars", "AAM", "1d", 62) not in provider.asked


def test_a_senders_gamma_within_the_hour_comes_before_the_chains():
    factories.gamma_snapshot(as_of_at=AT - timedelta(minutes=59), net_gex=-2e9)
    assert (gather().gamma.source, gather().gamma.net_gex) == ("event", -2e9)
    GammaSnapshot.objects.update(as_of_at=AT - timedelta(minutes=60))
    assert gather().gamma.source == "chain"


@pytest.mark.parametrize("rights", [(Right.CALL,), (Right.PUT,), tuple(Right)])
def test_half_a_near_chain_gives_no_gamma_and_the_decisions_own_chain_the_smile(rights):
    found = gather(Broken(rights=rights), timeframe="1h")
    own = SIMULATED.chain("SPY", AT, 21, 90, Right.CALL)
    assert found.problem == ""
    assert found.gamma is None
    assert found.missing[:2] == ("flow: no prints in the last hour", "gamma: out of order")
    smile = smile_of(own.quotes, spot=own.spot, at=AT)
    assert (found.volatility.atm_iv, found.volatility.skew) == (smile.atm_iv, None)
    assert smile.atm_iv is not None
    assert (found.volatility.iv_percentile, IvDay.objects.count()) == (None, 0)
    # what a sender told is as good without a chain
    factories.gamma_snapshot(as_of_at=AT)
    told = gather(Broken(rights=rights))
    assert told.gamma.source == "event"
    assert not any("gamma" in text for text in told.missing)


def test_symbols_whose_bars_are_out_of_order_are_left_out_of_the_correlation():
    found = gather(Broken(bars=("QQQ",)), book=("QQQ", "DIA"))
    assert tuple(found.correlation.pairs) == ("DIA",)
    assert found.missing[-1] == "correlation: none with QQQ"
    alone = gather(Broken(bars=("QQQ", "SPY")), symbol="AAPL", book=("QQQ",))
    assert alone.correlation is None
    assert alone.missing[-2:] == ("correlation: none with QQQ", "beta: too few common days")
    assert alone.problem == ""


@pytest.mark.parametrize(
    ("broken", "problem"),
    [({"bars": ("SPY",)}, "no_data: no bars"), ({"chains": (OWN,)}, "unavailable: out of order")],
)
def test_without_what_a_decision_needs_there_is_no_snapshot_and_nothing_else_is_asked(broken, problem):
    provider = Broken(**broken)
    found = gather(provider, book=("QQQ",))
    assert (found.quote, found.chain, found.gamma, found.missing, found.problem) == (None, None, None, (), problem)
    assert not any(asked[2:4] == NEAR or "QQQ" in asked for asked in provider.asked)


def test_nobody_to_ask():
    assert "set the keys of a provider" in gather(NullProvider()).problem


def test_what_a_decision_needs_is_asked_for_first():
    provider = Broken()
    gather(provider, book=("QQQ",))
    needed = [("quote", "SPY"), *(("bars", "SPY", frame, 200) for frame in TIMEFRAMES)]
    needed.append(("chain", "SPY", *OWN, Right.CALL))
    assert provider.asked[:7] == needed
    assert provider.asked[7:] == [
        *(("chain", "SPY", *NEAR, right) for right in (Right.CALL, Right.PUT)),
        ("bars", "QQQ", "1d", 62),
    ]


def test_a_pass_asks_once_for_all_signals_of_a_symbol():
    provider, memory = Broken(), MarketMemory()
    first = gather(provider, book=("QQQ",), memory=memory)
    asked = len(provider.asked)
    assert gather(provider, book=("QQQ",), memory=memory) == first
    assert len(provider.asked) == asked
    # another side wants another chain of its own, and nothing else
    other = gather(provider, Side.SHORT, book=("QQQ",), memory=memory)
    assert provider.asked[asked:] == [("chain", "SPY", *OWN, Right.PUT)]
    assert (other.quote, other.gamma) == (first.quote, first.gamma)
    # another moment is another market
    gather(provider, at=AT + timedelta(seconds=1), book=("QQQ",), memory=memory)
    assert len(provider.asked) == 2 * asked + 1


def test_what_there_was_no_answer_to_is_not_asked_again_in_a_pass():
    provider, memory = Broken(bars=("SPY",)), MarketMemory()
    first = gather(provider, memory=memory)
    asked = len(provider.asked)
    assert gather(provider, memory=memory) == first
    assert len(provider.asked) == asked


def test_the_first_decision_of_a_day_records_its_volatility():
    gather()
    later = gather(at=AT + timedelta(hours=1))
    (day,) = IvDay.objects.all()
    level = near_get(SIMULATED, "SPY", at=AT, rate=RATE).smile.atm_iv
    assert (day.symbol, day.session_date, day.is_simulated, day.atm_iv) == ("SPY", date(2026, 3, 10), True, level)
    assert later.volatility.atm_iv != level


def test_a_closed_market_records_nothing():
    gather(at=calendar.session_bounds(date(2026, 3, 10))[1])
    assert not IvDay.objects.exists()


def test_too_few_recorded_days_are_named():
    for back in range(1, 20):
        iv_day_record(symbol="SPY", at=AT - timedelta(days=back), atm_iv=0.2, is_simulated=True)
    found = gather()
    assert (found.volatility.iv_percentile, found.volatility.iv_rank) == (None, None)
    assert "IV percentile: 19 of 20 days recorded" in found.missing
    iv_day_record(symbol="SPY", at=AT - timedelta(days=20), atm_iv=0.2, is_simulated=True)
    assert gather().volatility.iv_percentile is not None


def test_d17_before_the_first_half_hour_is_over_there_is_no_opening_range():
    at = datetime(2026, 3, 10, 13, 59, 59, tzinfo=UTC)
    assert gather(at=at).opening_range is None
    assert "opening range: not complete" in gather(at=at).missing
    assert gather(at=at + timedelta(seconds=1)).opening_range is not None


class Bare(SimulatedProvider):
    """A source whose options tell prices only."""

    def chain(self, symbol, at, min_dte, max_dte, right):
        whole = super().chain(symbol, at, min_dte, max_dte, right)
        bare = tuple(replace(each, iv=None, gamma=None, open_interest=None) for each in whole.quotes)
        return OptionChain(whole.underlying, whole.spot, bare, whole.at, whole.source)


def test_options_that_tell_prices_only_leave_the_realised_volatility():
    found = gather(Bare(seed=7, always_open=False))
    assert found.gamma is None
    assert (found.volatility.atm_iv, found.volatility.skew, found.volatility.term) == (None, None, None)
    assert found.volatility.realized > 0
    assert "implied volatility: none of 30 days" in found.missing
    assert any("calls tell gamma and open interest" in text for text in found.missing)
