"""Approval by a person: from the webhook to the wait, and from there to the fill or to one of its other ends."""

from datetime import timedelta

import pytest
from django.db import connection
from django_q.models import OrmQ

from experiments.enums import ApprovalStatus
from experiments.models import Approval, DecisionRound, Experiment, Recommendation
from experiments.selectors import recommendations_unordered
from optionsengine.core.errors import Refusal
from optionsengine.market.selectors import provider_get
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.models import Alert
from optionsengine.ops.services import trading_state_set
from optionsengine.pipeline.approvals import approvals_lapse, signal_approve
from optionsengine.pipeline.enums import PipelineCode
from optionsengine.pipeline.operations import signal_reject, signal_rerun
from optionsengine.pipeline.orchestrate import entries_decide
from optionsengine.pipeline.reconcile import invariants_check
from orders.models import Order
from positions.models import Position
from positions.selectors import exposure_of, portfolio_get
from signals.models import Signal, SignalEvent
from tests.drills.life import ENTRY_AT, MESSAGES, Message, message_send, source_create, stages_run

pytestmark = pytest.mark.django_db

SOON = ENTRY_AT + timedelta(seconds=5)
WAITED = ENTRY_AT + timedelta(seconds=60)
LAPSES = SOON + timedelta(seconds=300)


def after(**lapse):
    return LAPSES + timedelta(**lapse)


def entry():
    return Signal.objects.get(intent="entry")


def story():
    rows = SignalEvent.objects.filter(signal=entry()).order_by("created_at", "id")
    return list(rows.values_list("from_status", "to_status", "reason", "actor"))


def approvals():
    return list(Approval.objects.order_by("created_at").values_list("status", "decided_by", "reason"))


def alerts():
    return list(Alert.objects.filter(cause__startswith="approval:", resolved_at=None).values_list("message", flat=True))


def everything():
    """What an act that is refused must leave as it was."""
    tables = (Signal, SignalEvent, Approval, DecisionRound, Order, Alert, OrmQ)
    return [list(table.objects.order_by("pk").values()) for table in tables]


def assert_whole(at):
    for result in invariants_check(at=at, replay_limit=None):
        assert result.broken == 0, (result.number, result.examples)


@pytest.fixture
def received(settings):
    """An entry that both engines approve, sent in manual mode and not decided yet."""
    settings.APPROVAL = "manual"
    source_create()
    assert message_send(MESSAGES[0], ENTRY_AT) == 201


@pytest.fixture
def waiting(received):
    """It passed everything and waits for a person."""
    stages_run(SOON)
    return entry()


# --- the wait ---------------------------------------------------------------------------------------------------------


def test_what_passes_everything_waits_and_nothing_is_ordered(waiting):
    assert (waiting.status, waiting.reason, waiting.claimed_by) == ("awaiting_approval", "AWAITING_APPROVAL", None)
    assert story() == [("", "pending", "", "engine"), ("pending", "awaiting_approval", "AWAITING_APPROVAL", "engine")]
    approval = Approval.objects.get()
    assert (approval.status, approval.created_at, approval.lapses_at) == ("awaiting", SOON, LAPSES)
    assert (approval.signal, approval.decision) == (waiting, DecisionRound.objects.get())
    assert Recommendation.objects.filter(outcome="approved").exists()
    assert not recommendations_unordered().exists()
    stages_run(WAITED)
    assert not Order.objects.exists()
    assert DecisionRound.objects.count() == 1
    assert_whole(after(seconds=-1))


def test_a_person_hears_of_it(waiting):
    advice = Recommendation.objects.get(is_shadow=False)
    cost = (advice.limit_price or advice.ask) * 100 * advice.quantity
    assert alerts() == [
        f"{waiting}: {advice.quantity} × {advice.option_symbol} for about ${cost:,.2f}, waits for a person until "
        "16:05:07 UTC. Approve or reject it under Review in the admin."
    ]


@pytest.mark.parametrize(
    ("policy", "mode"), [("auto", "PAPER"), ("live_only", "PAPER"), ("live_only", "LIVE"), ("manual", "LIVE")]
)
def test_what_need_not_wait_does_not(received, settings, policy, mode):
    """LIVE has no broker, so it is followed in shadow only, which asks nobody."""
    settings.APPROVAL, settings.APP_MODE, settings.MARKET_DATA_PROVIDERS = policy, mode, ["simulated"]
    stages_run(SOON)
    assert not Approval.objects.exists()
    ended = ("executed", "FILLED") if mode == "PAPER" else ("rejected", "SHADOW_ONLY")
    assert (entry().status, entry().reason) == ended
    assert Order.objects.get(engine=Experiment.objects.get().variant).mode == ("paper" if mode == "PAPER" else "shadow")


