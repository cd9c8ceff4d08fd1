"""Market context: informs decisions, never a signal whatever else it carries."""

from signals.adapters.base import Body, read_or_fault, time_read
from signals.data import Arrival, ContextDraft, Detail, invalid_fields
from signals.enums import Family
from signals.fields import is_given, word_read
from signals.numbers import price_read
from signals.symbol import symbol_find


class ContextAdapter:
    family = Family.CONTEXT

    def matches(self, body: Body, path: str) -> bool:
        return word_read(body, "type") == "context"

    def read(self, body: Body, arrival: Arrival) -> ContextDraft:
        faults: list[Detail] = []
        ticker = body.get("ticker")
        if not is_given(ticker) or not isinstance(ticker, str):
            faults.append({"field": "ticker", "message": "send the symbol, for example SPY"})
        price = read_or_fault(body, "price", price_read, faults)
        if price is None and all(fault["field"] != "price" for fault in faults):
            faults.append({"field": "price", "message": "send a number above 0"})
        if faults or price is None:
            raise invalid_fields(faults)
        symbol = symbol_find(body, allow_delayed_feed=arrival.allow_delayed_feed)
        return ContextDraft(symbol, price, time_read(body, "timestamp", arrival))
