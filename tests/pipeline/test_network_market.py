"""An alert becomes a trade on the prices of providers over real sockets, and waits where they give none."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from experiments.models import DecisionRound
from experiments.replay import decision_replay
from optionsengine.core import clock
from optionsengine.market.selectors import provider_get
from optionsengine.ops.breakers import breaker_fail
from optionsengine.pipeline.stages import pipeline_run
from orders.models import Order, Trade
from positions.models import Position, PositionMark
from signals.models import Signal
from tests.fakes.market import AT
from tests.fakes.server import refuses
from tests.market.conftest import feeds  # noqa: F401 - a fixture
from tests.pipeline.intake_client import SECRET, alert, post

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _settings(settings):
    settings.HMAC_SECRET = SECRET
    settings.AB_SPLIT_PERCENTAGE = 0  # engine B wants more bars than this market has


def send(at=AT, **changes):
    body = alert(**{"symbol": "SPY", "timeframe": "1d", "timestamp": (at - timedelta(days=1)).isoformat()} | changes)
    with clock.frozen(at):
        answer = post(body, at=at)
    assert answer.status_code == 201, answer.json()


def run(seconds=0):
    at = AT + timedelta(seconds=seconds)
    with clock.frozen(at):
        return pipeline_run(at=at)


def quote_options(feeds, *, change, seconds):  # noqa: F811
    """The market moves every option's quote, `seconds` after `AT`."""
    provider = feeds.servers["alpaca"].provider
    moved = {
        contract: replace(listed, bid=listed.bid + change, ask=listed.ask + change, at=AT + timedelta(seconds=seconds))
        for contract, listed in provider.market.options.items()
    }
    provider.market = replace(provider.market, options=moved)


def test_an_alert_is_decided_filled_marked_and_exited_on_the_providers_prices(feeds):  # noqa: F811
    send()
    run(5)
    decided = DecisionRound.objects.get()
    assert decided.inputs["quote"]["source"] == "alpaca"
    assert decided.inputs["chain_summary"]["source"] == "alpaca"
    assert decision_replay(decided).differences == []
    # its limit is the middle of the frozen quote; it rests there until the market comes to it
    resting = Order.objects.get(mode="paper")
    assert (resting.status, resting.reason) == ("submitted", "LIMIT_NOT_REACHED")
    quote_options(feeds, change=Decimal("-0.1"), seconds=35)
    run(40)
    trade = Trade.objects.filter(order__mode="paper").get()
    assert (trade.price_source, trade.order.option_symbol) == ("alpaca", "SPY-20260320-C-602.5")
    quote_options(feeds, change=Decimal(1), seconds=70)
    run(75)
    position = Position.objects.get(mode="paper")
    assert {mark.source for mark in PositionMark.objects.filter(position=position)} == {"alpaca"}
    assert position.underlying_price is not None

    # nobody else has options now, and this one is left alone by entries
    feeds.break_all(refuses(500), "marketdata")
    breaker_fail("market:alpaca", error="forbidden", at=AT, open_seconds=1800)
    send(AT + timedelta(seconds=100), action="CLOSE")
    run(110)
    run(120)
    position.refresh_from_db()
    assert (position.status, position.quantity) == ("closed", 0)
    assert Trade.objects.filter(order__mode="paper").exclude(pk=trade.pk).get().price_source == "alpaca"


def test_without_an_answer_the_entry_waits_with_every_reason(feeds):  # noqa: F811
    feeds.break_all(refuses(500))
    send()
    run(5)
    signal = Signal.objects.get()
    assert (signal.status, Order.objects.count()) == ("pending", 0)
    gate = DecisionRound.objects.get().gates.get(gate="market_data")
    assert (gate.outcome, gate.code) == ("defer", "MARKET_DATA_UNAVAILABLE")
    for told in ("alpaca: its server failed", "twelvedata: its server failed", "marketdata: its server failed"):
        assert told in gate.message
    feeds.break_all(None)
    run(70)
    signal.refresh_from_db()
    assert signal.status in ("approved", "executed")


def test_a_price_a_hundred_times_too_high_is_no_trade(feeds):  # noqa: F811
    with clock.frozen(AT):
        provider_get().quote("SPY", AT)
    feeds.price("SPY", "60011", "alpaca")
    feeds.break_all(refuses(500), "twelvedata", "marketdata")
    send(AT + timedelta(seconds=60))
    run(65)
    assert (Signal.objects.get().status, Order.objects.count()) == ("pending", 0)
    gate = DecisionRound.objects.get().gates.get(gate="market_data")
    assert "no second provider confirms it" in gate.message
