"""Side and intent: which way an alert looks, and whether it opens or closes. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from optionsengine.core.enums import Intent, Side
from signals.data import Detail, IntakeRejected, invalid_fields
from signals.enums import IntakeCode
from signals.fields import field_first, field_read, is_given, word_read

# buy and sell name an order; call and put name the option; the rest name what is expected of the underlying
_CALL, _PUT = frozenset({"call", "c"}), frozenset({"put", "p"})
_RISING = frozenset({"long", "bull", "bullish", "up", "markup", "breakout"})
_FALLING = frozenset({"short", "bear", "bearish", "down", "markdown", "breakdown"})
SIDE_WORDS: dict[str, Side] = {
    **dict.fromkeys(_CALL | _RISING | {"buy"}, Side.LONG),
    **dict.fromkeys(_PUT | _FALLING | {"sell"}, Side.SHORT),
}
EXIT_WORDS = frozenset({"close", "exit", "flatten", "sell_to_close", "x"})

STATEMENT = ("direction", "side", "signal.type", "signal.direction", "signal.side")
PATTERN = ("pattern", "signal.pattern")
ORDER_WORDS = ("order_action", "strategy.order_action")
CONTEXT_BEFORE = ("trend", "bias", "sentiment")
CONTEXT_AFTER = ("regime_context.local_bias", "execution_guidance.bias")
CONTEXT_LAST = ("event.phase_name", "market.market_bias")
# the contract's order, `pattern` and `action` included
SOURCES = (
    "direction",
    "side",
    *CONTEXT_BEFORE,
    *STATEMENT[2:],
    *CONTEXT_AFTER,
    *ORDER_WORDS,
    *PATTERN,
    *CONTEXT_LAST,
    "action",
)
# beside a strike and an expiration these name the option that is ordered, as `direction` would
OPTION_WORDS = ("type", "option_type", "optionType")
_EXPIRATIONS = ("expiration", "expiry", "exp")
_ORDERS = {
    **dict.fromkeys(("buy", "long", "b"), "buy"),
    **dict.fromkeys(("sell", "short", "s"), "sell"),
}
CANCEL_WORDS = frozenset({"cancel"})
_POSITION = ("market_position", "strategy.market_position")
_POSITION_BEFORE = ("prev_market_position", "strategy.prev_market_position")
# which open side an order closes
_CLOSED_BY = {"sell": Side.LONG, "buy": Side.SHORT}


def side_read(word: str) -> Side | None:
    """Return the side a word names, in any case, or None."""
    return SIDE_WORDS.get(word.strip().lower())


def pattern_side(text: str) -> Side | None:
    """Return the side a pattern's name contains; None if it names neither, or both."""
    lowered = text.lower()
    rising = "bull" in lowered or "long" in lowered
    falling = "bear" in lowered or "short" in lowered
    if rising == falling:
        return None
    return Side.LONG if rising else Side.SHORT


def _stated(body: Mapping[str, Any], paths: tuple[str, ...]) -> Iterator[Side | None]:
    """Yield what each given value of `paths` says; None for a value that is no side word."""
    for path in paths:
        value = field_read(body, path)
        if not is_given(value) or isinstance(value, dict | list):
            continue
        if path in PATTERN:
            side = pattern_side(value) if isinstance(value, str) else None
            if side is not None:
                yield side
        else:
            yield side_read(value) if isinstance(value, str) else None


def _option_words(body: Mapping[str, Any]) -> list[str]:
    """Return the words that name the ordered option, CALL or PUT; none where the body orders no single option."""
    if not is_given(field_read(body, "strike")) or field_first(body, _EXPIRATIONS) is None:
        return []
    return [word for path in OPTION_WORDS if (word := word_read(body, path)) in _CALL | _PUT]


def _statement(body: Mapping[str, Any]) -> list[Side]:
    """Return every side the body states outright, the ordered option's first."""
    words = [SIDE_WORDS[word] for word in _option_words(body)]
    return [*words, *(side for side in _stated(body, STATEMENT) if side is not None)]


def _action(body: Mapping[str, Any]) -> str:
    """Return the action; that of an order for one option in its full form (`b` is buy)."""
    word = word_read(body, "action")
    return _ORDERS.get(word, word) if _option_words(body) else word