def test_a_test_signal_waits_like_any_other(settings):
    settings.APPROVAL = "manual"
    source_create()
    assert message_send(Message(ENTRY_AT, MESSAGES[0].body | {"is_test": True}), ENTRY_AT) == 201
    stages_run(SOON)
    assert (entry().is_test, entry().status) == (True, "awaiting_approval")


@pytest.mark.parametrize(("most", "waits"), [(306, 299), (307, 300), (308, 300), (7, 0)])
def test_it_never_waits_longer_than_the_signal_is_fresh(received, settings, most, waits):
    """Its bar ended at 16:00:00, so at 16:00:07 it is 7 s old."""
    settings.SIGNAL_MAX_AGE_SECONDS = most
    stages_run(SOON)
    assert Approval.objects.get().lapses_at == SOON + timedelta(seconds=waits)


# --- yes --------------------------------------------------------------------------------------------------------------


def test_from_the_webhook_over_a_persons_yes_to_the_fill(waiting):
    first = DecisionRound.objects.get()
    OrmQ.objects.all().delete()
    signal_approve(signal_id=waiting.pk, actor="ann", at=WAITED)
    assert approvals() == [("approved", "ann", "")]
    assert (entry().status, entry().reason, entry().next_attempt_at) == ("pending", "APPROVED_BY_PERSON", None)
    assert OrmQ.objects.count() == 1
    assert alerts() == []
    assert not Order.objects.exists()
    stages_run(WAITED + timedelta(seconds=1))
    assert entry().status == "executed"
    assert [row[1:] for row in story()][1:] == [
        ("awaiting_approval", "AWAITING_APPROVAL", "engine"),
        ("pending", "APPROVED_BY_PERSON", "ann"),
        ("approved", "APPROVED", "engine"),
        ("executed", "FILLED", "engine"),
    ]
    second = DecisionRound.objects.get(round=2)
    assert second.context_hash != first.context_hash
    assert Approval.objects.count() == 1
    orders = set(Order.objects.values_list("mode", "status", "recommendation__decision__round"))
    assert ("paper", "filled", 2) in orders
    assert orders <= {("paper", "filled", 2), ("shadow", "filled", 2)}
    assert Position.objects.get(mode="paper").status == "open"
    assert_whole(after(seconds=600))


def test_the_question_takes_no_room_under_the_limits_beside_the_answer(waiting):
    assert exposure_of(portfolio_get(WAITED), symbol="AMD").open_positions == 0
    signal_approve(signal_id=waiting.pk, actor="ann", at=WAITED)
    entries_decide(provider=provider_get(), at=WAITED)
    assert entry().status == "approved"
    assert Recommendation.objects.filter(is_shadow=False, outcome="approved").count() == 2
    assert exposure_of(portfolio_get(WAITED), symbol="AMD").open_positions == 1


@pytest.mark.parametrize("state", [TradingStatus.REDUCING, TradingStatus.HALTED])
def test_a_yes_opens_no_gate(waiting, state):
    signal_approve(signal_id=waiting.pk, actor="ann", at=WAITED)
    trading_state_set(status=state, reason="a person says so", at=WAITED)
    stages_run(WAITED)
    assert (entry().status, entry().reason) == ("rejected", f"TRADING_{state}")
    assert not Order.objects.exists()


def test_an_approved_signal_that_is_put_off_is_not_asked_for_again(waiting, settings):
    signal_approve(signal_id=waiting.pk, actor="ann", at=WAITED)
    settings.REQUIRE_MTF_BIAS_FOR_ENTRY, settings.BIAS_SOURCE = True, "webhook"
    stages_run(WAITED)
    assert (entry().status, entry().reason) == ("pending", "BIAS_MISSING")
    settings.REQUIRE_MTF_BIAS_FOR_ENTRY = False
    stages_run(WAITED + timedelta(seconds=60))
    assert entry().status == "executed"
    assert approvals() == [("approved", "ann", "")]


@pytest.mark.parametrize(
    ("seconds", "status", "asked"), [(299, "executed", 1), (300, "awaiting_approval", 2), (301, "awaiting_approval", 2)]
)
def test_a_yes_holds_for_the_time_of_the_question_and_is_asked_for_again_afterwards(
    waiting, settings, seconds, status, asked
):
    signal_approve(signal_id=waiting.pk, actor="ann", at=WAITED)
    settings.REQUIRE_MTF_BIAS_FOR_ENTRY, settings.BIAS_SOURCE = True, "webhook"
    stages_run(WAITED)
    assert (entry().status, entry().reason) == ("pending", "BIAS_MISSING")
    settings.REQUIRE_MTF_BIAS_FOR_ENTRY = False
    stages_run(WAITED + timedelta(seconds=seconds))
    assert entry().status == status
    assert approvals() == [("approved", "ann", ""), ("awaiting", "", "")][:asked]
    assert Order.objects.filter(mode="paper").exists() == (asked == 1)


