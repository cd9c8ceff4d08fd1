import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.enums import Intent, Side
from signals.data import IntakeRejected
from signals.enums import IntakeCode
from signals.fields import field_read
from signals.side import SOURCES, cancel_check, side_and_intent_find

LONG_WORDS = ["long", "bull", "bullish", "up", "buy", "call", "c", "markup", "breakout"]
SHORT_WORDS = ["short", "bear", "bearish", "down", "sell", "put", "p", "markdown", "breakdown"]
ENTRY_LONG, ENTRY_SHORT = (Side.LONG, Intent.ENTRY), (Side.SHORT, Intent.ENTRY)
EXIT_LONG, EXIT_SHORT, EXIT_ALL = (Side.LONG, Intent.EXIT), (Side.SHORT, Intent.EXIT), (None, Intent.EXIT)


def at_path(path, value):
    for part in reversed(path.split(".")):
        value = {part: value}
    return value


def code_of(body):
    with pytest.raises(IntakeRejected) as refused:
        side_and_intent_find(body)
    return refused.value.code


@pytest.mark.parametrize(
    ("word", "expected"), [(w, ENTRY_LONG) for w in LONG_WORDS] + [(w, ENTRY_SHORT) for w in SHORT_WORDS]
)
def test_every_side_word_in_any_case(word, expected):
    assert side_and_intent_find({"direction": word}) == expected
    assert side_and_intent_find({"direction": f" {word.upper()} "}) == expected


@pytest.mark.parametrize("path", SOURCES)
def test_every_source_alone_tells_the_side(path):
    assert side_and_intent_find(at_path(path, "bullish" if "pattern" in path else "buy")) == ENTRY_LONG
    assert side_and_intent_find(at_path(path, "bearish" if "pattern" in path else "sell")) == ENTRY_SHORT


def test_the_order_of_sources_is_the_contract_s():
    assert SOURCES == (
        "direction",
        "side",
        "trend",
        "bias",
        "sentiment",
        "signal.type",
        "signal.direction",
        "signal.side",
        "regime_context.local_bias",
        "execution_guidance.bias",
        "order_action",
        "strategy.order_action",
        "pattern",
        "signal.pattern",
        "event.phase_name",
        "market.market_bias",
        "action",
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"trend": "BULLISH", "bias": "BEARISH"}, ENTRY_LONG),
        ({"direction": "short", "trend": "BULLISH", "pattern": "bull flag", "action": "BUY"}, EXIT_SHORT),
        ({"direction": "short", "trend": "BULLISH", "pattern": "bull flag"}, ENTRY_SHORT),
        ({"direction": "NEUTRAL", "trend": "down"}, ENTRY_SHORT),
        ({"trend": "MIXED", "action": "BUY"}, ENTRY_LONG),
        ({"trend": {"a": "long"}, "bias": "short"}, ENTRY_SHORT),
        ({"direction": "", "side": None, "action": "buy"}, ENTRY_LONG),
        ({"pattern": "ORB_BREAKOUT", "action": "sell"}, ENTRY_SHORT),
        ({"pattern": "long_short_squeeze", "action": "sell"}, ENTRY_SHORT),
        ({"signal": "LONG", "bias": "short"}, ENTRY_SHORT),
    ],
)
def test_the_first_side_word_decides_and_other_words_hide_nothing(body, expected):
    assert side_and_intent_find(body) == expected


@pytest.mark.parametrize("body", [{"direction": "NEUTRAL"}, {"trend": "MIXED", "bias": "flat"}, {"action": "HOLD"}])
def test_only_other_words_are_not_actionable(body):
    assert code_of(body) == IntakeCode.NOT_ACTIONABLE


@pytest.mark.parametrize(
    "body", [{}, {"direction": " "}, {"pattern": "ORB_BREAKOUT"}, {"signal": "LONG"}, {"trend": {}}, {"bias": []}]
)
def test_nothing_at_all_is_missing(body):
    assert code_of(body) == IntakeCode.MISSING_DIRECTION


@pytest.mark.parametrize(
    "body",
    [
        {"direction": "long", "side": "short"},
        {"direction": "CALL", "side": "sell"},
        {"side": "buy", "signal": {"type": "PUT"}},
        {"signal": {"type": "LONG", "side": "SHORT"}},
        {"direction": "long", "signal": {"direction": "bear"}},
        {"direction": "long", "side": "short", "action": "CLOSE"},
    ],
)
def test_one_statement_may_not_contradict_itself(body):
    assert code_of(body) == IntakeCode.CONFLICTING_DIRECTION


