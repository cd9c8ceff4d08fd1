"""Where a judged request is kept: in the inbox, or in this host's spool while the database is away or slow."""

import logging

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError

from optionsengine.core.breaker import LocalBreaker
from optionsengine.core.deadline import deadline
from optionsengine.core.retry import database_retry
from optionsengine.pipeline.write_ahead import request_spool, spool_is_empty
from signals.data import JudgedRequest
from signals.services import webhook_event_store

logger = logging.getLogger(__name__)

STORE_SECONDS = 1.0  # a sender gives up after 3 s: this leaves time for the spool, or for the effect if it went well
BREAKER_SECONDS = 2.0


class StoreBreaker(LocalBreaker):
    """Allows nobody to ask the database while requests wait in the spool: new ones queue behind those anyway.

    A try that is allowed and then not made would keep the breaker open for another round.
    """

    def allows(self) -> bool:
        return spool_is_empty() and super().allows()


# after one request of this process has waited for the database in vain, the next ones do not
breaker = StoreBreaker(BREAKER_SECONDS)


def database_is_away() -> bool:
    """Tell whether the database has failed this host's requests and is not known to be back."""
    return breaker.is_open or not spool_is_empty()


def request_keep(request: JudgedRequest, *, may_ask: bool) -> bool:
    """Keep the request so that no crash loses it: True if it is in the inbox, False if it waits in the spool.

    `may_ask` is what the breaker said: False also behind whatever waits there, for what came first is read first.

    :raises SpoolError: if it could be kept nowhere.
    """
    if may_ask and _is_stored(request):
        return True
    request_spool(request)
    return False


def _is_stored(request: JudgedRequest) -> bool:
    try:
        with deadline(STORE_SECONDS):
            database_retry(lambda: webhook_event_store(request))
    except (DatabaseError, InterfaceError) as error:
        # It may be stored all the same: the spool is drained by the same key.
        logger.error("the inbox cannot be written, the request goes to the spool: %s", str(error).partition("\n")[0])
        if isinstance(error, DataError | IntegrityError):
            breaker.succeeded()  # a row that the database refuses says nothing against its health
        else:
            breaker.failed()
        return False
    breaker.succeeded()
    return True
