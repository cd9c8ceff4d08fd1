"""Filters every list of the API has."""

from typing import Any

from django.db.models import QuerySet
from django_filters import CharFilter, FilterSet, IsoDateTimeFilter


class SymbolFilter(CharFilter):  # type: ignore[misc]  # the library has no types
    """An underlying by its symbol, in any case."""

    def filter(self, qs: QuerySet[Any], value: Any) -> QuerySet[Any]:
        rows: QuerySet[Any] = super().filter(qs, value.strip().upper() if value else value)
        return rows


class RowFilter(FilterSet):  # type: ignore[misc]  # the library has no types
    """Rows created at or after one moment and before another; a time without an offset is UTC."""

    created_after = IsoDateTimeFilter(field_name="created_at", lookup_expr="gte")
    created_before = IsoDateTimeFilter(field_name="created_at", lookup_expr="lt")