@pytest.mark.parametrize(
    "context", [{"trend": "BEARISH"}, {"bias": "short"}, {"pattern": "bear"}, {"sentiment": "down"}]
)
def test_context_may_differ_from_the_statement(context):
    assert side_and_intent_find({"direction": "long", **context}) == ENTRY_LONG


@pytest.mark.parametrize("word", ["CLOSE", "exit", "Flatten", "SELL_TO_CLOSE", "sell to close", "x"])
@pytest.mark.parametrize("field", ["action", "order_action"])
def test_exit_words_without_a_side_close_everything(field, word):
    assert side_and_intent_find({field: word}) == EXIT_ALL


@pytest.mark.parametrize(
    ("action", "word", "expected"),
    [
        ("SELL", "CALL", EXIT_LONG),
        ("SELL", "PUT", EXIT_SHORT),
        ("SELL", "long", EXIT_LONG),
        ("SELL", "bullish", EXIT_LONG),
        ("SELL", "up", EXIT_LONG),
        ("SELL", "bull", EXIT_LONG),
        ("SELL", "short", ENTRY_SHORT),
        ("SELL", "bearish", ENTRY_SHORT),
        ("SELL", "sell", ENTRY_SHORT),
        ("SELL", None, ENTRY_SHORT),
        ("BUY", "short", EXIT_SHORT),
        ("BUY", "bearish", EXIT_SHORT),
        ("BUY", "down", EXIT_SHORT),
        ("BUY", "bear", EXIT_SHORT),
        ("BUY", "PUT", ENTRY_SHORT),
        ("BUY", "p", ENTRY_SHORT),
        ("BUY", "CALL", ENTRY_LONG),
        ("BUY", "long", ENTRY_LONG),
        ("BUY", None, ENTRY_LONG),
    ],
)
@pytest.mark.parametrize("field", ["direction", "side"])
def test_an_order_with_a_side(field, action, word, expected):
    assert side_and_intent_find({"action": action.lower(), field: word}) == expected
    assert side_and_intent_find({"action": action, field: word}) == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"action": "BUY", "direction": "PUT", "side": "short"}, ENTRY_SHORT),
        ({"action": "SELL", "direction": "PUT", "side": "short"}, EXIT_SHORT),
        ({"market_position": "flat"}, EXIT_ALL),
        ({"strategy": {"market_position": "FLAT"}}, EXIT_ALL),
        ({"action": "sell", "market_position": "flat"}, EXIT_LONG),
        ({"action": "buy", "market_position": "flat"}, EXIT_SHORT),
        ({"order_action": "sell", "market_position": "flat"}, EXIT_LONG),
        ({"strategy": {"order_action": "buy", "market_position": "flat"}}, EXIT_SHORT),
        ({"action": "sell", "market_position": "flat", "prev_market_position": "short"}, EXIT_SHORT),
        ({"action": "buy", "market_position": "flat", "prev_market_position": "long"}, EXIT_LONG),
        ({"action": "buy", "market_position": "flat", "prev_market_position": "flat"}, EXIT_SHORT),
        ({"action": "sell", "market_position": "flat", "trend": "BEARISH"}, EXIT_LONG),
        ({"action": "sell", "market_position": "flat", "sentiment": "flat"}, EXIT_LONG),
        ({"action": "CLOSE", "direction": "PUT"}, EXIT_SHORT),
        ({"action": "CLOSE", "direction": "long", "trend": "BEARISH"}, EXIT_LONG),
        ({"action": "EXIT", "trend": "BEARISH"}, EXIT_SHORT),
        ({"action": "EXIT", "direction": "NEUTRAL"}, EXIT_ALL),
        ({"action": "buy", "market_position": "long"}, ENTRY_LONG),
    ],
)
def test_exits_and_what_they_close(body, expected):
    assert side_and_intent_find(body) == expected