def _first_side(body: Mapping[str, Any], paths: tuple[str, ...]) -> Side | None:
    return next((side for side in _stated(body, paths) if side is not None), None)


def _check_statement(body: Mapping[str, Any]) -> None:
    faults: list[Detail] = [
        {"field": path, "message": 'send a text, for example "long" or "short"'}
        for path in ("direction", "side")
        if is_given(value := field_read(body, path)) and not isinstance(value, str)
    ]
    option_order = _option_words(body)
    action = _action(body)
    if option_order and action and action not in _CLOSED_BY and not _is_exit_word(action):
        faults.append({"field": "action", "message": "send BUY, SELL or CLOSE in an order for an option"})
    if faults:
        raise invalid_fields(faults)
    if len(set(_statement(body))) > 1:
        raise IntakeRejected(
            IntakeCode.CONFLICTING_DIRECTION,
            "direction, side, signal.type|direction|side and an option's own type contradict each other; "
            "send one of them, or let them agree",
        )


def _is_exit_word(word: str) -> bool:
    return word.replace(" ", "_").replace("-", "_") in EXIT_WORDS


def cancel_check(body: Mapping[str, Any]) -> None:
    """Let a body through that does not ask to cancel a working order, which the engine does by itself.

    :raises IntakeRejected: `NOT_ACTIONABLE`.
    """
    if any(word_read(body, path) in CANCEL_WORDS for path in ("action", *ORDER_WORDS)):
        raise IntakeRejected(
            IntakeCode.NOT_ACTIONABLE, "an alert cancels no order; send action CLOSE to close a position"
        )


def intent_read(body: Mapping[str, Any]) -> Intent:
    """Return whether the body opens or closes a position."""
    for path in ("action", "order_action"):
        if _is_exit_word(word_read(body, path)):
            return Intent.EXIT
    if any(word_read(body, path) == "flat" for path in _POSITION):
        return Intent.EXIT
    action = _action(body)
    # beside an order the sentiment is the position it leads to; alone it is the market's mood
    if action and word_read(body, "sentiment") == "flat":
        return Intent.EXIT
    words = {word_read(body, "direction"), word_read(body, "side"), *_option_words(body)}
    # an option's own word decides first: to sell a put is to close it, to buy one is to open it
    if action == "sell" and words & (_CALL | _PUT | _RISING):
        return Intent.EXIT
    if action == "buy" and not words & (_CALL | _PUT) and words & _FALLING:
        return Intent.EXIT
    return Intent.ENTRY


def _exit_side(body: Mapping[str, Any]) -> Side | None:
    """What is held says more than the order that closes it, and that order more than the market's mood."""
    held = next(iter(_statement(body)), None) or _first_side(body, _POSITION_BEFORE)
    if held is not None:
        return held
    for path in ("action", *ORDER_WORDS):
        if (word := word_read(body, path)) in _CLOSED_BY:
            return _CLOSED_BY[word]
    return _first_side(body, (*CONTEXT_BEFORE, *CONTEXT_AFTER, *PATTERN, *CONTEXT_LAST))


def side_and_intent_find(body: Mapping[str, Any]) -> tuple[Side | None, Intent]:
    """Return the side and intent of a body; side None is an exit of every side.

    :raises IntakeRejected: `INVALID_FIELD` or `CONFLICTING_DIRECTION`; on an entry `MISSING_DIRECTION` where nothing
        names a side, or `NOT_ACTIONABLE` where something does and none of it is a side word (NEUTRAL, MIXED).
    """
    _check_statement(body)
    intent = intent_read(body)
    if intent == Intent.EXIT:
        return _exit_side(body), intent
    stated = [*(SIDE_WORDS[word] for word in _option_words(body)), *_stated(body, SOURCES)]
    side = next((value for value in stated if value is not None), None)
    if side is not None:
        return side, intent
    if stated:
        raise IntakeRejected(IntakeCode.NOT_ACTIONABLE, "the alert names no side that can be traded (long or short)")
    raise IntakeRejected(IntakeCode.MISSING_DIRECTION, 'send "direction", for example "long" or "short"')
