"""What passes between an order and a broker, as frozen values."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from optionsengine.core.values import OptionContract
from orders.enums import OrderAction, OrderStatus, OrderType


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """What a broker is asked for. `limit_price` is dollars per share, quantities are contracts."""

    client_order_id: str
    contract: OptionContract
    action: OrderAction
    order_type: OrderType
    limit_price: Decimal | None
    quantity: int
    filled_quantity: int

    @property
    def open_quantity(self) -> int:
        """The contracts still to be filled."""
        return self.quantity - self.filled_quantity


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution: `price` per share, `commission` in dollars for all of it, and the quote it filled against."""

    execution_id: str
    quantity: int
    price: Decimal
    commission: Decimal
    executed_at: datetime
    bid: Decimal | None
    ask: Decimal | None
    quote_at: datetime | None
    source: str


@dataclass(frozen=True, slots=True)
class BrokerReport:
    """What a broker says of one order: its status and every execution known to it, told before or not.

    `code` is a member of `OrderCode`, or empty when there is nothing to explain; `message` says it to a person.
    """

    status: OrderStatus
    fills: tuple[Fill, ...] = ()
    code: str = ""
    message: str = ""
