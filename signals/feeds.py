"""The bodies of the market feeds, frozen and validated: dollars, contracts, and words in any case."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from signals.numbers import PRICE_LIMIT, flag_read, number_read, price_read
from signals.payload_types import Block, Text, text_of, word_upper

AMOUNT_LIMIT = Decimal(999_999_999_999)  # what an amount's column holds
CENT = Decimal("0.01")


def _amount(value: Any) -> Decimal:
    number = number_read(value)
    if number is None or not 0 <= number < AMOUNT_LIMIT:
        raise ValueError("send a number of 0 or more")
    return number.quantize(CENT)


def _price_or_zero(value: Any) -> Decimal:
    number = Decimal(0) if value is None else number_read(value)
    if number is None or not 0 <= number < PRICE_LIMIT:
        raise ValueError("send a number of 0 or more")
    return number


def _amount_or_zero(value: Any) -> Decimal:
    return _amount(0 if value is None else value)


def _flag_or_false(value: Any) -> bool:
    return value is not None and flag_read(value)


Price = Annotated[Decimal, BeforeValidator(price_read)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]
PriceOrZero = Annotated[Decimal, BeforeValidator(_price_or_zero)]


class FlowPayload(Block):
    """One print of option flow: `premium` in dollars, `size` in contracts."""

    symbol: Text
    type: Annotated[Literal["CALL", "PUT"], BeforeValidator(word_upper)]
    strike: Price
    expiry: Annotated[str, BeforeValidator(text_of), Field(max_length=40)]
    premium: Amount
    size: Amount
    sentiment: Annotated[Literal["BULLISH", "BEARISH", "NEUTRAL"], BeforeValidator(word_upper)]
    unusual: Annotated[bool, BeforeValidator(_flag_or_false)] = False


class PricePayload(Block):
    """One tick of the underlying; what it has no open, high, low or volume of is zero."""

    symbol: Text
    price: Price
    volume: Annotated[Decimal, BeforeValidator(_amount_or_zero)] = Decimal(0)
    high: PriceOrZero = Decimal(0)
    low: PriceOrZero = Decimal(0)
    open: PriceOrZero = Decimal(0)


class ChainPayload(Block):
    """A chain is kept as it came."""

    symbol: Text
