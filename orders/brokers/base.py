"""What every broker does."""

from datetime import datetime
from typing import Protocol

from orders.data import BrokerReport, OrderRequest


class Broker(Protocol):
    """Carries orders out. Called outside any transaction, because a broker may take its time.

    A time-out or a broken connection raises `core.errors.Unknown`: the order may have arrived, so it is looked up
    before anything is done again.
    """

    name: str

    def submit(self, request: OrderRequest, at: datetime) -> BrokerReport:
        """Send the order and return what became of it so far."""
        ...

    def poll(self, request: OrderRequest, at: datetime) -> BrokerReport:
        """Return what became of an order that was sent before."""
        ...

    def lookup(self, request: OrderRequest, at: datetime) -> BrokerReport | None:
        """Return what the broker knows of the order by its client order id; None: it never received it."""
        ...
