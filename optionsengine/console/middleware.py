"""Who changed a rule: the person's id goes into the audit rows that the database's triggers write."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from pghistory.middleware import HistoryMiddleware

PEOPLE = ("/admin/", "/api/v1/")


class WhoMiddleware(HistoryMiddleware):
    """Only where people act: the webhook changes nothing that is audited and must not pay for it."""

    get_response: Callable[[HttpRequest], HttpResponse]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PEOPLE):
            return self.get_response(request)
        response: HttpResponse = super().__call__(request)  # type: ignore[no-untyped-call]  # the library's
        return response