def test_a_second_yes_after_the_first_one_is_over_trades(waiting, settings):
    signal_approve(signal_id=waiting.pk, actor="ann", at=WAITED)
    late = WAITED + timedelta(seconds=300)
    stages_run(late)
    assert entry().status == "awaiting_approval"
    signal_approve(signal_id=waiting.pk, actor="bob", at=late + timedelta(seconds=5))
    stages_run(late + timedelta(seconds=6))
    assert entry().status == "executed"
    assert [row[:2] for row in approvals()] == [("approved", "ann"), ("approved", "bob")]


def test_who_runs_an_approved_signal_again_is_asked_again(waiting):
    signal_approve(signal_id=waiting.pk, actor="ann", at=WAITED)
    signal_reject(signal_id=waiting.pk, actor="bob", reason="", at=WAITED)
    signal_rerun(signal_id=waiting.pk, actor="cid", at=WAITED + timedelta(seconds=1))
    stages_run(WAITED + timedelta(seconds=2))
    assert entry().status == "awaiting_approval"
    assert approvals() == [("approved", "ann", ""), ("awaiting", "", "")]


# --- no, and too late -------------------------------------------------------------------------------------------------


def test_a_person_rejects_what_waits_with_a_reason(waiting):
    signal_reject(signal_id=waiting.pk, actor="ann", reason="earnings tonight", at=WAITED)
    assert approvals() == [("rejected", "ann", "earnings tonight")]
    assert (entry().status, entry().reason) == ("rejected", "REJECTED_BY_PERSON")
    assert SignalEvent.objects.latest("id").message == "earnings tonight"
    assert alerts() == []
    stages_run(after(seconds=60))
    assert not Order.objects.exists()
    assert_whole(after(hours=1))


@pytest.mark.parametrize("reason", ["", "  "])
def test_without_a_reason_it_is_not_rejected(waiting, reason):
    before = everything()
    with pytest.raises(Refusal) as refused:
        signal_reject(signal_id=waiting.pk, actor="ann", reason=reason, at=WAITED)
    assert refused.value.code == PipelineCode.REASON_REQUIRED
    assert everything() == before


def test_it_lapses_at_its_second_and_not_before(waiting):
    assert approvals_lapse(at=after(microseconds=-1)).counts()["claimed"] == 0
    assert entry().status == "awaiting_approval"
    stages_run(LAPSES)
    assert (entry().status, entry().reason) == ("rejected", "APPROVAL_LAPSED")
    assert approvals() == [("lapsed", "engine", "nobody approved it within 300 s")]
    assert Approval.objects.get().decided_at == LAPSES
    assert alerts() == []
    assert not Order.objects.exists()
    assert approvals_lapse(at=after(hours=1)).counts()["claimed"] == 0
    assert_whole(after(hours=1))


@pytest.mark.parametrize(("at", "is_taken"), [(after(microseconds=-1), True), (LAPSES, False), (after(days=1), False)])
def test_it_can_be_approved_until_its_last_moment(waiting, at, is_taken):
    if is_taken:
        signal_approve(signal_id=waiting.pk, actor="ann", at=at)
        assert entry().status == "pending"
        return
    with pytest.raises(Refusal) as refused:
        signal_approve(signal_id=waiting.pk, actor="ann", at=at)
    assert refused.value.code == PipelineCode.APPROVAL_LAPSED
    assert "16:05:07 UTC" in refused.value.message
    assert (entry().status, entry().reason) == ("rejected", "APPROVAL_LAPSED")
    assert approvals() == [("lapsed", "engine", "nobody approved it within 300 s")]


def test_what_lapsed_cannot_be_rejected_either(waiting):
    with pytest.raises(Refusal) as refused:
        signal_reject(signal_id=waiting.pk, actor="ann", reason="late", at=LAPSES)
    assert refused.value.code == PipelineCode.NOT_PENDING
    assert entry().reason == "APPROVAL_LAPSED"


@pytest.mark.parametrize("first", ["approved", "rejected", "superseded"])
def test_nobody_decides_twice(waiting, first):
    asked = Approval.objects.get().pk
    if first == "approved":
        signal_approve(signal_id=waiting.pk, actor="ann", at=WAITED)
    elif first == "rejected":
        signal_reject(signal_id=waiting.pk, actor="ann", reason="no", at=WAITED)
    else:
        assert message_send(MESSAGES[1], MESSAGES[1].at) == 201
        stages_run(MESSAGES[1].at)
    before = everything()
    for refuse in (
        lambda: signal_approve(signal_id=waiting.pk, actor="bob", at=after(hours=1)),
        lambda: signal_approve(signal_id=waiting.pk, actor="bob", at=after(hours=1), approval_id=asked),
        lambda: signal_reject(signal_id=waiting.pk, actor="bob", reason="x", at=after(hours=1), approval_id=asked),
    ):
        with pytest.raises(Refusal) as refused:
            refuse()
        assert refused.value.code == PipelineCode.NOT_AWAITING
        assert first in refused.value.message
    assert everything() == before


