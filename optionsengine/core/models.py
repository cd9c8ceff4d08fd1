"""Abstract models and column helpers shared by every app."""

from decimal import Decimal
from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Length

from optionsengine.core import clock, ids
from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract

models.CharField.register_lookup(Length)  # `__length` in check constraints

PRICE_LIMIT = Decimal("100000000")  # numeric(12, 4)
MONEY_LIMIT = Decimal("1000000000000")  # numeric(14, 2)


def price_field(**options: Any) -> "models.DecimalField[Any, Any]":
    """A price per share in dollars, four decimals."""
    return models.DecimalField(max_digits=12, decimal_places=4, **options)


def money_field(**options: Any) -> "models.DecimalField[Any, Any]":
    """An amount in dollars, to the cent."""
    return models.DecimalField(max_digits=14, decimal_places=2, **options)


def bounded(name: str, *, minimum: Any = 0, maximum: Any = PRICE_LIMIT, **fields: None) -> models.CheckConstraint:
    """A named check that keeps `fields` in [minimum, maximum).

    PostgreSQL sorts NaN above every number, so the upper bound is what keeps NaN and Infinity out. NULL passes.
    """
    condition = Q()
    for field in fields:
        condition &= Q(**{f"{field}__gte": minimum, f"{field}__lt": maximum})
    return models.CheckConstraint(condition=condition, name=name)


def one_of(name: str, field: str, values: "list[Any] | tuple[Any, ...]") -> models.CheckConstraint:
    """A named check that keeps `field` inside an enum's values."""
    return models.CheckConstraint(condition=Q(**{f"{field}__in": list(values)}), name=name)


class Row(models.Model):
    """Every row: a UUIDv7 key and `created_at`, which is business time (`at`), not the wall clock of the insert."""

    id = models.UUIDField(primary_key=True, default=ids.new_id, editable=False)
    created_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        abstract = True


class MutableRow(Row):
    updated_at = models.DateTimeField(default=clock.now, editable=False)

    class Meta:
        abstract = True


class Leased(models.Model):
    """What a worker claims. `attempts` counts claims since the last finish, kills included."""

    claimed_by = models.UUIDField(null=True, blank=True, editable=False)
    claimed_until = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, editable=False)
    next_attempt_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class ContractRow(models.Model):
    """The columns of one option contract, with both of its symbols."""

    underlying = models.CharField(max_length=16)
    expiration = models.DateField()
    right = models.CharField(max_length=1, choices=Right.choices)
    strike = price_field()
    option_symbol = models.CharField(max_length=40)
    occ_symbol = models.CharField(max_length=24)

    class Meta:
        abstract = True

    @property
    def contract(self) -> OptionContract:
        return OptionContract(self.underlying, self.expiration, Right(self.right), self.strike)

    @staticmethod
    def contract_columns(contract: OptionContract) -> dict[str, Any]:
        """Return the column values that store `contract`."""
        return {
            "underlying": contract.underlying,
            "expiration": contract.expiration,
            "right": contract.right,
            "strike": contract.strike,
            "option_symbol": contract.symbol,
            "occ_symbol": contract.occ_symbol,
        }
