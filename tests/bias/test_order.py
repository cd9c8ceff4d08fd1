"""What stays after a symbol's events does not depend on the order they came in, nor on how many came at once."""

import random
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from bias.data import BiasReading, BiasState
from bias.enums import BiasOutcome
from bias.models import BiasStateCurrent, BiasStateHistory
from bias.rules import event_order, state_derive
from bias.services import bias_computed_save, bias_event_apply
from signals.models import WebhookEvent
from tests import factories
from tests.bias.payloads import AT, TS, bias_draft, senders_state
from tests.bias.test_choice import computed

EVENTS = 1000
BASE = {*BiasReading.model_fields, "symbol", "event_at", "event_type", "sender_event_hash", "source", "chart_tf"}
TYPES = ("BIAS_SNAPSHOT", "BIAS_CHANGE", "ORB_UPDATE")


def received():
    return factories.webhook_event(created_at=AT, status="received", family="", symbol="", body=b"{}", size=2)


def apply(draft):
    with transaction.atomic():
        return bias_event_apply(draft=draft, event=received(), at=AT)


def base(state):
    return state.model_dump(include=BASE)


def drafts(chance):
    """Events of one symbol, most of them sharing their time with another of another type or id."""
    made = []
    for number in range(EVENTS):
        time, kind = TS - 1000 * chance.randrange(EVENTS // 2), chance.choice(TYPES)
        made.append(
            bias_draft(
                event_ts_ms=time,
                event_type=kind,
                event_id_raw=f"{number}|{time}|{kind}",
                mtf__consensus__bias_score=chance.randrange(-100, 101),
                mtf__consensus__bias_consensus=chance.choice(("BULLISH", "BEARISH", "NEUTRAL")),
                mtf__regime__chop_score=chance.randrange(101),
                levels__orb__age_min=number,
            )
        )
    return made


@pytest.mark.django_db
def test_a_thousand_events_in_any_order_and_with_repeats_leave_the_same_base_fields():
    """On a time that several events share, the greatest by type and hash stays; in order, that one came last."""
    chance = random.Random(7)
    events = drafts(chance)
    in_order = sorted(events, key=lambda draft: event_order(draft.event_at, draft.payload.event_type, draft.event_id))
    sent = events + chance.choices(events, k=EVENTS // 5)
    chance.shuffle(sent)
    rows = [
        WebhookEvent(
            created_at=AT, updated_at=AT, path="/webhook", body=b"{}", size=2, authenticated=True, status="received"
        )
        for _ in sent
    ]
    WebhookEvent.objects.bulk_create(rows)
    with transaction.atomic():
        outcomes = [bias_event_apply(draft=draft, event=row, at=AT) for draft, row in zip(sent, rows, strict=True)]
    left = senders_state()
    assert base(left) == base(state_derive(in_order[-1], None))
    assert (BiasStateCurrent.objects.count(), BiasStateHistory.objects.count()) == (1, EVENTS)
    assert outcomes.count(BiasOutcome.DUPLICATE) == EVENTS // 5
    applied = BiasStateHistory.objects.filter(is_applied=True).count()
    assert outcomes.count(BiasOutcome.ACCEPTED) == applied < EVENTS


@pytest.mark.django_db
@pytest.mark.parametrize("turned", [False, True])
def test_two_types_of_one_time_are_both_applied_whichever_comes_first(turned):
    apply(bias_draft(mtf__consensus__bias_consensus="BEARISH", mtf__consensus__bias_score=-30))
    two = [
        bias_draft(event_ts_ms=TS + 1, mtf__consensus__bias_score=50),
        bias_draft(event_ts_ms=TS + 1, event_type="ORB_UPDATE", mtf__consensus__bias_score=55),
    ]
    assert [apply(draft) for draft in (reversed(two) if turned else two)] == [BiasOutcome.ACCEPTED] * 2
    left = senders_state()
    # both are compared with the state of the earlier time, so that neither hides what the other one says has changed
    assert (left.event_type, left.bias_score, left.acceleration.state_strength_delta) == ("ORB_UPDATE", 55, 85)
    assert left.transitions.bias_flip
    recorded = dict(BiasStateHistory.objects.filter(event_at=left.event_at).values_list("event_type", "state"))
    assert {kind: state["acceleration"]["state_strength_delta"] for kind, state in recorded.items()} == {
        "BIAS_SNAPSHOT": 80,
        "ORB_UPDATE": 85,
    }
    assert all(state["transitions"]["bias_flip"] for state in recorded.values())


@pytest.mark.django_db
def test_of_two_events_alike_in_time_and_type_the_greater_hash_stays():
    two = [bias_draft(event_id_raw=name, mtf__consensus__bias_score=score) for name, score in (("a", 10), ("b", 20))]
    greatest = max(two, key=lambda draft: draft.event_id)
    for order in (two, two[::-1]):
        with transaction.atomic():
            mark = transaction.savepoint()
            assert [apply(draft) for draft in order] == [BiasOutcome.ACCEPTED] * 2
            assert senders_state().sender_event_hash == greatest.event_id
            transaction.savepoint_rollback(mark)


def at_once(call, *values):
    """Call with each of the values in threads that start together, each on a connection of its own."""
    barrier = Barrier(len(values))

    def run(value):
        try:
            barrier.wait(timeout=30)
            return call(value)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(values)) as pool:
        return list(pool.map(run, values))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("exists", [False, True])
def test_events_at_once_of_a_new_and_of_a_known_symbol_leave_the_greatest(exists):
    if exists:
        apply(bias_draft(event_ts_ms=TS - 1))
    sent = [bias_draft(event_ts_ms=TS + number, mtf__consensus__bias_score=number) for number in range(6)]
    outcomes = at_once(apply, *sent)
    assert set(outcomes) <= {BiasOutcome.ACCEPTED, BiasOutcome.OUT_OF_ORDER}
    assert senders_state().bias_score == 5
    assert BiasStateCurrent.objects.count() == 1
    assert BiasStateHistory.objects.count() == 6 + exists


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("exists", [False, True])
def test_one_event_at_once_under_several_symbols_is_one_event(exists):
    symbols = ("QQQ", "SPY", "IWM", "DIA")
    if exists:
        for symbol in symbols:
            apply(bias_draft(symbol=symbol, event_ts_ms=TS - 1))
    outcomes = at_once(apply, *(bias_draft(symbol=symbol, event_id_raw="same") for symbol in symbols))
    assert sorted(outcomes) == [BiasOutcome.ACCEPTED] + [BiasOutcome.DUPLICATE] * 3
    at = bias_draft().event_at
    moved = list(BiasStateCurrent.objects.filter(event_at=at).values_list("symbol", flat=True))
    recorded = BiasStateHistory.objects.get(event_at=at)
    assert moved == [recorded.symbol]
    assert BiasStateCurrent.objects.count() == (4 if exists else 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("exists", [False, True])
def test_computed_states_at_once_leave_that_of_the_newest_bar(exists):
    if exists:
        bias_computed_save(state=computed(-1), at=AT)
    states = [computed(minute) for minute in range(6)]
    at_once(lambda state: bias_computed_save(state=state, at=AT), *states)
    row = BiasStateCurrent.objects.get()
    assert (row.event_at, BiasState.model_validate(row.state)) == (states[-1].event_at, states[-1])