@pytest.mark.parametrize(
    ("body", "option", "expected"),
    [
        ({"action": "buy"}, "put", ENTRY_SHORT),
        ({"action": "buy"}, "p", ENTRY_SHORT),
        ({"action": "buy"}, "call", ENTRY_LONG),
        ({"action": "sell"}, "put", EXIT_SHORT),
        ({"action": "sell"}, "c", EXIT_LONG),
        ({"action": "close"}, "put", EXIT_SHORT),
        ({"action": "sell", "side": "short"}, "put", EXIT_SHORT),
        ({"trend": "BULLISH"}, "put", ENTRY_SHORT),
        ({"direction": "NEUTRAL"}, "put", ENTRY_SHORT),
    ],
)
def test_the_word_of_an_ordered_option_is_the_direction(body, option, expected):
    assert side_and_intent_find(body, [option]) == expected


@pytest.mark.parametrize(
    ("body", "options"),
    [
        ({"direction": "long"}, ["put"]),
        ({"side": "short"}, ["call"]),
        ({"signal": {"side": "LONG"}}, ["put"]),
        ({}, ["put", "call"]),
        ({"direction": "CALL", "action": "SELL"}, ["put"]),
    ],
)
def test_an_ordered_option_may_not_contradict_the_statement(body, options):
    with pytest.raises(IntakeRejected) as refused:
        side_and_intent_find(body, options)
    assert refused.value.code == IntakeCode.CONFLICTING_DIRECTION


@pytest.mark.parametrize("field", ["type", "option_type", "optionType"])
def test_a_plain_alert_s_type_is_no_side(field):
    body = {"action": "BUY", field: "PUT", "strike": 580, "expiration": "2026-02-20"}
    assert side_and_intent_find(body) == ENTRY_LONG


def test_a_plain_alert_s_flat_sentiment_is_no_side_and_no_exit():
    assert side_and_intent_find({"action": "sell", "sentiment": "flat"}) == ENTRY_SHORT


@pytest.mark.parametrize("field", ["action", "order_action"])
@pytest.mark.parametrize("word", ["cancel", " CANCEL "])
def test_a_cancel_is_not_actionable_whatever_else_it_says(field, word):
    with pytest.raises(IntakeRejected) as refused:
        cancel_check({field: word, "direction": "long", "sentiment": "bullish"})
    assert refused.value.code == IntakeCode.NOT_ACTIONABLE


@pytest.mark.parametrize("body", [{}, {"action": "close"}, {"action": "buy", "note": "cancel"}, {"action": ["cancel"]}])
def test_nothing_else_is_a_cancel(body):
    cancel_check(body)


@pytest.mark.parametrize("field", ["direction", "side"])
@pytest.mark.parametrize("value", [{}, [], ["long"], {"a": 1}, 1, 0, 1.5, True, False])
@pytest.mark.parametrize("rest", [{}, {"action": "buy"}, {"action": "close"}])
def test_a_statement_that_is_no_text_is_refused(field, value, rest):
    with pytest.raises(IntakeRejected) as refused:
        side_and_intent_find({field: value, **rest})
    assert (refused.value.code, [detail["field"] for detail in refused.value.details]) == (
        IntakeCode.INVALID_FIELD,
        [field],
    )


MIRROR = dict(zip(LONG_WORDS + SHORT_WORDS, SHORT_WORDS + LONG_WORDS, strict=True))
WORDS = st.sampled_from([*MIRROR, "neutral", "flat", "close"])
FIELDS = ("direction", "side", "trend", "action", "order_action", "market_position", "prev_market_position")


@settings(max_examples=200)
@given(st.dictionaries(st.sampled_from(FIELDS), WORDS, max_size=4))
def test_a_mirrored_alert_has_the_mirrored_side_and_the_same_intent(body):
    # buy and put meet in a rule that has no mirror: options of both sides are bought
    if body.get("action") in ("buy", "sell") and {"call", "c", "put", "p"} & {body.get("direction"), body.get("side")}:
        return
    # nor has "markdown": it names a phase, and phases pair by name
    mirrored = {key: MIRROR.get(word, word) for key, word in body.items()}
    assert _outcome(mirrored) == _flip(_outcome(body))


def _outcome(body):
    try:
        return side_and_intent_find(body)
    except IntakeRejected as refused:
        return refused.code


def _flip(outcome):
    if isinstance(outcome, IntakeCode):
        return outcome
    side, intent = outcome
    return side and side.opposite, intent


def test_reading_a_path_through_anything_is_safe():
    assert field_read({"a": {"b": {"c": 1}}}, "a.b.c") == 1
    for body in ({}, {"a": None}, {"a": "b"}, {"a": ["b"]}, {"a": {"b": 3}}):
        assert field_read(body, "a.b.c") is None
