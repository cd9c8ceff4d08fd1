"""HALTED: the engine sends nothing by itself, and a person can close by hand whatever the engine had begun."""

from datetime import timedelta

import pytest

from optionsengine.core.enums import Intent
from optionsengine.core.errors import Refusal
from optionsengine.market.selectors import provider_get
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.services import trading_state_set
from optionsengine.pipeline.exit_signals import exit_signals_apply
from optionsengine.pipeline.orders import orders_execute
from orders.models import Order, OrderEvent
from positions.models import Position
from positions.services import position_close_request
from signals.models import Signal
from tests import factories
from tests.drills.life import ENTRY_AT, MESSAGES, message_send, source_create, stages_run

pytestmark = pytest.mark.django_db

LATER = ENTRY_AT + timedelta(minutes=2)


@pytest.fixture
def open_positions() -> None:
    source_create()
    assert message_send(MESSAGES[0], ENTRY_AT) == 201
    stages_run(ENTRY_AT)
    assert Position.objects.filter(status="open").count() == 2


def _halt(status: TradingStatus = TradingStatus.HALTED) -> None:
    trading_state_set(status=status, reason="a person says so", at=ENTRY_AT)


@pytest.mark.parametrize(
    ("state", "end"),
    [
        (TradingStatus.HALTED, ("submitted", "", "approved")),
        (TradingStatus.REDUCING, ("cancelled", "TRADING_STATE", "rejected")),
    ],
)
def test_a_resting_entry_is_never_filled(state: TradingStatus, end: tuple[str, str, str]) -> None:
    signal = factories.signal(status="approved", created_at=ENTRY_AT)
    factories.signal_event(signal=signal, to_status="approved")
    decision = factories.decision_round(experiment=factories.experiment(signal=signal))
    order = factories.order(
        recommendation=factories.recommendation(decision=decision),
        status="submitted",
        created_at=ENTRY_AT,
        expires_at=LATER + timedelta(hours=1),
    )
    factories.order_event(order=order, to_status="submitted")
    _halt(state)
    orders_execute(Intent.ENTRY, provider=provider_get(), at=LATER)
    order.refresh_from_db()
    assert (order.status, order.reason, Signal.objects.get(pk=signal.pk).status) == end
    assert order.claimed_by is None
    assert not Position.objects.exists()


def test_an_exit_the_engine_wrote_waits_and_a_person_takes_it_over(open_positions: None) -> None:
    _halt()
    assert message_send(MESSAGES[1], LATER) == 201
    exit_signals_apply(at=LATER)
    orders_execute(Intent.EXIT, provider=provider_get(), at=LATER)
    position = Position.objects.get(mode="paper")
    order = Order.objects.get(entry_order=position.entry_order)
    assert (position.status, order.status, order.exit_reason) == ("closing", "pending_execution", "EXIT_SIGNAL")

    position_close_request(position_id=position.pk, actor="ann", at=LATER)
    orders_execute(Intent.EXIT, provider=provider_get(), at=LATER)

    position.refresh_from_db()
    order.refresh_from_db()
    assert (position.status, position.exit_reason) == ("closed", "MANUAL")
    assert (order.status, order.exit_reason) == ("filled", "MANUAL")
    taken = OrderEvent.objects.get(order=order, reason="MANUAL", from_status="pending_execution", actor="ann")
    assert taken.to_status == "pending_execution"
    assert Position.objects.get(mode="shadow").status == "closing"  # nobody asked for that one


@pytest.mark.parametrize("status", [TradingStatus.ACTIVE, TradingStatus.REDUCING])
def test_outside_halted_a_working_exit_is_left_to_its_fill(open_positions: None, status: TradingStatus) -> None:
    message_send(MESSAGES[1], LATER)
    exit_signals_apply(at=LATER)
    _halt(status)
    position = Position.objects.get(mode="paper")
    with pytest.raises(Refusal):
        position_close_request(position_id=position.pk, actor="ann", at=LATER)
    orders_execute(Intent.EXIT, provider=provider_get(), at=LATER)
    position.refresh_from_db()
    assert (position.status, position.exit_reason) == ("closed", "EXIT_SIGNAL")
