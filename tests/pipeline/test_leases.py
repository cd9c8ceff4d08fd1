"""What a poison row, a sleeper and a broken position may not do to the others."""

from datetime import timedelta

import pytest
from django.db import connection

from experiments.models import RiskLimit
from optionsengine.core.leases import LeaseLostError, lease_claim, lease_claims, lease_lock, lease_retry
from optionsengine.market.selectors import provider_get
from optionsengine.ops.models import Alert
from optionsengine.pipeline.exit_signals import exit_signals_apply
from optionsengine.pipeline.orchestrate import entries_decide
from orders.enums import OrderStatus
from orders.models import Order
from orders.services import order_transition
from positions.models import Position
from positions.services import exits_monitor
from signals.models import Signal
from tests import factories
from tests.drills.life import ENTRY_AT, Message, message_send, source_create
from tests.factories import AT
from tests.positions.flow import bought

pytestmark = pytest.mark.django_db


def _attempts() -> dict[str, int]:
    return dict(Signal.objects.order_by("created_at").values_list("symbol", "attempts"))


def test_an_attempt_is_counted_only_for_the_row_that_is_tried() -> None:
    for number, symbol in enumerate(("AAPL", "MSFT", "NVDA")):
        factories.signal(symbol=symbol, created_at=AT + timedelta(seconds=number))
    claims = lease_claims(Signal.objects.all(), at=AT + timedelta(minutes=1))
    next(claims)  # the worker dies on the first
    assert _attempts() == {"AAPL": 1, "MSFT": 0, "NVDA": 0}


def test_what_failed_most_often_comes_last() -> None:
    poison = factories.signal(symbol="AAPL", attempts=4, created_at=AT)
    innocent = factories.signal(symbol="MSFT", created_at=AT + timedelta(seconds=1))
    claimed = [pk for pk, _ in lease_claims(Signal.objects.all(), at=AT + timedelta(minutes=1))]
    assert claimed == [innocent.pk, poison.pk]


@pytest.mark.parametrize(("attempts", "seconds"), [(0, 5), (1, 10), (3, 40), (4, 60), (9, 60)])
def test_an_error_puts_the_row_off_for_a_growing_while(attempts: int, seconds: int) -> None:
    signal = factories.signal(attempts=attempts)
    claim = lease_claim(Signal.objects.all(), at=AT)
    assert claim is not None
    lease_retry(Signal, *claim, at=AT)
    signal.refresh_from_db()
    assert (signal.attempts, signal.claimed_by) == (attempts + 1, None)
    assert signal.next_attempt_at == AT + timedelta(seconds=seconds)


def test_a_lease_that_was_taken_over_is_lost() -> None:
    signal = factories.signal()
    first = lease_claim(Signal.objects.all(), at=AT)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE signals SET claimed_until = now() - interval '1 second'")
    second = lease_claim(Signal.objects.all(), at=AT)
    assert first is not None
    assert second is not None
    with pytest.raises(LeaseLostError):
        lease_lock(Signal, *first)
    assert lease_lock(Signal, *second).pk == signal.pk
    lease_retry(Signal, *first, at=AT)  # the sleeper gives back what is no longer its own
    assert lease_lock(Signal, *second).pk == signal.pk


def test_an_order_that_ended_fences_its_sleeping_worker_out() -> None:
    order = factories.order(status="submitted")
    claim = lease_claim(Order.objects.all(), at=AT)
    order.refresh_from_db()
    order_transition(order=order, to=OrderStatus.CANCELLED, reason="SUPERSEDED", at=AT)
    assert claim is not None
    with pytest.raises(LeaseLostError):
        lease_lock(Order, *claim)


def test_two_decisions_never_spend_the_same_room() -> None:
    source_create()
    RiskLimit.objects.create(name="one", max_open_positions=1)
    for symbol in ("AAPL", "QQQ"):
        bar = ENTRY_AT - timedelta(hours=1, seconds=2)
        body = {"symbol": symbol, "direction": "short", "timeframe": "1h", "confidence": 85}
        assert message_send(Message(ENTRY_AT, {**body, "timestamp": bar.isoformat()}), ENTRY_AT) == 201
    report = entries_decide(provider=provider_get(), at=ENTRY_AT)
    assert (report.done, report.deferred) == (1, 1)
    assert list(Signal.objects.order_by("id").values_list("status", "reason")) == [
        ("approved", "APPROVED"),
        ("pending", "MAX_OPEN_POSITIONS"),
    ]


def test_one_broken_position_keeps_no_other_open() -> None:
    broken, whole = bought(1), bought(1)
    Position.objects.filter(pk__in=[broken.pk, whole.pk]).update(close_requested="MANUAL")
    # a row of another order already has the id of its exit order
    factories.order(client_order_id=f"oe-{broken.entry_order_id.hex}-x1")
    report = exits_monitor(at=AT + timedelta(minutes=1))
    assert (report.claimed, report.done, report.failed) == (2, 1, 1)
    broken.refresh_from_db()
    whole.refresh_from_db()
    assert (broken.status, whole.status) == ("open", "closing")
    assert Alert.objects.get().cause == f"exit_failed:{broken.pk}"


def test_an_exit_waits_for_an_approved_entry_that_has_no_order_yet() -> None:
    entry = factories.signal(status="approved", created_at=AT)
    decision = factories.decision_round(experiment=factories.experiment(signal=entry))
    factories.recommendation(decision=decision)
    signal = factories.signal(intent="exit", side="", created_at=AT + timedelta(seconds=5))
    late = AT + timedelta(minutes=30)  # long past its wait for an entry it overtook
    assert exit_signals_apply(at=late).deferred == 1
    signal.refresh_from_db()
    assert (signal.status, signal.reason) == ("pending", "WAITING_FOR_ENTRY")


def test_a_failing_exit_signal_alerts_and_goes_on() -> None:
    position = bought(1)
    signal = factories.signal(intent="exit", side="", created_at=AT + timedelta(minutes=1), attempts=5)
    exit_signals_apply(at=AT + timedelta(minutes=2))
    signal.refresh_from_db()
    position.refresh_from_db()
    assert (signal.status, position.status) == ("executed", "closing")
    assert Alert.objects.get().cause == f"exit_signal_failing:{signal.pk}"
