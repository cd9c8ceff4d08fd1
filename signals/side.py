"""Side and intent: which way an alert looks, and whether it opens or closes. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from optionsengine.core.enums import Intent, Side
from signals.data import Detail, IntakeRejected, invalid_fields
from signals.enums import IntakeCode
from signals.fields import field_read, is_given, word_read

Options = Sequence[str]

# buy and sell name an order; call and put name the option; the rest name what is expected of the underlying
_CALL, _PUT = frozenset({"call", "c"}), frozenset({"put", "p"})
OPTION_WORDS = _CALL | _PUT
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


def _statement(body: Mapping[str, Any], options: Options) -> list[Side]:
    """Return every side the body states outright, the ordered option's first."""
    words = [SIDE_WORDS[word] for word in options]
    return [*words, *(side for side in _stated(body, STATEMENT) if side is not None)]


def _first_side(body: Mapping[str, Any], paths: tuple[str, ...]) -> Side | None:
    return next((side for side in _stated(body, paths) if side is not None), None)


def _check_statement(body: Mapping[str, Any], options: Options) -> None:
    faults: list[Detail] = [
        {"field": path, "message": 'send a text, for example "long" or "short"'}
        for path in ("direction", "side")
        if is_given(value := field_read(body, path)) and not isinstance(value, str)
    ]
    if faults:
        raise invalid_fields(faults)
    if len(set(_statement(body, options))) > 1:
        raise IntakeRejected(
            IntakeCode.CONFLICTING_DIRECTION,
            "direction, side, signal.type|direction|side and an option's own type contradict each other; "
            "send one of them, or let them agree",
        )


def is_exit_word(word: str) -> bool:
    """Return whether an action closes; spaces and hyphens stand for underscores."""
    return word.replace(" ", "_").replace("-", "_") in EXIT_WORDS


def cancel_check(body: Mapping[str, Any]) -> None:
    """Let a body through that does not ask to cancel a working order, which the engine does by itself.

    :raises IntakeRejected: `NOT_ACTIONABLE`.
    """
    if any(word_read(body, path) in CANCEL_WORDS for path in ("action", *ORDER_WORDS)):
        raise IntakeRejected(
            IntakeCode.NOT_ACTIONABLE, "an alert cancels no order; send action CLOSE to close a position"
        )


def intent_read(body: Mapping[str, Any], options: Options = ()) -> Intent:
    """Return whether the body opens or closes a position. `options`: the words of the option that it orders."""
    if any(is_exit_word(word_read(body, path)) for path in ("action", "order_action")):
        return Intent.EXIT
    if any(word_read(body, path) == "flat" for path in _POSITION):
        return Intent.EXIT
    action = word_read(body, "action")
    words = {word_read(body, "direction"), word_read(body, "side"), *options}
    # an option's own word decides first: to sell a put is to close it, to buy one is to open it
    if action == "sell" and words & (OPTION_WORDS | _RISING):
        return Intent.EXIT
    if action == "buy" and not words & OPTION_WORDS and words & _FALLING:
        return Intent.EXIT
    return Intent.ENTRY


def _exit_side(body: Mapping[str, Any], options: Options) -> Side | None:
    """What is held says more than the order that closes it, and that order more than the market's mood."""
    held = next(iter(_statement(body, options)), None) or _first_side(body, _POSITION_BEFORE)
    if held is not None:
        return held
    for path in ("action", *ORDER_WORDS):
        if (word := word_read(body, path)) in _CLOSED_BY:
            return _CLOSED_BY[word]
    return _first_side(body, (*CONTEXT_BEFORE, *CONTEXT_AFTER, *PATTERN, *CONTEXT_LAST))


def side_and_intent_find(body: Mapping[str, Any], options: Options = ()) -> tuple[Side | None, Intent]:
    """Return the side and intent of a body; side None is an exit of every side.

    `options` are the words (CALL, PUT) that name the option a body orders; they count as a `direction` does.

    :raises IntakeRejected: `INVALID_FIELD` or `CONFLICTING_DIRECTION`; on an entry `MISSING_DIRECTION` where nothing
        names a side, or `NOT_ACTIONABLE` where something does and none of it is a side word (NEUTRAL, MIXED).
    """
    _check_statement(body, options)
    intent = intent_read(body, options)
    if intent == Intent.EXIT:
        return _exit_side(body, options), intent
    is_stated = False
    for side in chain((SIDE_WORDS[word] for word in options), _stated(body, SOURCES)):
        if side is not None:
            return side, intent
        is_stated = True
    if is_stated:
        raise IntakeRejected(IntakeCode.NOT_ACTIONABLE, "the alert names no side that can be traded (long or short)")
    raise IntakeRejected(IntakeCode.MISSING_DIRECTION, 'send "direction", for example "long" or "short"')
