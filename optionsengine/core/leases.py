"""Claims with a lease, by the database's clock: a dead worker's lease runs out and another takes over."""

from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from optionsengine.core import ids
from optionsengine.core.models import Leased

LEASE_SECONDS = 60
MAX_ATTEMPTS = 5

Row = TypeVar("Row", bound=Leased)


class LeaseLostError(Exception):
    """Another worker took the row over: what this one found out must not be written."""


def lease_claim(rows: QuerySet[Row], *, at: datetime, limit: int) -> tuple[UUID, list[UUID]]:
    """Claim up to `limit` of `rows` that are due at `at` and that no live lease holds, oldest first.

    Returns the claim's token and the claimed keys. Commits by itself; call it outside a transaction.
    """
    token = ids.new_id()
    due = Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=at)
    free = Q(claimed_until__isnull=True) | Q(claimed_until__lt=Now())
    with transaction.atomic():
        picked = list(
            rows.filter(due & free)
            .order_by("created_at", "pk")
            .select_for_update(skip_locked=True, of=("self",))
            .values_list("pk", flat=True)[:limit]
        )
        if picked:
            rows.model._default_manager.filter(pk__in=picked).update(
                claimed_by=token,
                claimed_until=Now() + timedelta(seconds=LEASE_SECONDS),
                attempts=F("attempts") + 1,
            )
    return token, picked


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
