"""The broker of a live engine that has none configured: it refuses everything, and says so."""

from datetime import datetime

from orders.data import BrokerReport, OrderRequest
from orders.enums import OrderCode, OrderStatus


class NullBroker:
    name = "null"

    def submit(self, request: OrderRequest, at: datetime) -> BrokerReport:
        return self._refused()

    def poll(self, request: OrderRequest, at: datetime) -> BrokerReport:
        return self._refused()

    def lookup(self, request: OrderRequest, at: datetime) -> BrokerReport | None:
        return None

    @staticmethod
    def _refused() -> BrokerReport:
        return BrokerReport(
            OrderStatus.REJECTED,
            (),
            OrderCode.BROKER_NOT_CONFIGURED,
            "no live broker is configured; set APP_MODE=PAPER to trade on paper",
        )
