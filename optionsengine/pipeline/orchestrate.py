"""From a pending entry signal to a decision."""

import logging
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import transaction

from experiments.data import Decision, DecisionInputs, MarketSnapshot, SessionFacts
from experiments.decide import decide
from experiments.enums import DecisionOutcome, ExecutionMode
from experiments.freeze import inputs_build
from experiments.models import Experiment
from experiments.policy import execution_mode
from experiments.selectors import bias_facts_get, context_facts_get, decision_config_get, limits_get, signal_facts
from experiments.services import decision_record
from experiments.setup_type import setup_type_for
from optionsengine.core.enums import Engine, Intent
from optionsengine.core.leases import MAX_ATTEMPTS, LeaseLostError, lease_claims, lease_lock, lease_release, lease_retry
from optionsengine.core.locks import portfolio_lock
from optionsengine.core.retry import database_retried, database_retry
from optionsengine.market import calendar
from optionsengine.market.providers.base import MarketProvider
from optionsengine.market.selectors import market_always_open, market_open
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.selectors import trading_status_get
from optionsengine.ops.services import alert_raise
from optionsengine.pipeline.enums import PipelineCode
from optionsengine.pipeline.gather import market_gather
from positions.selectors import exposure_get, stop_percents_get
from signals.enums import SignalStatus
from signals.models import Signal
from signals.selectors import signals_claimable
from signals.services import signal_defer, signal_transition

logger = logging.getLogger(__name__)


def entries_decide(*, provider: MarketProvider, at: datetime, only: UUID | None = None) -> StageReport:
    """Decide pending entry signals that are due, oldest first: all of them, or `only` one.

    Each is claimed with a lease, its market gathered with no transaction open, and its decision written in one
    transaction under the portfolio lock, so that no two decisions spend the same room under a limit.
    """
    report = StageReport()
    for signal_id, token in signals_claim(Intent.ENTRY, at=at, only=only):
        report.claimed += 1
        try:
            outcome = _entry_decide(signal_id, token, provider=provider, at=at)
        except LeaseLostError:
            continue
        except Exception:
            logger.exception("deciding signal %s failed", signal_id)
            lease_retry(Signal, signal_id, token, at=at)
            report.failed += 1
            continue
        outcome_count(report, outcome)
    return report


def signals_claim(intent: Intent, *, at: datetime, only: UUID | None = None) -> Iterator[tuple[UUID, UUID]]:
    """Claim the pending signals of `intent` that are due, one after the other, each with its claim's token."""
    rows = signals_claimable(intent)
    return lease_claims(rows if only is None else rows.filter(pk=only), at=at)


def outcome_count(report: StageReport, outcome: DecisionOutcome | None) -> None:
    """Count how one claimed signal ended; None is a quarantine."""
    match outcome:
        case DecisionOutcome.APPROVED:
            report.done += 1
        case DecisionOutcome.DEFERRED:
            report.deferred += 1
        case DecisionOutcome.REFUSED:
            report.refused += 1
        case None:
            report.failed += 1


def _entry_decide(signal_id: UUID, token: UUID, *, provider: MarketProvider, at: datetime) -> DecisionOutcome | None:
    signal = database_retry(lambda: Signal.objects.get(pk=signal_id))
    if signal.attempts > MAX_ATTEMPTS:
        signal_quarantine(signal_id, token, at=at)
        return None
    market = market_gather(provider, signal=signal_facts(signal), at=at)
    return _decision_write(signal_id, token, market=market, at=at)


@database_retried
def _decision_write(signal_id: UUID, token: UUID, *, market: MarketSnapshot, at: datetime) -> DecisionOutcome:
    """Decide and write it, once: a decision that is written has given the lease back.

    :raises LeaseLostError: then, or if another worker took the signal over.
    """
    with transaction.atomic():
        portfolio_lock()
        signal = lease_lock(Signal, signal_id, token)
        if signal.status != SignalStatus.PENDING:
            raise LeaseLostError(f"signal {signal_id} is {signal.status}")
        experiment = Experiment.objects.get(signal=signal)
        inputs = _inputs(signal, Engine(experiment.variant), market=market, at=at)
        decision = decide(inputs)
        decision_record(experiment=experiment, inputs=inputs, decision=decision, at=at)
        _signal_follow(signal, decision, inputs.execution_mode, at=at)
    return decision.outcome


