"""An order for one option, in the words of the older receivers: the option's own word is the direction."""

from signals.adapters.base import Body, Places, signal_read
from signals.data import Arrival, Detail, SignalDraft, invalid_fields
from signals.enums import Family
from signals.fields import is_given, path_given, placeholder_fault, word_read
from signals.numbers import order_expiration_read
from signals.side import OPTION_WORDS, is_exit_word
from signals.symbol import SOURCES

ACTION = ("action", "side", "signal")
SYMBOL = ("ticker", "symbol", "underlying")
EXPIRATION = ("expiration", "expiry", "exp")
OPTION = ("type", "option_type", "optionType")
QUANTITY = ("qty", "quantity", "contracts", "size")
PRICE = ("price", "limit_price", "limitPrice")
_ORDERS = {
    **dict.fromkeys(("buy", "long", "b"), "buy"),
    **dict.fromkeys(("sell", "short", "s"), "sell"),
}


def _options(body: Body) -> list[str]:
    return [word for path in OPTION if (word := word_read(body, path)) in OPTION_WORDS]


def _action(body: Body, path: str) -> str:
    word = word_read(body, path)
    return _ORDERS.get(word, word)


def _is_listed(action: str) -> bool:
    return action in _ORDERS.values() or is_exit_word(action)


class OptionOrderAdapter:
    family = Family.OPTION_ORDER

    def matches(self, body: Body, path: str) -> bool:
        if all(is_given(body.get(key)) for key in ("action", "ticker", "strike", "expiration")):
            return path_given(body, OPTION) is not None
        # by its other names only what can be nothing else: `type`, `side` and `signal` say much in other families
        named = all(path_given(body, paths) is not None for paths in (SYMBOL, EXPIRATION, ("strike",)))
        is_order = is_given(body.get("action")) or _is_listed(_action(body, path_given(body, ACTION) or ACTION[0]))
        return named and is_order and bool(_options(body))

    def read(self, body: Body, arrival: Arrival) -> SignalDraft:
        action_path = path_given(body, ACTION) or ACTION[0]
        action = _action(body, action_path)
        faults: list[Detail] = []
        if not _is_listed(action):
            fault = placeholder_fault(body.get(action_path)) or "send BUY, SELL or CLOSE in an order for an option"
            faults.append({"field": action_path, "message": fault})
        if not (options := _options(body)):
            option_path = path_given(body, OPTION) or OPTION[0]
            faults.append(
                {"field": option_path, "message": placeholder_fault(body.get(option_path)) or "send CALL or PUT"}
            )
        if faults:
            raise invalid_fields(faults)
        # where `side` or `signal` is the order, it is no statement of a side beside it
        said = {**body, action_path: None, "action": action}
        places = Places(
            symbol=(*SYMBOL, *SOURCES),
            default_timeframe="1d",
            price=PRICE,
            quantity=QUANTITY,
            expiration=EXPIRATION,
            read_expiration=order_expiration_read,
            said=said,
            options=options,
        )
        return signal_read(body, arrival, self.family, places)
