"""Whole decisions over the real intake and stages: what the bias, both engines and a retry leave in the tables."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import OperationalError, connection

from bias.enums import Bias, Regime
from bias.seeding import Seed
from bias.services import bias_seed
from experiments.decide import decide
from experiments.freeze import inputs_from_json
from experiments.models import AgentDecision, DecisionRound, Experiment, GateResult, Recommendation, RiskLimit
from experiments.replay import decision_replay
from optionsengine.market.data import MarketError
from optionsengine.market.enums import MarketProblem
from optionsengine.market.selectors import provider_get
from optionsengine.ops.models import Alert
from optionsengine.pipeline.orchestrate import agent_errors_tell, entries_decide
from optionsengine.pipeline.reconcile import invariants_check
from orders.models import Order, Trade
from positions.models import Position
from signals.models import Signal
from tests import factories
from tests.drills.life import ENTRY_AT, MESSAGES, message_send, source_create, stages_run

pytestmark = pytest.mark.django_db

SOON = ENTRY_AT + timedelta(seconds=5)


def assert_whole(at):
    for result in invariants_check(at=at, replay_limit=None):
        assert result.broken == 0, (result.number, result.examples)


@pytest.fixture
def received():
    source_create()
    assert message_send(MESSAGES[0], ENTRY_AT) == 201


@pytest.mark.parametrize("score", [1.0, 9.9, 10.0, 72.5, 100.0])
def test_d02_a_fill_keeps_a_bias_score_of_any_size(received, score):
    seed = Seed("AMD", Bias.BULLISH, score, 0.7, Regime.TREND, None, "15m")
    bias_seed(seed=seed, is_replacing=False, at=ENTRY_AT)

    stages_run(SOON)

    assert Signal.objects.get().status == "executed"
    real = Position.objects.get(mode="paper")
    assert (real.entry_bias["bias"], real.entry_bias["bias_score"], real.entry_bias["source"]) == (
        "BULLISH",
        score,
        "SEED",
    )
    assert_whole(SOON)


def test_the_bias_is_computed_from_bars_while_no_sender_told_one(received):
    stages_run(SOON)

    frozen = DecisionRound.objects.get().inputs["bias"]
    assert (frozen["source"], frozen["is_stale"]) == ("COMPUTED", False)
    bias_gate = GateResult.objects.get(gate="bias")
    assert (bias_gate.outcome, bias_gate.code) == ("pass", "")


def test_d20_the_shadow_trades_what_its_engine_decided_on_the_same_quote_and_is_watched_alike(received):
    stages_run(SOON)

    real, shadow = (Recommendation.objects.get(is_shadow=flag) for flag in (False, True))
    assert {real.engine, shadow.engine} == {"A", "B"}
    assert (real.bid, real.ask, real.quote_at) == (shadow.bid, shadow.ask, shadow.quote_at)
    assert real.confidence != shadow.confidence  # each engine's own, and no constant
    followed = Position.objects.get(mode="shadow")
    assert (followed.strike, followed.expiration, followed.quantity) == (
        shadow.strike,
        shadow.expiration,
        shadow.quantity,
    )
    assert Trade.objects.filter(order__mode="shadow").get().price > shadow.bid
    assert Order.objects.filter(mode="shadow").count() == 1


def test_d20_an_engine_that_waits_or_refuses_has_no_shadow_trade(received, settings):
    settings.SIGNAL_MAX_AGE_SECONDS = 60
    late = ENTRY_AT + timedelta(seconds=61)

    stages_run(late)

    assert set(Recommendation.objects.values_list("outcome", "quantity")) == {("refused", 0)}
    assert not Order.objects.exists()
    assert not Position.objects.exists()


def test_d27_a_decision_that_is_done_again_after_an_error_is_written_once(received):
    """The first try fails at its last statement; what it wrote is gone, and the next is the only one."""
    fails = []

    def fail_once(execute, sql, params, many, context):
        if not fails and sql.startswith('UPDATE "signals"') and "status" in sql and "claimed_by" in sql:
            fails.append(sql)
            raise OperationalError("the server closed the connection unexpectedly")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(fail_once):
        first = entries_decide(provider=provider_get(), at=SOON)

    assert len(fails) == 1
    assert (first.claimed, first.done, first.failed) == (1, 0, 1)
    assert not DecisionRound.objects.exists()
    again = entries_decide(provider=provider_get(), at=SOON + timedelta(seconds=5))
    assert (again.claimed, again.done) == (1, 1)
    assert DecisionRound.objects.get().round == 1
    assert Experiment.objects.count() == 1


def test_one_at_fault_in_a_group_costs_no_other(settings):
    """Signals that are decided together are decided alone where together fails."""
    settings.REQUIRE_MTF_BIAS_FOR_ENTRY = False
    good = factories.signal(symbol="AMD", timeframe="1h", confidence=85, created_at=ENTRY_AT)
    factories.experiment(signal=good)
    broken = factories.signal(symbol="MSFT", timeframe="1h", confidence=85, created_at=ENTRY_AT)  # no experiment

    report = entries_decide(provider=provider_get(), at=SOON)

    assert (report.claimed, report.failed) == (2, 1)
    assert report.done + report.refused + report.deferred == 1
    assert DecisionRound.objects.get().experiment.signal_id == good.pk
    broken.refresh_from_db()
    assert (broken.status, broken.attempts, broken.next_attempt_at) == ("pending", 1, SOON + timedelta(seconds=5))


def test_deciding_together_is_deciding_one_after_the_other(settings):
    """The second of a group sees the room that the first has taken."""
    settings.REQUIRE_MTF_BIAS_FOR_ENTRY = False
    RiskLimit.objects.create(name="one", max_open_positions=1)
    for number, name in enumerate(("AMD", "MSFT")):
        one = factories.signal(
            symbol=name, timeframe="1h", confidence=85, created_at=ENTRY_AT + timedelta(seconds=number)
        )
        factories.experiment(signal=one, variant="A")

    report = entries_decide(provider=provider_get(), at=SOON)

    assert (report.claimed, report.done, report.deferred) == (2, 1, 1)
    first, second = DecisionRound.objects.order_by("experiment__signal__created_at")
    assert (first.code, second.code) == ("", "MAX_OPEN_POSITIONS")
    assert (first.inputs["exposure"]["open_positions"], second.inputs["exposure"]["open_positions"]) == (0, 1)
    assert Decimal(second.inputs["exposure"]["exposure"]) > 0


def test_every_agent_and_every_gate_has_its_row_and_the_decision_replays(received):
    stages_run(SOON)

    stored = DecisionRound.objects.get()
    assert AgentDecision.objects.filter(decision=stored).count() == 12
    shared = GateResult.objects.filter(decision=stored, engine="").order_by("position")
    assert list(shared.values_list("gate", flat=True)) == [
        *("trading_state", "signal_age", "market_session", "market_data", "risk_limits", "market_context", "bias"),
        *("portfolio_guard", "portfolio_breakers", "setup", "confluence"),
    ]
    for engine in "AB":
        own = GateResult.objects.filter(decision=stored, engine=engine).order_by("position")
        assert list(own.values_list("gate", flat=True)) == ["engine", "contract", "size"]
    assert decision_replay(stored).differences == []
    assert stored.config_version


def test_the_bias_of_a_symbol_does_not_hang_on_who_shares_the_group():
    """The chain of one signal cannot be had; the other's bars tell the bias, whichever comes last."""
    for number, (timeframe, expiration) in enumerate((("1h", None), ("1h", "2031-01-17"), ("30m", None))):
        one = factories.signal(
            symbol="AMD",
            timeframe=timeframe,
            confidence=85,
            expiration=expiration,
            created_at=ENTRY_AT + timedelta(seconds=number),
        )
        factories.experiment(signal=one, variant="A")

    entries_decide(provider=_WithoutFarChains(provider_get()), at=SOON)

    rounds = DecisionRound.objects.order_by("experiment__signal__created_at")
    assert [stored.inputs["bias"]["source"] for stored in rounds] == ["COMPUTED"] * 3
    assert [stored.code == "MARKET_DATA_UNAVAILABLE" for stored in rounds] == [False, True, False]


class _WithoutFarChains:
    """A provider that fails for options of other years, like one whose plan has none of them."""

    def __init__(self, inner):
        self._inner = inner

    def __getattr__(self, name):
        return getattr(self._inner, name)

    def chain(self, symbol, at, min_dte, max_dte, right):
        if max_dte > 1000:
            raise MarketError(MarketProblem.UNAVAILABLE, "no options so far ahead")
        return self._inner.chain(symbol, at, min_dte, max_dte, right)


def test_an_agent_that_fails_is_told_once(received):
    stages_run(SOON)
    inputs = inputs_from_json(DecisionRound.objects.get().inputs)
    decision = decide(inputs)
    broken = replace(decision.votes[0], is_abstaining=True, reasons=("agent error: ZeroDivisionError",))

    for minute in range(3):
        agent_errors_tell(replace(decision, votes=(broken, *decision.votes[1:])), at=SOON + timedelta(minutes=minute))

    alert = Alert.objects.get(cause=f"agent:{broken.agent}")
    assert (alert.level, alert.count, alert.resolved_at) == ("warning", 3, None)
    assert "ZeroDivisionError" in alert.message
