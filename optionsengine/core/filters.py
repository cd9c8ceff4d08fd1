"""Filters every list of the API has."""

from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django_filters import CharFilter, FilterSet, IsoDateTimeFilter
from django_filters.fields import IsoDateTimeField


class SymbolFilter(CharFilter):  # type: ignore[misc]  # the library has no types
    """An underlying by its symbol, in any case."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().filter(qs, value.strip().upper() if value else value)
        return rows


class MomentField(IsoDateTimeField):  # type: ignore[misc]  # the library has no types
    """A moment in UTC: the database takes no offset of 16 hours and more, and no year before 1 or after 9999."""

    def to_python(self, value: Any) -> datetime | None:
        moment: datetime | None = super().to_python(value)
        try:
            return None if moment is None else moment.astimezone(UTC)
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class MomentFilter(IsoDateTimeFilter):  # type: ignore[misc]  # the library has no types
    field_class = MomentField


class RowFilter(FilterSet):  # type: ignore[misc]  # the library has no types
    """Rows created at or after one moment and before another; a time without an offset is UTC."""

    created_after = MomentFilter(field_name="created_at", lookup_expr="gte")
    created_before = MomentFilter(field_name="created_at", lookup_expr="lt")
