"""Cursor pagination: stable while rows arrive, and as cheap on the last page as on the first."""

from typing import TYPE_CHECKING, Any

from rest_framework.pagination import CursorPagination

if TYPE_CHECKING:  # the framework imports this module while it builds these two
    from rest_framework.request import Request
    from rest_framework.views import APIView


class NewestFirst(CursorPagination):
    """Newest first by `created_at`; the id breaks ties, so that no row is skipped or repeated."""

    ordering = ("-created_at",)
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500

    def get_ordering(self, request: "Request", queryset: Any, view: "APIView") -> tuple[str, ...]:
        ordering = super().get_ordering(request, queryset, view)
        return (*ordering, "-id" if ordering[0].startswith("-") else "id")
