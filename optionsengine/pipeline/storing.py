"""Where a judged request is kept: in the inbox, or in this host's spool while the database is away or slow."""

import logging
from collections.abc import Sequence
from enum import Enum

from django.db import DatabaseError, DataError, IntegrityError, InterfaceError

from optionsengine.core.breaker import LocalBreaker
from optionsengine.core.deadline import deadline
from optionsengine.core.retry import database_retry
from optionsengine.core.spool import SpoolError
from optionsengine.pipeline.write_ahead import request_spool, spool_is_empty
from signals.data import JudgedRequest
from signals.services import webhook_events_store

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


class Kept(Enum):
    """Where a request is."""

    INBOX = 1
    SPOOL = 2
    NOWHERE = 3


def requests_keep(requests: Sequence[JudgedRequest], *, may_ask: bool, within: float = STORE_SECONDS) -> list[Kept]:
    """Keep requests so that no crash loses one, in the inbox or else in the spool, and return where each is.

    `may_ask` is what the breaker said: False also behind whatever waits there, for what came first is read first.
    They are stored together, `within` seconds; what the database refuses to take together is offered one by one.
    """
    if may_ask:
        try:
            with deadline(within):
                database_retry(lambda: webhook_events_store(requests))
        except (DataError, IntegrityError) as error:
            breaker.succeeded()  # a row that the database refuses says nothing against its health
            if len(requests) > 1:
                return [kept for request in requests for kept in requests_keep([request], may_ask=True, within=within)]
            _tell(error)
        except (DatabaseError, InterfaceError) as error:
            breaker.failed()
            _tell(error)
        else:
            breaker.succeeded()
            return [Kept.INBOX] * len(requests)
    return [_spool(request) for request in requests]


def _spool(request: JudgedRequest) -> Kept:
    try:
        request_spool(request)  # it may be stored all the same: the spool is drained by the same key
    except SpoolError as error:
        logger.error("a request could be stored nowhere: %s", error)
        return Kept.NOWHERE
    return Kept.SPOOL


def _tell(error: Exception) -> None:
    logger.error("the inbox cannot be written, requests go to the spool: %s", str(error).partition("\n")[0])
