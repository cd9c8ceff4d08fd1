"""Claims with a lease, by the database's clock: a dead worker's lease runs out and another takes over."""

import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from optionsengine.core import ids
from optionsengine.core.models import Leased
from optionsengine.core.retry import database_retried, database_retry

LEASE_SECONDS = 60
MAX_ATTEMPTS = 5
RETRY_SECONDS = 5
RETRY_SECONDS_MOST = 60
PASS_SECONDS = 10.0  # half of a task's time-out
PASS_ROWS = 1000

Row = TypeVar("Row", bound=Leased)


class LeaseLostError(Exception):
    """Another worker took the row over: what this one found out must not be written."""


def lease_claim(rows: QuerySet[Row], *, at: datetime) -> tuple[UUID, UUID] | None:
    """Claim one of `rows` that is due at `at` and that no live lease holds; return its key and the claim's token.

    What has failed most often comes last, then the oldest first, so that a row that kills its worker holds nothing
    else up. Commits by itself; call it outside a transaction.
    """
    claim = _claim_group(rows, at=at, most=1)
    return None if claim is None else (claim[0][0], claim[1])


def lease_claims(rows: QuerySet[Row], *, at: datetime) -> Iterator[tuple[UUID, UUID]]:
    """Claim one due row after the other, each just before it is worked on, until none is due or the pass is over.

    One at a time, so that an attempt is counted only for the row that is tried.
    """
    for keys, token in lease_groups(rows, at=at, most=1):
        yield keys[0], token


def lease_groups(rows: QuerySet[Row], *, at: datetime, most: int) -> Iterator[tuple[tuple[UUID, ...], UUID]]:
    """Claim up to `most` due rows at a time under one token, until none is due or the pass is over.

    Only rows that were never tried come together: of a group whose worker was killed nobody knows which row did it,
    so that each of them comes alone the next time, and only the one to blame runs out of attempts. A pass stays below
    its task's time-out however many rows wait; the next sweep goes on.
    """
    ends = time.monotonic() + PASS_SECONDS
    left = PASS_ROWS
    while left > 0:
        claim = _claim_group(rows, at=at, most=min(most, left))
        if claim is None:
            return
        left -= len(claim[0])
        yield claim
        if time.monotonic() > ends:
            return


def _claim_group(rows: QuerySet[Row], *, at: datetime, most: int) -> tuple[tuple[UUID, ...], UUID] | None:
    token = ids.new_id()

    def known() -> tuple[tuple[UUID, ...], UUID] | None:
        # a claim whose commit was cut off may be ours already: taking other rows would leave them lying for a lease
        held = tuple(rows.filter(claimed_by=token).order_by("created_at", "pk").values_list("pk", flat=True))
        return (held, token) if held else None

    return database_retry(lambda: _claim(rows, token, at=at, most=most), known=known)


def _claim(rows: QuerySet[Row], token: UUID, *, at: datetime, most: int) -> tuple[tuple[UUID, ...], UUID] | None:
    due = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=at)
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=Now())
    with transaction.atomic():
        found = list(
            rows.filter(due & free)
            .order_by("attempts", "created_at", "pk")
            .select_for_update(skip_locked=True, of=("self",))
            .values_list("pk", "attempts")[:most]
        )
        if not found:
            return None
        keys = tuple(pk for pk, attempts in found if attempts == 0) or (found[0][0],)
        rows.model._default_manager.filter(pk__in=keys).update(
            claimed_by=token,
            claimed_until=Now() + timedelta(seconds=LEASE_SECONDS),
            attempts=F("attempts") + 1,
        )
    return keys, token


@database_retried
def lease_retry(model: type[Row], pk: UUID, token: UUID, *, at: datetime) -> None:
    """Give a row back after an error, its attempts kept: it is tried again after a pause that grows with them."""
    held = model._default_manager.filter(pk=pk, claimed_by=token)
    attempts = held.values_list("attempts", flat=True).first()
    if attempts is not None:
        pause = min(RETRY_SECONDS * 2 ** (attempts - 1), RETRY_SECONDS_MOST)
        held.update(claimed_by=None, claimed_until=None, next_attempt_at=at + timedelta(seconds=pause))


@database_retried
def lease_return(model: type[Row], pk: UUID, token: UUID, *, at: datetime, pause: float = RETRY_SECONDS) -> None:
    """Give a row back that was not to blame, to be taken again after `pause` seconds. The attempt does not count."""
    model._default_manager.filter(pk=pk, claimed_by=token).update(
        claimed_by=None,
        claimed_until=None,
        attempts=F("attempts") - 1,
        next_attempt_at=at + timedelta(seconds=pause),
    )


def lease_lock(model: type[Row], pk: UUID, token: UUID) -> Row:
    """Lock the row and return it if the lease is still this claim's.

    :raises LeaseLostError: if another claim took it over.
    """
    row = model._default_manager.select_for_update(of=("self",)).get(pk=pk)
    if row.claimed_by != token:
        raise LeaseLostError(f"{model.__name__} {pk} was taken over")
    return row


def lease_release(row: Leased, *, next_attempt_at: datetime | None = None) -> list[str]:
    """Clear the lease on a locked row and return the changed column names for `save(update_fields=…)`."""
    row.claimed_by = None
    row.claimed_until = None
    row.attempts = 0
    row.next_attempt_at = next_attempt_at
    return ["claimed_by", "claimed_until", "attempts", "next_attempt_at"]