def _inputs(signal: Signal, variant: Engine, *, market: MarketSnapshot, at: datetime) -> DecisionInputs:
    facts, config = signal_facts(signal), decision_config_get()
    return inputs_build(
        signal=facts,
        at=at,
        variant=variant,
        execution_mode=execution_mode(settings.APP_MODE, variant),
        trading_status=trading_status_get(),
        session=session_facts(at),
        market=market,
        bias=bias_facts_get(symbol=signal.symbol, at=at, config=config.bias.staleness),
        context=context_facts_get(symbol=signal.symbol, at=at),
        exposure=exposure_get(symbol=signal.symbol, at=at),
        limits=limits_get(),
        stop_loss_percent=stop_percents_get(symbol=facts.symbol, setup_type=setup_type_for(facts.timeframe)),
        config=config,
    )


def session_facts(at: datetime) -> SessionFacts:
    """Return where `at` lies in the session; on an always-open simulated market it is never near an open or a close."""
    is_timeless = market_always_open()
    minutes_from_open = None if is_timeless else calendar.minutes_from_open(at)
    minutes_to_close = None if is_timeless else calendar.minutes_to_close(at)
    return SessionFacts(
        is_open=market_open(at),
        next_open_at=calendar.next_open(at),
        minutes_from_open=None if minutes_from_open is None else int(minutes_from_open),
        minutes_to_close=None if minutes_to_close is None else int(minutes_to_close),
    )


def _signal_follow(signal: Signal, decision: Decision, mode: ExecutionMode, *, at: datetime) -> None:
    """Carry the real engine's outcome over to the signal and give its lease back."""
    if decision.outcome == DecisionOutcome.DEFERRED:
        assert decision.until is not None
        signal_defer(signal=signal, until=decision.until, reason=decision.code, message=decision.message, at=at)
        return
    approved = decision.outcome == DecisionOutcome.APPROVED
    if approved and mode == ExecutionMode.SHADOW_ONLY:
        signal.save(update_fields=lease_release(signal))
        signal_transition(
            signal=signal,
            to=SignalStatus.REJECTED,
            reason=PipelineCode.SHADOW_ONLY,
            message="approved, and followed in shadow only: no live broker is set up",
            at=at,
        )
        alert_raise(
            cause="live_not_possible",
            level=AlertLevel.WARNING,
            message="APP_MODE is LIVE, but this version has no live broker: signals are followed in shadow only. "
            "Set APP_MODE=PAPER to trade on paper.",
            at=at,
        )
        return
    released = lease_release(signal)
    signal.save(update_fields=released)
    signal_transition(
        signal=signal,
        to=SignalStatus.APPROVED if approved else SignalStatus.REJECTED,
        reason=PipelineCode.APPROVED if approved else decision.code,
        message=decision.message,
        at=at,
    )


@database_retried
def signal_quarantine(signal_id: UUID, token: UUID, *, at: datetime) -> None:
    """End a signal whose worker died or failed on every attempt, loudly: a person must look at it."""
    with transaction.atomic():
        signal = lease_lock(Signal, signal_id, token)
        attempts = signal.attempts - 1
        signal.save(update_fields=lease_release(signal))
        signal_transition(
            signal=signal,
            to=SignalStatus.FAILED,
            reason=PipelineCode.QUARANTINED,
            message=f"no worker finished it in {attempts} attempts",
            at=at,
        )
        alert_raise(
            cause=f"quarantine:signal:{signal_id}",
            level=AlertLevel.CRITICAL,
            message=f"Signal {signal_id} failed {attempts} times and is quarantined. Read the worker's log, "
            "then run it again from the signal's page or reject it.",
            at=at,
        )
