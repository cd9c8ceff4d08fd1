"""The review page and the acts on it: one number of queries, a question before each act, refusals in words."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from optionsengine.console.timeline import MARKS_SHOWN, ROUNDS_SHOWN, signal_timeline
from optionsengine.core import clock
from orders.models import Order
from positions.models import Position
from signals.models import Signal, SignalEvent
from tests import factories

pytestmark = pytest.mark.django_db
NOBODY = UUID("019c0000-0000-7000-8000-000000000000")


def review(signal):
    return reverse("admin:signals_signal_change", args=(signal.pk,))


def act(name, row, model="signals_signal"):
    return reverse(f"admin:{model}_act", args=(row.pk, name))


@pytest.fixture
def operator(client):
    client.user = factories.operator()
    client.force_login(client.user)
    return client


@pytest.fixture
def viewer(client):
    client.force_login(factories.viewer())
    return client


def count(action):
    with CaptureQueriesContext(connection) as caught:
        action()
    return len(caught)


def test_timeline_costs_the_same_however_much_happened():
    short = factories.full_life(rounds=1, marks=1)
    long = factories.full_life(rounds=30, marks=30)
    one = count(lambda: signal_timeline(short.pk))
    assert count(lambda: signal_timeline(long.pk)) == one
    assert one <= 14


def test_the_review_page_costs_the_same_however_much_happened(operator):
    short = factories.full_life(rounds=1, marks=1)
    long = factories.full_life(rounds=30, marks=30)
    operator.get(review(short))
    one = count(lambda: operator.get(review(short)))
    assert count(lambda: operator.get(review(long))) == one


def test_timeline_holds_the_whole_life():
    entry = factories.full_life(rounds=3, marks=4)
    life = signal_timeline(entry.pk)
    assert life["signal"] == entry
    assert life["experiment"].variant == "A"
    assert [one.decision.round for one in life["rounds"]] == [3, 2, 1]
    assert life["rounds_total"] == 3
    newest = life["rounds"][0]
    assert [gate.gate for gate in newest.shared_gates] == [
        "trading_state",
        "signal_age",
        "market_session",
        "market_data",
        "risk_limits",
        "bias",
    ]
    assert [(side.engine, side.is_real, len(side.gates)) for side in newest.engines] == [
        ("A", True, 3),
        ("B", False, 3),
    ]
    assert [side.recommendation.quantity for side in newest.engines] == [2, 2]
    assert [vote.agent for vote in newest.votes] == ["technical", "mtf_trend", "regime_classifier"]
    assert [(one.order.intent, one.order.engine, one.order.mode, len(one.trades)) for one in life["orders"]] == [
        ("entry", "A", "paper", 1),
        ("entry", "B", "shadow", 1),
        ("exit", "A", "paper", 1),
        ("exit", "B", "shadow", 1),
    ]
    assert [(one.position.engine, len(one.marks), len(one.changes)) for one in life["positions"]] == [
        ("A", 4, 2),
        ("B", 4, 2),
    ]
    times = [moment.at for moment in life["story"]]
    assert times == sorted(times)
    # event 1, signal changes 3, order changes 8, trades 4, position changes 4, and the two deferrals told as one
    assert len(life["story"]) == 22
    told = [(moment.title, moment.detail) for moment in life["story"]]
    assert told[:5] == [
        ("alert received (plain)", "accepted"),
        ("signal pending", ""),
        ("rounds 1–2 deferred", "BIAS_STALE · deferred for a minute"),
        ("round 3 approved", ""),
        ("signal approved", ""),
    ]
    assert life["story"][2].until == factories.later(minutes=1, seconds=1)
    assert ("fill of paper entry order A", "2 at 5.0750, simulated") in told
    assert told.index(("signal executed", "FILLED")) > told.index(("paper position A open", ""))


def test_timeline_is_bounded():
    entry = factories.full_life(rounds=ROUNDS_SHOWN + 1, marks=MARKS_SHOWN + 5)
    life = signal_timeline(entry.pk)
    assert life["rounds_total"] == ROUNDS_SHOWN + 1
    assert [one.decision.round for one in life["rounds"]] == list(range(ROUNDS_SHOWN + 1, 1, -1))
    assert [len(one.marks) for one in life["positions"]] == [MARKS_SHOWN, MARKS_SHOWN]
    newest = life["positions"][0].marks
    assert newest[0].created_at > newest[-1].created_at
    assert newest[0].created_at == newest[0].position.created_at + timedelta(minutes=MARKS_SHOWN + 5)


def test_timeline_of_an_exit_signal_shows_what_it_closed():
    entry = factories.full_life(closed=False)
    leaving = factories.signal(intent="exit", side="long", timeframe="1d", created_at=factories.later(hours=2))
    held = Position.objects.get(signal=entry, engine="A")
    factories.exit_order(entry_order=held.entry_order, exit_signal=leaving, exit_reason="EXIT_SIGNAL")
    life = signal_timeline(leaving.pk)
    assert (life["experiment"], life["rounds"], life["exit_signals"]) == (None, [], [])
    assert [one.order.exit_reason for one in life["orders"]] == ["EXIT_SIGNAL"]
    assert [one.position for one in life["positions"]] == [held]
    assert signal_timeline(entry.pk)["exit_signals"] == [leaving]


def test_timeline_of_nothing_raises():
    with pytest.raises(Signal.DoesNotExist):
        signal_timeline(NOBODY)


def test_the_review_page_tells_everything(viewer):
    entry = factories.full_life(rounds=2, marks=2)
    text = viewer.get(review(entry)).content.decode()
    for said in (
        "BIAS_STALE",
        "22 min old",
        "at most 10 min",
        "SPY-20260320-C-500",
        "regime_classifier",
        "PROFIT_TARGET",
        "simulated",
        "2026-02-17 15:00:00 UTC",
        "ORB breakout",
        "shadow",
    ):
        assert said in text
    assert "Run again" not in text
    assert "https://" not in text.replace("https://www.w3.org", "")


@pytest.mark.parametrize("closed", [True, False])
def test_the_review_page_of_little_opens_too(operator, closed):
    assert operator.get(review(factories.signal())).status_code == 200
    assert operator.get(review(factories.signal(intent="exit", side=""))).status_code == 200
    assert operator.get(review(factories.full_life(closed=closed))).status_code == 200
    assert operator.get(reverse("admin:signals_signal_change", args=(NOBODY,))).status_code == 404
    assert operator.get(reverse("admin:signals_signal_change", args=("x",))).status_code == 404


@pytest.mark.parametrize(
    ("status", "offered"),
    [
        ("pending", ["reject"]),
        ("failed", ["rerun", "reject"]),
        ("rejected", ["rerun"]),
        ("approved", []),
        ("executed", []),
    ],
)
def test_the_page_offers_only_the_acts_that_can_be_done(operator, status, offered):
    entry = factories.signal(status=status)
    links = operator.get(review(entry)).context["act_links"]
    assert [link["act"].name for link in links] == offered


def test_what_a_sender_wrote_cannot_become_script(operator):
    entry = factories.signal(pattern="<script>alert(1)</script>")
    text = operator.get(review(entry)).content.decode()
    assert "<script>alert(1)" not in text
    assert "&lt;script&gt;alert(1)" in text


def test_rerun_asks_first_then_puts_the_signal_back(operator):
    entry = factories.signal(status="rejected", reason="BIAS_SUPPRESSED")
    asked = operator.get(act("rerun", entry))
    assert asked.status_code == 200
    assert Signal.objects.get().status == "rejected"
    with clock.frozen(factories.later(minutes=5)):
        done = operator.post(act("rerun", entry), follow=True)
    assert "pending again" in done.content.decode()
    assert Signal.objects.get().status == "pending"
    change = SignalEvent.objects.get()
    assert (change.from_status, change.to_status, change.actor) == ("rejected", "pending", operator.user.username)
    assert change.created_at == factories.later(minutes=5)


def test_rerun_of_a_pending_signal_is_refused_in_words_and_changes_nothing(operator):
    entry = factories.signal()
    done = operator.post(act("rerun", entry), follow=True)
    assert "only a rejected or failed signal can run again" in done.content.decode()
    assert Signal.objects.values().get() == Signal.objects.filter(pk=entry.pk).values().get()
    assert Signal.objects.get().status == "pending"
    assert not SignalEvent.objects.exists()


def test_reject_keeps_the_reason(operator):
    entry = factories.signal()
    operator.post(act("reject", entry), {"reason": "looks wrong"})
    assert Signal.objects.get().status == "rejected"
    change = SignalEvent.objects.get()
    assert (change.to_status, change.message, change.actor) == ("rejected", "looks wrong", operator.user.username)


def test_acts_from_the_list_ask_first_and_refuse_one_by_one(operator):
    waiting = factories.signal()
    done = factories.signal(status="executed")
    changelist = reverse("admin:signals_signal_changelist")
    chosen = {"action": "reject", "_selected_action": [str(waiting.pk), str(done.pk)]}
    asked = operator.post(changelist, chosen | {"index": "0"})
    assert "End this here?" in asked.content.decode()
    assert Signal.objects.get(pk=waiting.pk).status == "pending"
    said = operator.post(changelist, chosen | {"confirmed": "1", "reason": "no"}, follow=True).content.decode()
    assert "only a signal that is pending, failed or waits for approval can be rejected" in said
    assert Signal.objects.get(pk=waiting.pk).status == "rejected"
    assert Signal.objects.get(pk=done.pk).status == "executed"


def test_acts_over_all_pages_are_not_offered(operator):
    entry = factories.signal()
    chosen = {"action": "reject", "_selected_action": [str(entry.pk)], "select_across": "1", "confirmed": "1"}
    operator.post(reverse("admin:signals_signal_changelist"), chosen)
    assert Signal.objects.get().status == "pending"


def test_a_viewer_may_not_act(viewer):
    entry = factories.signal()
    assert viewer.get(act("reject", entry)).status_code == 403
    assert viewer.post(act("reject", entry), {"reason": "x"}).status_code == 403
    viewer.post(
        reverse("admin:signals_signal_changelist"),
        {"action": "reject", "_selected_action": [str(entry.pk)], "confirmed": "1"},
    )
    assert Signal.objects.get().status == "pending"


def test_an_act_needs_the_form_of_this_site(operator):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(operator.user)
    entry = factories.signal()
    assert strict.post(act("reject", entry), {"reason": "x"}).status_code == 403
    assert Signal.objects.get().status == "pending"


def test_an_unknown_act_or_row_is_not_found(operator):
    entry = factories.signal()
    assert operator.get(act("sell", entry)).status_code == 404
    assert operator.get(reverse("admin:signals_signal_act", args=(NOBODY, "reject"))).status_code == 404


def test_closing_a_position_writes_its_exit_order_once(operator):
    held = factories.position()
    url = act("close", held, "positions_position")
    assert "Sell everything" in operator.get(url).content.decode()
    assert not Order.objects.filter(intent="exit").exists()
    operator.post(url)
    order = Order.objects.get(intent="exit")
    assert (order.entry_order_id, order.quantity, order.exit_reason) == (held.entry_order_id, 2, "MANUAL")
    assert Position.objects.get().status == "closing"
    again = operator.post(url, follow=True).content.decode()
    assert "is working already" in again
    assert Order.objects.filter(intent="exit").count() == 1


def test_a_positions_page_shows_its_marks(viewer):
    held = factories.position()
    for minute in (1, 2):
        factories.position_mark(position=held, created_at=factories.later(minutes=minute), trailing_stop="4.7350")
    response = viewer.get(reverse("admin:positions_position_change", args=(held.pk,)))
    text = response.content.decode()
    assert text.count("4.735") == 2
    assert "oe-button-danger" not in text
    assert viewer.get(reverse("admin:positions_position_change", args=("x",))).status_code in {302, 404}
