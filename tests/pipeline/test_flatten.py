"""A person closes everything: what is ordered, what was working already, what failed, and what is left alone."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from experiments.models import Recommendation
from optionsengine.core import clock
from optionsengine.core.enums import Intent
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.models import Alert, TradingState
from optionsengine.ops.selectors import trading_status_get
from optionsengine.ops.services import trading_state_set
from optionsengine.pipeline.flatten import flatten
from optionsengine.pipeline.orders import orders_create, orders_execute
from optionsengine.pipeline.reconcile import invariants_check
from orders.enums import OrderStatus
from orders.models import Order, OrderEvent
from positions.models import Position, PositionEvent
from positions.selectors import exposure_of, portfolio_get
from positions.services import exits_monitor, position_close_request
from signals.models import SignalEvent
from tests import factories
from tests.factories.clock import AT, later
from tests.orders.board import Board
from tests.positions.flow import bought, fill_of, sold

pytestmark = pytest.mark.django_db


def flattened(at=AT, **values):
    return flatten(actor="ann", reason="a bad day", at=at, **values)


def halt():
    trading_state_set(status=TradingStatus.HALTED, reason="stop", at=AT)


def exits():
    return list(Order.objects.filter(intent="exit").order_by("pk").values_list("exit_reason", "status", "quantity"))


def executed_on(board, at):
    board.write("5.00", "5.20")
    return orders_execute(Intent.EXIT, provider=board, at=at)


def test_every_real_position_gets_an_exit_order_and_no_entry_is_left():
    positions = [bought(2, "4.00"), bought(1, "4.00")]
    entry = factories.order(status="submitted")

    report = flattened()

    assert (report.status, report.is_whole, report.entries_cancelled) == (TradingStatus.REDUCING, True, 1)
    assert {row.position_id for row in report.ordered} == {position.pk for position in positions}
    assert [row.quantity for row in report.ordered] == [2, 1]
    assert (report.in_progress, report.failed) == ([], [])
    assert exits() == [("FLATTEN", "pending_execution", 2), ("FLATTEN", "pending_execution", 1)]
    assert set(Position.objects.values_list("status", "close_requested", "exit_reason")) == {
        ("closing", "FLATTEN", "FLATTEN")
    }
    entry.refresh_from_db()
    assert (entry.status, entry.reason) == ("cancelled", "FLATTENED")
    assert OrderEvent.objects.get(order=entry, to_status="cancelled").actor == "ann"
    state = TradingState.objects.get()
    assert (state.status, state.reason) == ("REDUCING", "flatten: a bad day")
    event = PositionEvent.objects.filter(position=positions[0], to_status="closing").get()
    assert (event.actor, event.message) == ("ann", "everything is closed by ann: a bad day")


def test_once_more_orders_nothing_new():
    bought(2, "4.00")
    first = flattened()
    before = exits()

    again = flattened(later(minutes=1))

    assert (again.ordered, again.in_progress, again.is_whole) == ([], first.ordered, True)
    assert exits() == before
    assert PositionEvent.objects.filter(to_status="closing").count() == 1


def test_what_is_bought_is_sold_whole_and_the_books_agree():
    position = bought(2, "4.00")
    flattened()
    assert executed_on(Board(), later(minutes=1)).done == 1

    position.refresh_from_db()
    assert (position.status, position.exit_reason, position.quantity) == ("closed", "FLATTEN", 0)
    assert flattened(later(minutes=2)).ordered == []
    assert position.performance.exit_codes == ["FLATTEN"]


def test_in_halted_the_persons_exits_are_sent_and_the_state_stays():
    position = bought(2, "4.00")
    entry = factories.order(status="pending_execution")
    halt()

    report = flattened()
    assert (report.status, len(report.ordered), report.entries_cancelled) == (TradingStatus.HALTED, 1, 1)
    assert TradingState.objects.get().reason == "stop"
    assert executed_on(Board(), later(minutes=1)).done == 1
    position.refresh_from_db()
    entry.refresh_from_db()
    assert (position.status, entry.status) == ("closed", "cancelled")


def test_in_halted_a_waiting_exit_of_the_engine_becomes_the_persons():
    position = bought(2, "4.00")
    Position.objects.filter(pk=position.pk).update(close_requested="EXIT_SIGNAL")
    exits_monitor(at=AT)
    assert exits() == [("EXIT_SIGNAL", "pending_execution", 2)]
    halt()

    assert [row.exit_reason for row in flattened().ordered] == ["FLATTEN"]
    assert exits() == [("FLATTEN", "pending_execution", 2)]
    again = flattened(later(minutes=1))
    assert (again.ordered, [row.exit_reason for row in again.in_progress]) == ([], ["FLATTEN"])
    assert executed_on(Board(), later(minutes=1)).done == 1


def test_a_working_exit_is_left_to_its_fill_and_followed_when_it_ends_early():
    position = bought(2, "4.00")
    order = position_close_request(position_id=position.pk, actor="bob", at=AT)

    report = flattened()
    assert (report.ordered, [row.exit_reason for row in report.in_progress]) == ([], ["MANUAL"])
    sold(order, fill_of(order, 1, "5.00"), status=OrderStatus.CANCELLED, at=later(minutes=1))
    position.refresh_from_db()
    assert (position.status, position.quantity, position.close_requested) == ("open", 1, "FLATTEN")
    exits_monitor(at=later(minutes=2))
    assert exits() == [("MANUAL", "cancelled", 2), ("FLATTEN", "pending_execution", 1)]


@pytest.mark.parametrize(
    ("change", "with_shadow", "expected"),
    [
        ({"mode": "shadow"}, False, 0),
        ({"mode": "shadow"}, True, 1),
        ({"is_test": True}, True, 0),
        ({"mode": "live"}, False, 1),
    ],
)
def test_shadows_stay_unless_asked_and_tests_are_never_touched(change, with_shadow, expected):
    position = bought(2, "4.00")
    for model, pk in ((Position, position.pk), (Order, position.entry_order_id)):
        model.objects.filter(pk=pk).update(**change)
    assert len(flattened(with_shadow=with_shadow).ordered) == expected


def test_one_position_that_cannot_be_closed_keeps_no_other_open():
    broken, whole = bought(2, "4.00"), bought(1, "4.00")
    Position.objects.filter(pk=broken.pk).update(status="closing")  # and no exit order works on it

    report = flattened()
    assert [row.position_id for row in report.ordered] == [whole.pk]
    assert [(row.position_id, "cannot go from closing" in row.error) for row in report.failed] == [(broken.pk, True)]
    assert not report.is_whole
    assert "1 positions FAILED" in report.message
    assert exits() == [("FLATTEN", "pending_execution", 1)]


def test_an_entry_on_its_way_is_named_and_closed_by_the_next_flatten():
    order = factories.order(status="submitting")

    report = flattened()
    assert (report.entries_in_flight, report.entries_cancelled, report.is_whole) == (1, 0, False)
    assert "flatten again" in report.message
    bought(2, "5.00", order=order)
    Order.objects.filter(pk=order.pk).update(status="filled")
    assert len(flattened(later(minutes=1)).ordered) == 1


def test_every_invariant_holds_afterwards():
    bought(2, "4.00")
    flattened()
    executed_on(Board(), later(minutes=1))
    checked = {check.number: (check.rows, check.broken) for check in invariants_check(at=later(minutes=2))}
    assert [checked[number][1] for number in (5, 6, 7, 9, 10, 12)] == [0] * 6
    assert checked[9][0] == 1


# --- what was decided and is no order yet


def approved(**values):
    """A signal that is approved by both engines, whose orders are not made."""
    signal = factories.signal(status="approved", **values)
    factories.signal_event(signal=signal, from_status="pending", to_status="approved")
    decision = factories.decision_round(experiment=factories.experiment(signal=signal))
    return [factories.recommendation(decision=decision, engine=engine) for engine in ("A", "B")]


def ended(signal):
    signal.refresh_from_db()
    return signal.status, signal.reason


@pytest.mark.parametrize("is_halted", [False, True])
def test_what_is_approved_and_not_ordered_buys_nothing_later(is_halted):
    real, shadow = approved()
    if is_halted:
        halt()

    report = flattened()
    assert (report.signals_ended, report.entries_cancelled, report.is_whole) == (1, 0, True)
    assert "1 signals ended" in report.message
    assert ended(real.signal) == ("rejected", "FLATTENED")
    event = SignalEvent.objects.get(signal=real.signal, to_status="rejected")
    assert (event.actor, event.message) == ("ann", "a person closes everything: a bad day")
    assert list(Order.objects.values_list("recommendation", "status", "reason")) == [
        (real.pk, "cancelled", "FLATTENED")
    ]
    assert exposure_of(portfolio_get(AT), symbol="SPY").open_positions == 0
    trading_state_set(status=TradingStatus.ACTIVE, reason="on again", at=AT)
    Recommendation.objects.filter(pk=shadow.pk).delete()  # what it is filled from is not frozen here
    assert orders_create(at=later(minutes=1)).claimed == 0
    assert orders_execute(Intent.ENTRY, provider=Board(), at=later(minutes=1)).claimed == 0
    assert flattened(later(minutes=2)).signals_ended == 0


@pytest.mark.parametrize(("with_shadow", "orders"), [(False, {"paper"}), (True, {"paper", "shadow"})])
def test_the_shadow_of_an_entry_is_ended_with_the_shadows(with_shadow, orders):
    approved()
    assert flattened(with_shadow=with_shadow).signals_ended == 1
    assert set(Order.objects.values_list("mode", flat=True)) == orders
    assert set(Order.objects.values_list("status", "reason")) == {("cancelled", "FLATTENED")}


@pytest.mark.parametrize("is_halted", [False, True])
def test_what_waits_for_a_person_is_rejected_with_the_reason(is_halted):
    approval = factories.approval()
    factories.alert(cause=f"approval:{approval.signal_id}")
    if is_halted:
        halt()

    assert flattened().signals_ended == 1
    approval.refresh_from_db()
    assert (approval.status, approval.decided_by, approval.decided_at) == ("rejected", "ann", AT)
    assert approval.reason == "a person closes everything: a bad day"
    assert ended(approval.signal) == ("rejected", "FLATTENED")
    assert not Alert.objects.filter(cause__startswith="approval:", resolved_at=None).exists()
    assert not Order.objects.exists()
    assert flattened(later(minutes=1)).signals_ended == 0


@pytest.mark.parametrize(
    ("intent", "status"),
    [("entry", "pending"), ("exit", "pending"), ("entry", "rejected"), ("entry", "failed"), ("entry", "executed")],
)
def test_what_is_pending_or_over_stays_as_it_is(intent, status):
    signal = factories.signal(intent=intent, status=status, reason="X")
    assert flattened().signals_ended == 0
    assert ended(signal) == (status, "X")


def test_an_approved_signal_whose_order_works_is_ended_with_its_order():
    order = factories.order(status="submitted", signal=factories.signal(status="approved"))
    report = flattened()
    assert (report.signals_ended, report.entries_cancelled) == (0, 1)
    orders_execute(Intent.ENTRY, provider=Board(), at=later(minutes=1))
    assert ended(order.signal) == ("rejected", "FLATTENED")


def test_every_invariant_holds_after_signals_are_ended():
    approved()
    factories.approval()
    flattened(with_shadow=True)
    assert [check.broken for check in invariants_check(at=later(hours=3)) if check.number in (4, 5, 6, 7)] == [0] * 4


# --- the command


def command(**options):
    out = StringIO()
    with clock.frozen(AT):
        call_command("flatten", stdout=out, **options)
    return out.getvalue()


def test_the_command_closes_and_says_so_to_programs():
    position = bought(2, "4.00")
    answer = json.loads(command(yes=True, json=True, reason="drill"))
    assert (answer["success"], answer["status"], len(answer["ordered"])) == (True, "REDUCING", 1)
    assert answer["ordered"][0]["position_id"] == str(position.pk)
    event = TradingState.pgh_event_model.objects.latest("pgh_id")
    assert event.pgh_context.metadata["reason"] == "drill"


def test_the_command_asks_first(monkeypatch):
    bought(2, "4.00")
    monkeypatch.setattr("builtins.input", lambda said: "no")
    with pytest.raises(CommandError, match="nothing was done"):
        command()
    with pytest.raises(CommandError, match="add --yes"):
        command(json=True)
    assert (exits(), trading_status_get()) == ([], TradingStatus.ACTIVE)
    monkeypatch.setattr("builtins.input", lambda said: "yes")
    assert "1 exit orders written" in command()
    assert len(exits()) == 1


def test_the_command_fails_where_something_failed():
    position = bought(2, "4.00")
    Position.objects.filter(pk=position.pk).update(status="closing")
    with pytest.raises(CommandError, match="flatten again"):
        command(yes=True)


# --- the admin


@pytest.fixture
def page():
    trading_state_set(status=TradingStatus.ACTIVE, reason="", at=AT)
    return reverse("admin:ops_tradingstate_flatten")


def test_the_admin_asks_on_a_page_and_acts_on_a_post_with_a_reason(client, page):
    position = bought(2, "4.00")
    client.force_login(factories.operator())
    state = client.get(reverse("admin:ops_tradingstate_change", args=(1,)))
    assert page in state.content.decode()
    asked = client.get(page).content.decode()
    assert position.option_symbol in asked
    assert "becomes REDUCING" in asked
    client.post(page, {"reason": " "})
    assert exits() == []
    with clock.frozen(AT):
        response = client.post(page, {"reason": "enough"}, follow=True)
    assert "1 exit orders written" in response.content.decode()
    assert exits() == [("FLATTEN", "pending_execution", 2)]


def test_a_viewer_flattens_nothing(client, page):
    bought(2, "4.00")
    client.force_login(factories.viewer())
    assert client.get(page).status_code == 403
    assert client.post(page, {"reason": "x"}).status_code == 403
    assert page not in client.get(reverse("admin:ops_tradingstate_change", args=(1,))).content.decode()
    assert (exits(), trading_status_get()) == ([], TradingStatus.ACTIVE)
