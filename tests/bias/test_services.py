from datetime import timedelta

import pytest
from django.db import transaction

from bias.enums import BiasOutcome
from bias.models import BiasStateCurrent, BiasStateHistory
from bias.services import bias_event_apply
from tests import factories
from tests.bias.payloads import AT, TS, bias_draft, senders_state

pytestmark = pytest.mark.django_db


def apply(at=AT, **changes):
    event = factories.webhook_event(created_at=at, status="received", family="", symbol="", body=b"{}", size=2)
    with transaction.atomic():
        return bias_event_apply(draft=bias_draft(at, **changes), event=event, at=at)


def history():
    return list(BiasStateHistory.objects.order_by("created_at", "pk").values_list("event_type", "is_applied"))


def test_the_first_event_makes_the_state():
    assert senders_state() is None
    assert apply() == BiasOutcome.ACCEPTED
    made = senders_state()
    assert (made.bias, made.bias_score, made.event_type) == ("BULLISH", 60, "BIAS_SNAPSHOT")
    row = BiasStateCurrent.objects.get()
    assert (row.symbol, row.bias, row.bias_score, row.created_at, row.updated_at) == ("QQQ", "BULLISH", 60, AT, AT)
    assert history() == [("BIAS_SNAPSHOT", True)]


def test_a_later_event_moves_it():
    apply()
    later = AT + timedelta(minutes=5)
    changed = {"event_ts_ms": TS + 300000, "event_type": "BIAS_CHANGE", "mtf__consensus__bias_consensus": "BEARISH"}
    assert apply(later, **changed, mtf__consensus__bias_score=-40) == BiasOutcome.ACCEPTED
    made = senders_state()
    assert made.transitions.bias_flip
    assert made.acceleration.state_strength_delta == -100
    assert BiasStateCurrent.objects.get().updated_at == later
    assert history() == [("BIAS_SNAPSHOT", True), ("BIAS_CHANGE", True)]


def test_the_same_event_again_is_a_duplicate_and_changes_nothing():
    apply()
    before = BiasStateCurrent.objects.values().get()
    assert apply(AT + timedelta(days=30), mtf__consensus__bias_score=-99) == BiasOutcome.DUPLICATE
    assert BiasStateCurrent.objects.values().get() == before
    assert history() == [("BIAS_SNAPSHOT", True)]


def test_two_event_types_of_one_time_are_both_applied():
    apply()
    assert apply(event_type="ORB_UPDATE", levels__orb__state="BROKE_UP") == BiasOutcome.ACCEPTED
    made = senders_state()
    assert (made.event_type, made.levels.orb.state) == ("ORB_UPDATE", "BROKE_UP")
    assert history() == [("BIAS_SNAPSHOT", True), ("ORB_UPDATE", True)]


def test_an_older_event_is_recorded_and_changes_nothing():
    apply()
    before = BiasStateCurrent.objects.values().get()
    assert apply(event_ts_ms=TS - 1, mtf__consensus__bias_score=-99) == BiasOutcome.OUT_OF_ORDER
    assert BiasStateCurrent.objects.values().get() == before
    assert history() == [("BIAS_SNAPSHOT", True), ("BIAS_SNAPSHOT", False)]
    assert apply(event_ts_ms=TS - 1) == BiasOutcome.DUPLICATE


def test_symbols_have_states_of_their_own():
    apply()
    apply(symbol="spy", mtf__consensus__bias_score=10)
    assert (senders_state().bias_score, senders_state("SPY").bias_score) == (60, 10)


def test_one_event_id_under_two_symbols_is_one_event():
    apply(event_id_raw="same")
    assert apply(event_id_raw="same", symbol="SPY") == BiasOutcome.DUPLICATE
    assert senders_state("SPY") is None


@pytest.mark.django_db(transaction=True)
def test_an_event_without_a_transaction_is_refused():
    with pytest.raises(RuntimeError, match="one transaction"):
        bias_event_apply(draft=bias_draft(), event=None, at=AT)
    assert not BiasStateCurrent.objects.exists()