@pytest.mark.parametrize("decide", [signal_approve, lambda **named: signal_reject(reason="no", **named)])
def test_an_answer_to_an_earlier_question_does_not_count(waiting, decide):
    stages_run(LAPSES)
    earlier = Approval.objects.get()
    signal_rerun(signal_id=waiting.pk, actor="ann", at=after(seconds=1))
    stages_run(after(seconds=2))
    assert entry().status == "awaiting_approval"
    before = everything()
    with pytest.raises(Refusal) as refused:
        decide(signal_id=waiting.pk, actor="ann", at=after(seconds=3), approval_id=earlier.pk)
    assert refused.value.code == PipelineCode.APPROVAL_LAPSED
    assert everything() == before


def test_what_never_waited_cannot_be_approved(received):
    before = everything()
    with pytest.raises(Refusal) as refused:
        signal_approve(signal_id=entry().pk, actor="ann", at=WAITED)
    assert refused.value.code == PipelineCode.NOT_AWAITING
    assert everything() == before


# --- exits ------------------------------------------------------------------------------------------------------------


def test_an_exit_supersedes_what_waits(waiting):
    assert message_send(MESSAGES[1], MESSAGES[1].at) == 201
    stages_run(MESSAGES[1].at)
    assert (entry().status, entry().reason) == ("rejected", "SUPERSEDED")
    assert approvals() == [("superseded", "engine", "an exit of AMD came before a person approved")]
    assert alerts() == []
    stages_run(MESSAGES[1].at + timedelta(seconds=70))
    assert Signal.objects.get(intent="exit").reason == "NO_OPEN_POSITION"
    assert not Order.objects.exists()
    assert_whole(after(hours=1))


def test_an_exit_of_something_else_leaves_it_waiting(waiting):
    other = Message(MESSAGES[1].at, MESSAGES[1].body | {"symbol": "MSFT"})
    assert message_send(other, other.at) == 201
    stages_run(other.at)
    assert entry().status == "awaiting_approval"


# --- who trades -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", ["A", "B"])
@pytest.mark.parametrize("is_orchestrated", [True, False])
def test_without_the_orchestrator_engine_a_trades(received, settings, variant, is_orchestrated):
    settings.APPROVAL = "auto"
    settings.ENABLE_ORCHESTRATOR = is_orchestrated
    Experiment.objects.update(variant=variant)
    stages_run(SOON)
    real = variant if is_orchestrated else "A"
    decided = DecisionRound.objects.get()
    assert Experiment.objects.get().variant == variant
    assert (decided.execution_mode, decided.inputs["variant"]) == (f"ENGINE_{real}_PRIMARY", real)
    shadows = {"A": real != "A", "B": real != "B"} if is_orchestrated else {"A": False}
    assert dict(Recommendation.objects.values_list("engine", "is_shadow")) == shadows
    orders = dict(Order.objects.values_list("engine", "mode"))
    assert orders
    assert all((mode == "shadow") == shadows[engine] for engine, mode in orders.items())
    assert_whole(SOON)


# --- invariant 4 ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("corrupt", "said"),
    [
        ("UPDATE approvals SET lapses_at = lapses_at - interval '1 hour'", "approval waits past its time"),
        (
            "UPDATE approvals SET status = 'lapsed', decided_at = lapses_at",
            "signal awaiting approval without an approval that waits",
        ),
    ],
)
def test_what_waits_for_ever_is_found(waiting, corrupt, said):
    at = after(seconds=-1)
    assert_whole(at)
    with connection.cursor() as cursor:
        cursor.execute(corrupt)
    broken = [result for result in invariants_check(at=at, replay_limit=None) if result.broken]
    assert [(result.number, [what for _, what in result.examples]) for result in broken] == [(4, [said])]


def test_an_approval_of_a_signal_that_does_not_wait_is_found(waiting):
    signal_reject(signal_id=waiting.pk, actor="ann", reason="no", at=WAITED)
    Approval.objects.update(status=ApprovalStatus.AWAITING, decided_at=None)
    broken = [result for result in invariants_check(at=after(seconds=-1)) if result.broken]
    assert [(result.number, [what for _, what in result.examples]) for result in broken] == [
        (4, ["approval waits for a signal that is rejected"])
    ]
