"""`seed_bias`: a state made up to try the engine out, marked as such, never over a sender's without being told to."""

import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from bias.models import BiasStateCurrent, BiasStateHistory
from bias.services import bias_event_apply
from optionsengine.core import clock
from signals.models import WebhookEvent
from tests import factories
from tests.bias.payloads import AT, TS, bias_draft, senders_state

pytestmark = pytest.mark.django_db


def seed(capsys, *arguments, at=AT):
    with clock.frozen(at):
        call_command("seed_bias", *arguments)
    return capsys.readouterr().out


def refused(*arguments, at=AT):
    with pytest.raises(CommandError) as caught, clock.frozen(at):
        call_command("seed_bias", *arguments)
    return str(caught.value)


def sent(**changes):
    with transaction.atomic():
        bias_event_apply(draft=bias_draft(**changes), event=factories.webhook_event(), at=AT)


def test_it_writes_a_state_through_the_inbox_and_the_history(capsys):
    told = json.loads(seed(capsys, "spy", "--bias", "bullish", "--json"))
    assert told == {
        "symbol": "SPY",
        "bias": "BULLISH",
        "bias_score": 60.0,
        "confidence": 0.7,
        "regime_type": "TREND",
        "macro_class": "MACRO_TREND_UP",
        "chart_tf": "5m",
        "entry_mode_hint": "PULLBACK",
        "long_suppressed": False,
        "short_suppressed": True,
        "event_at": "2026-02-05T15:00:02+00:00",
        "fresh_until_at": "2026-02-05T15:10:02+00:00",
    }
    made = senders_state("SPY")
    assert (made.source, made.origin, made.bias_score, made.event_at) == ("SEED", "webhook", 60, AT)
    assert (made.trigger.triggered, made.space.room_to_support, made.session) == (True, "HIGH", "RTH")
    event = WebhookEvent.objects.get()
    assert (event.path, event.status, event.family, event.symbol) == ("seed_bias", "accepted", "bias_v3", "SPY")
    assert BiasStateHistory.objects.get().event == event


def test_each_option_is_written(capsys):
    options = [
        "--score",
        "-35",
        "--confidence",
        "0.4",
        "--regime",
        "range",
        "--macro",
        "reversal_risk",
        "--timeframe",
        "15",
        "--json",
    ]
    told = json.loads(seed(capsys, "QQQ", "--bias", "BEARISH", *options))
    assert (told["bias_score"], told["confidence"], told["regime_type"]) == (-35, 0.4, "RANGE")
    assert (told["macro_class"], told["chart_tf"]) == ("MACRO_REVERSAL_RISK", "15m")
    assert told["fresh_until_at"] == "2026-02-05T15:22:32+00:00"
    assert senders_state().entry_mode_hint == "MEAN_REVERT"


def test_it_says_what_it_did_and_what_to_do_next(capsys, settings):
    said = seed(capsys, "SPY", "--bias", "NEUTRAL")
    assert "The bias of SPY is now" in said
    assert "fresh until 2026-02-05 15:10:02 UTC" in said
    assert "send an alert for SPY to /webhook" in said
    assert "BIAS_SOURCE" not in said
    settings.BIAS_SOURCE = "computed"
    assert "BIAS_SOURCE is computed" in seed(capsys, "SPY", "--bias", "NEUTRAL", at=AT + timedelta(seconds=1))


def test_it_may_be_repeated(capsys):
    seed(capsys, "SPY", "--bias", "BULLISH")
    seed(capsys, "SPY", "--bias", "BEARISH", at=AT + timedelta(minutes=1))
    made = senders_state("SPY")
    assert (made.bias, made.transitions.bias_flip, made.acceleration.state_strength_delta) == ("BEARISH", True, -120)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["SPY", "--bias", "BULLISH", "--score", "-5"], "--score is -5, which is not BULLISH; give one above 0"),
        (["SPY", "--bias", "BEARISH", "--score", "0"], "--score is 0, which is not BEARISH; give one below 0"),
        (["SPY", "--bias", "BULLISH", "--score", "100.5"], "give a number from -100 to 100"),
        (["SPY", "--bias", "BULLISH", "--score", "nan"], "give a number from -100 to 100"),
        (["SPY", "--bias", "BULLISH", "--confidence", "1.1"], "--confidence is 1.1; give a number from 0 to 1"),
        (["SPY", "--bias", "UP"], "invalid choice: 'UP'"),
        (["SPY"], "--bias"),
        (["SPY", "--bias", "BULLISH", "--macro", "UP"], "invalid choice: 'UP'"),
        (["SPY", "--bias", "BULLISH", "--regime", "BREAKOUT"], "invalid choice: 'BREAKOUT'"),
        (["SPY", "--bias", "BULLISH", "--timeframe", "often"], "is not a timeframe; send 30s, 5m"),
        (["no symbol", "--bias", "BULLISH"], "send an American stock or fund like SPY"),
    ],
)
def test_it_refuses_what_cannot_be_and_writes_nothing(arguments, said):
    assert said in refused(*arguments)
    assert not WebhookEvent.objects.exists()
    assert not BiasStateCurrent.objects.exists()


def test_a_fresh_state_of_a_sender_is_replaced_only_when_told_to(capsys):
    sent()
    before = BiasStateCurrent.objects.values().get()
    said = refused("QQQ", "--bias", "BEARISH")
    assert said == (
        "QQQ has a fresh state from MTF_BIAS_ENGINE_V3, BULLISH at 60; "
        "wait until 2026-02-05 15:10:00 UTC, or add --replace"
    )
    assert BiasStateCurrent.objects.values().get() == before
    seed(capsys, "QQQ", "--bias", "BEARISH", "--replace")
    assert senders_state().bias == "BEARISH"


def test_a_stale_state_of_a_sender_is_replaced(capsys):
    sent()
    seed(capsys, "QQQ", "--bias", "BEARISH", at=AT + timedelta(minutes=11))
    assert senders_state().source == "SEED"


def test_it_does_not_go_before_a_later_state():
    sent(event_ts_ms=TS + 200_000)
    events = WebhookEvent.objects.count()
    assert "has a state of 2026-02-05 15:03:20 UTC, later than this one" in refused(
        "QQQ", "--bias", "BEARISH", "--replace"
    )
    assert (WebhookEvent.objects.count(), BiasStateHistory.objects.count()) == (events, 1)
    assert senders_state().source == "MTF_BIAS_ENGINE_V3"


def test_nothing_is_made_up_while_orders_are_real(settings):
    settings.APP_MODE = "LIVE"
    assert "APP_MODE is LIVE" in refused("SPY", "--bias", "BULLISH")
    assert not BiasStateCurrent.objects.exists()
