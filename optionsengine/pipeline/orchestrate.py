"""From a pending entry signal to a decision."""

import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from experiments.data import Decision, MarketSnapshot
from experiments.decide import decide
from experiments.engines.b.votes import AGENT_ERROR
from experiments.enums import DecisionOutcome, ExecutionMode, GateCode
from experiments.freeze import ChainFreezer
from experiments.models import Experiment
from experiments.rows import Decided, decided
from experiments.selectors import signal_facts
from experiments.services import decisions_record, drawdown_freeze_record
from optionsengine.core.enums import Engine, Intent
from optionsengine.core.leases import (
    MAX_ATTEMPTS,
    LeaseLostError,
    lease_claims,
    lease_groups,
    lease_lock,
    lease_release,
    lease_retry,
    lease_return,
)
from optionsengine.core.locks import portfolio_lock
from optionsengine.core.retry import database_retried, database_retry
from optionsengine.market.mtf import MtfReading
from optionsengine.market.patience import patience
from optionsengine.market.providers.base import MarketProvider
from optionsengine.ops.data import StageReport
from optionsengine.ops.enums import AlertLevel
from optionsengine.ops.services import alert_raise
from optionsengine.pipeline.approvals import approval_ask
from optionsengine.pipeline.decision_facts import DecisionFacts
from optionsengine.pipeline.enums import PipelineCode
from optionsengine.pipeline.gather import market_gather
from optionsengine.pipeline.market_memory import MarketMemory
from positions.selectors import symbols_held
from signals.enums import SignalStatus
from signals.models import Signal
from signals.selectors import signals_claimable
from signals.services import signal_defer, signal_transition

logger = logging.getLogger(__name__)

GROUP = 40  # signals decided in one transaction, which holds the portfolio for as long
GROUP_SECONDS = 4.0  # for the markets of a group; one more may take as long as the patience that is left
PASS_PATIENCE_SECONDS = 15.0  # with the network, of all groups of a pass together: a task ends after 20


def entries_decide(*, provider: MarketProvider, at: datetime, only: UUID | None = None) -> StageReport:
    """Decide pending entry signals that are due, oldest first: all of them, or `only` one.

    A group is claimed with a lease, the market of each gathered with no transaction open, and their decisions written
    in one transaction under the portfolio lock, one after the other, so that no two spend the same room under a limit.
    """
    report = StageReport()
    memory, chains = MarketMemory(), ChainFreezer()
    with patience(PASS_PATIENCE_SECONDS):
        for keys, token in lease_groups(_due(Intent.ENTRY, only), at=at, most=GROUP):
            report.add(_group_decide(keys, token, provider=provider, memory=memory, chains=chains, at=at))
    return report


def signals_claim(intent: Intent, *, at: datetime, only: UUID | None = None) -> Iterator[tuple[UUID, UUID]]:
    """Claim the pending signals of `intent` that are due, one after the other, each with its claim's token."""
    return lease_claims(_due(intent, only), at=at)


def _due(intent: Intent, only: UUID | None) -> QuerySet[Signal]:
    rows = signals_claimable(intent)
    return rows if only is None else rows.filter(pk=only)


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


def _group_decide(
    keys: Sequence[UUID],
    token: UUID,
    *,
    provider: MarketProvider,
    memory: MarketMemory,
    chains: ChainFreezer,
    at: datetime,
) -> StageReport:
    """Decide the claimed signals together; where that fails each alone, so that one at fault costs no other.

    A slow network splits the group: what is gathered by then is decided, and what a pass has no time for is given back.
    """
    report = StageReport()
    claimed = Signal.objects.filter(pk__in=keys, claimed_by=token).order_by("created_at", "pk")
    signals, held = database_retry(lambda: (deque(claimed), symbols_held()))
    # those of the group, too: the first that are approved are on the books when the next are judged
    book = list(dict.fromkeys([*held, *(signal.symbol for signal in signals)]))
    markets: dict[UUID, MarketSnapshot] = {}
    ends = time.monotonic() + GROUP_SECONDS
    while signals and (report.claimed == 0 or time.monotonic() < ends):
        signal = signals.popleft()
        report.claimed += 1
        try:
            if signal.attempts > MAX_ATTEMPTS:
                signal_quarantine(signal.pk, token, at=at)
                report.failed += 1
            else:
                facts = signal_facts(signal)
                markets[signal.pk] = market_gather(provider, signal=facts, at=at, book=book, memory=memory)
        except LeaseLostError:
            continue
        except Exception:
            logger.exception("gathering the market of signal %s failed", signal.pk)
            lease_retry(Signal, signal.pk, token, at=at)
            report.failed += 1
    for signal in signals:
        lease_return(Signal, signal.pk, token, at=at, pause=0)
    groups = [markets]
    while groups:
        group = groups.pop(0)
        try:
            outcomes = _decisions_write(token, group, chains=chains, at=at)
        except Exception:
            logger.exception("deciding the signals %s failed", ", ".join(map(str, group)))
            if len(group) > 1:
                groups += [{pk: market} for pk, market in group.items()]
                continue
            for pk in group:
                lease_retry(Signal, pk, token, at=at)
            report.failed += 1
            continue
        for outcome in outcomes:
            outcome_count(report, outcome)
    return report


@database_retried
def _decisions_write(
    token: UUID, markets: Mapping[UUID, MarketSnapshot], *, chains: ChainFreezer, at: datetime
) -> list[DecisionOutcome]:
    """Decide the signals whose lease is still ours and write it, once: one that is written has given its lease back.

    Several are decided before the portfolio is locked, so that workers decide at the same time. Under the lock all
    that decides is read again; what was decided on the same holds, until one is approved and the books change.
    """
    if not markets:
        return []
    early = _decided_early(token, markets, chains=chains, at=at) if len(markets) > 1 else None
    with transaction.atomic():
        portfolio_lock()
        rows = Signal.objects.select_for_update(of=("self",)).filter(pk__in=markets, claimed_by=token)
        signals = [row for row in rows.order_by("pk") if row.status == SignalStatus.PENDING]
        facts, assigned = _facts_of(signals, markets, chains=chains, at=at)
        holds = early is not None and early.basis == facts.basis()
        made: list[_Made] = []
        outcomes = []
        for signal in sorted(signals, key=lambda row: (row.created_at, row.pk)):
            experiment = assigned[signal.pk]
            one = early.decided.get(signal.pk) if early is not None and holds else None
            if one is None:
                one = _decided(facts, signal, experiment, markets[signal.pk])
            made.append((signal, experiment, one))
            outcomes.append(one.decision.outcome)
            if one.decision.outcome == DecisionOutcome.APPROVED:
                _decisions_follow(made, at=at)
                made, holds = [], False
                facts.books_changed()
        _decisions_follow(made, at=at)
    return outcomes


_Made = tuple[Signal, Experiment, Decided]


@dataclass(frozen=True, slots=True)
class _Early:
    """What was decided before the lock, and on what."""

    basis: tuple[object, ...]
    decided: Mapping[UUID, Decided]


def _decided_early(
    token: UUID, markets: Mapping[UUID, MarketSnapshot], *, chains: ChainFreezer, at: datetime
) -> _Early:
    signals = list(Signal.objects.filter(pk__in=markets, claimed_by=token, status=SignalStatus.PENDING))
    facts, assigned = _facts_of(signals, markets, chains=chains, at=at)
    made = {signal.pk: _decided(facts, signal, assigned[signal.pk], markets[signal.pk]) for signal in signals}
    return _Early(facts.basis(), made)


def _facts_of(
    signals: Sequence[Signal], markets: Mapping[UUID, MarketSnapshot], *, chains: ChainFreezer, at: datetime
) -> tuple[DecisionFacts, dict[UUID, Experiment]]:
    readings: dict[str, MtfReading | None] = {}
    for signal in signals:
        readings[signal.symbol] = readings.get(signal.symbol) or markets[signal.pk].reading
    assigned = {experiment.signal_id: experiment for experiment in Experiment.objects.filter(signal__in=signals)}
    return DecisionFacts(at, readings, chains), assigned


def _decided(facts: DecisionFacts, signal: Signal, experiment: Experiment, market: MarketSnapshot) -> Decided:
    inputs = facts.inputs(signal, Engine(experiment.variant), market)
    return decided(inputs, decide(inputs))


def _decisions_follow(made: Sequence[_Made], *, at: datetime) -> None:
    """Write decisions, and carry each over to its signal."""
    stored = decisions_record([(experiment, one) for _, experiment, one in made], at=at)
    for (signal, _, one), round_ in zip(made, stored, strict=True):
        inputs, decision = one.inputs, one.decision
        agent_errors_tell(decision, at=at)
        if decision.code == GateCode.DRAWDOWN_BREAKER and inputs.exposure.frozen_until is None:
            drawdown_freeze_record(drawdown_percent=inputs.exposure.drawdown_percent, at=at)
        if not approval_ask(signal=signal, decided=round_, inputs=inputs, decision=decision, at=at):
            _signal_follow(signal, decision, inputs.execution_mode, at=at)


def agent_errors_tell(decision: Decision, *, at: datetime) -> None:
    """Raise an alert for each agent that failed: its vote says so, and nobody reads every vote."""
    for vote in decision.votes:
        if vote.reasons and vote.reasons[0].startswith(AGENT_ERROR):
            alert_raise(
                cause=f"agent:{vote.agent}",
                level=AlertLevel.WARNING,
                message=f"The agent {vote.agent} fails ({vote.reasons[0]}) and is left out, or blocks if it may veto. "
                f"Read a decision's votes; switch it off under Feature flags (enable_{vote.agent}) until it is mended.",
                at=at,
            )


def _signal_follow(signal: Signal, decision: Decision, mode: ExecutionMode, *, at: datetime) -> None:
    """Carry the real engine's outcome over to the signal and give its lease back."""
    if decision.outcome == DecisionOutcome.DEFERRED:
        assert decision.until is not None
        signal_defer(signal=signal, until=decision.until, reason=decision.code, message=decision.message, at=at)
        return
    approved = decision.outcome == DecisionOutcome.APPROVED
    released = lease_release(signal)
    if approved and mode == ExecutionMode.SHADOW_ONLY:
        signal_transition(
            signal=signal,
            to=SignalStatus.REJECTED,
            reason=PipelineCode.SHADOW_ONLY,
            message="approved, and followed in shadow only: no live broker is set up",
            at=at,
            changed=released,
        )
        alert_raise(
            cause="live_not_possible",
            level=AlertLevel.WARNING,
            message="APP_MODE is LIVE, but this version has no live broker: signals are followed in shadow only. "
            "Set APP_MODE=PAPER to trade on paper.",
            at=at,
        )
        return
    signal_transition(
        signal=signal,
        to=SignalStatus.APPROVED if approved else SignalStatus.REJECTED,
        reason=PipelineCode.APPROVED if approved else decision.code,
        message=decision.message,
        at=at,
        changed=released,
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
