"""What each family of entries and exits makes of a body, exactly, and what it refuses."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from optionsengine.core.enums import Intent, Side
from signals.data import IntakeRejected, SignalDraft
from signals.enums import Family, IntakeCode
from tests.signals.adapters.bodies import (
    AT,
    BAR_AT,
    GONE,
    OPTION_ORDER,
    ORB,
    PLAIN,
    SATY,
    STRAT,
    TRADERSPOST,
    TREND_DOTS,
    TS,
    ULTIMATE,
    changed,
    read,
)

LONG, SHORT = (Side.LONG, Intent.ENTRY), (Side.SHORT, Intent.ENTRY)
EXIT_LONG, EXIT_SHORT, EXIT_ALL = (Side.LONG, Intent.EXIT), (Side.SHORT, Intent.EXIT), (None, Intent.EXIT)


def drafted(family, minutes, **changes):
    timeframe = changes.pop("timeframe", f"{minutes}m")
    bar_at = changes.pop("bar_at", BAR_AT)
    plain = dict.fromkeys(("confidence", "price", "quantity", "strike", "expiration"))
    end = bar_at + timedelta(minutes=minutes)
    fixed = {"symbol": "QQQ", "intent": Intent.ENTRY, "pattern": "", "is_test": False, "sender_event_id": ""}
    named = {**plain, **fixed, "timeframe": timeframe, "bar_at": bar_at, "bar_end_at": end, **changes}
    return SignalDraft(family=family, **named)


@pytest.mark.parametrize(
    ("body", "draft"),
    [
        (
            OPTION_ORDER,
            drafted(
                Family.OPTION_ORDER,
                1440,
                timeframe="1d",
                bar_at=AT,
                side=Side.SHORT,
                quantity=2,
                strike=Decimal("615.0000"),
                expiration=date(2026, 2, 20),
            ),
        ),
        (
            STRAT,
            drafted(Family.STRAT, 15, side=Side.SHORT, confidence=71.0, pattern="3-1-2", sender_event_id="strat-7"),
        ),
        (SATY, drafted(Family.SATY, 5, side=Side.SHORT, confidence=64.0, sender_event_id="saty-7")),
        (ORB, drafted(Family.ORB, 5, side=Side.LONG, price=Decimal("621.2500"))),
        (TREND_DOTS, drafted(Family.TREND_DOTS, 3, side=Side.SHORT)),
        (ULTIMATE, drafted(Family.ULTIMATE, 5, side=Side.LONG)),
        (TRADERSPOST, drafted(Family.TRADERSPOST, 5, side=Side.LONG)),
        (PLAIN, drafted(Family.PLAIN, 5, side=Side.LONG)),
    ],
    ids=lambda value: str(value.family) if isinstance(value, SignalDraft) else "",
)
def test_a_whole_body_s_draft(body, draft):
    assert read(body) == draft


@pytest.mark.parametrize(
    ("action", "option", "expected"),
    [
        *((word, "CALL", LONG) for word in ("BUY", "long", " b ")),
        *((word, "put", SHORT) for word in ("BUY", "LONG", "B")),
        *((word, "C", EXIT_LONG) for word in ("SELL", "short", "s", "CLOSE", "Exit", "flatten", "X", "sell to close")),
        *((word, "P", EXIT_SHORT) for word in ("SELL", "SHORT", "S", "CLOSE")),
    ],
)
@pytest.mark.parametrize("action_field", ["action", "side", "signal"])
@pytest.mark.parametrize("option_field", ["type", "option_type", "optionType"])
def test_an_option_order_s_action_and_option(action, option, expected, action_field, option_field):
    body = {**changed(OPTION_ORDER, action=GONE, type=GONE), action_field: action, option_field: option}
    draft = read(body)
    assert (draft.family, draft.side, draft.intent, draft.timeframe) == (Family.OPTION_ORDER, *expected, "1d")


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"ticker": GONE, "underlying": "qqq"}, "symbol", "QQQ"),
        ({"ticker": GONE, "symbol": "NASDAQ:QQQ"}, "symbol", "QQQ"),
        ({"symbol": "SPY"}, "symbol", "QQQ"),
        *(
            ({"expiration": GONE, name: raw}, "expiration", date(2026, 2, 20))
            for name in ("expiration", "expiry", "exp")
            for raw in ("2026-02-20", "2/20/2026", "260220", 260220, "20260220", "2026-02-20T00:00:00Z")
        ),
        *(({"qty": GONE, name: "3"}, "quantity", 3) for name in ("qty", "quantity", "contracts", "size")),
        *(({name: "4.5"}, "price", Decimal("4.5")) for name in ("price", "limit_price", "limitPrice")),
        ({"timeframe": "15"}, "timeframe", "15m"),
        ({"session": "RTH"}, "timeframe", "1d"),
        ({"strike": "612.5"}, "strike", Decimal("612.5")),
        ({"type": "LIMIT", "option_type": "CALL"}, "side", Side.LONG),
        ({"direction": "bearish"}, "side", Side.SHORT),
        ({"sentiment": "bullish"}, "side", Side.SHORT),
        ({"market_position": "flat"}, "intent", Intent.EXIT),
    ],
)
def test_an_option_order_s_other_names(changes, field, value):
    assert getattr(read(changed(OPTION_ORDER, **changes)), field) == value


@pytest.mark.parametrize(
    ("base", "changes", "code", "fields"),
    [
        *(
            (OPTION_ORDER, {"action": word}, IntakeCode.INVALID_FIELD, ["action"])
            for word in ("INVALID", "SELL_TO_OPEN", "add", "cancel", 5, ["BUY"], {})
        ),
        (OPTION_ORDER, {"type": "STRADDLE"}, IntakeCode.INVALID_FIELD, ["type"]),
        (OPTION_ORDER, {"type": 5, "action": "HOLD"}, IntakeCode.INVALID_FIELD, ["action", "type"]),
        (OPTION_ORDER, {"action": "HOLD", "ticker": "1"}, IntakeCode.INVALID_FIELD, ["action"]),
        (OPTION_ORDER, {"ticker": "1", "strike": 0}, IntakeCode.INVALID_SYMBOL, []),
        (OPTION_ORDER, {"direction": "long"}, IntakeCode.CONFLICTING_DIRECTION, []),
        (OPTION_ORDER, {"option_type": "CALL"}, IntakeCode.CONFLICTING_DIRECTION, []),
        (OPTION_ORDER, {"timeframe": "soon", "strike": 0}, IntakeCode.INVALID_TIMEFRAME, []),
        (OPTION_ORDER, {"strike": 0, "qty": 1001}, IntakeCode.INVALID_FIELD, ["quantity:qty", "strike"]),
        (OPTION_ORDER, {"expiration": GONE, "exp": "260204"}, IntakeCode.INVALID_FIELD, ["exp"]),
        (OPTION_ORDER, {"expiration": GONE, "exp": "510220"}, IntakeCode.INVALID_FIELD, ["exp"]),
        (OPTION_ORDER, {"action": "CLOSE", "expiration": "2026-02-04"}, IntakeCode.INVALID_FIELD, ["expiration"]),
        (OPTION_ORDER, {"limit_price": -1}, IntakeCode.INVALID_FIELD, ["limit_price"]),
        (STRAT, {"trade_plan": GONE}, IntakeCode.INVALID_FIELD, ["trade_plan.entry", "trade_plan.stop"]),
        (STRAT, {"trade_plan__entry": 0}, IntakeCode.INVALID_FIELD, ["trade_plan.entry"]),
        (STRAT, {"trade_plan__stop": "low"}, IntakeCode.INVALID_FIELD, ["trade_plan.stop"]),
        (STRAT, {"trade_plan": 7, "market": GONE}, IntakeCode.INVALID_FIELD, ["trade_plan.entry", "trade_plan.stop"]),
        (STRAT, {"trade_plan": GONE, "symbol": "QQQ"}, IntakeCode.INVALID_FIELD, None),
        (STRAT, {"trade_plan": GONE, "timeframe": "5"}, IntakeCode.INVALID_FIELD, None),
        (STRAT, {"market__symbol": GONE}, IntakeCode.MISSING_SYMBOL, []),
        (STRAT, {"market__timeframe": GONE}, IntakeCode.MISSING_TIMEFRAME, []),
        (STRAT, {"signal__side": GONE}, IntakeCode.MISSING_DIRECTION, []),
        (STRAT, {"signal__side": "FLAT"}, IntakeCode.NOT_ACTIONABLE, []),
        (STRAT, {"direction": "long"}, IntakeCode.CONFLICTING_DIRECTION, []),
        (STRAT, {"signal__confidence": 101}, IntakeCode.INVALID_FIELD, ["signal.confidence"]),
        (STRAT, {"journal__created_at": "then"}, IntakeCode.INVALID_FIELD, ["journal.created_at"]),
        (STRAT, {"journal__created_at": TS - 2_702_001}, IntakeCode.STALE_TIMESTAMP, []),
        *((SATY, {"event__phase_name": word}, IntakeCode.NOT_ACTIONABLE, []) for word in ("ACCUMULATION", "long", 5)),
        (SATY, {"event__phase_name": "DISTRIBUTION", "action": "BUY"}, IntakeCode.NOT_ACTIONABLE, []),
        (SATY, {"event__phase_name": GONE}, IntakeCode.MISSING_DIRECTION, []),
        (SATY, {"instrument": GONE}, IntakeCode.MISSING_SYMBOL, []),
        (SATY, {"timeframe__chart_tf": GONE}, IntakeCode.MISSING_TIMEFRAME, []),
        (SATY, {"timeframe__chart_tf": "x"}, IntakeCode.INVALID_TIMEFRAME, []),
        (SATY, {"confidence__confidence_score": -1}, IntakeCode.INVALID_FIELD, ["confidence.confidence_score"]),
        (SATY, {"confidence": 101}, IntakeCode.INVALID_FIELD, ["confidence"]),
        (SATY, {"event__timestamp": "then"}, IntakeCode.INVALID_FIELD, ["event.timestamp"]),
        *(
            (ORB, {"action": "SIGNAL", "type": word}, IntakeCode.NOT_ACTIONABLE, [])
            for word in ("BHCH", "", "Bullish or Bearish", 5)
        ),
        (ORB, {"action": "SIGNAL", "side": "LONG"}, IntakeCode.NOT_ACTIONABLE, []),
        (ORB, {"action": GONE}, IntakeCode.MISSING_DIRECTION, []),
        (ORB, {"price": 0}, IntakeCode.INVALID_FIELD, ["price"]),
        (TREND_DOTS, {"bias": "NEUTRAL"}, IntakeCode.NOT_ACTIONABLE, []),
        (TREND_DOTS, {"trigger_timeframe": GONE}, IntakeCode.MISSING_TIMEFRAME, []),
        (ULTIMATE, {"trend": "NEUTRAL", "signal": {}}, IntakeCode.NOT_ACTIONABLE, []),
        (TRADERSPOST, {"action": "cancel"}, IntakeCode.NOT_ACTIONABLE, []),
        (TRADERSPOST, {"action": "cancel", "interval": GONE, "sentiment": "flat"}, IntakeCode.NOT_ACTIONABLE, []),
        (TRADERSPOST, {"action": "add", "sentiment": GONE}, IntakeCode.NOT_ACTIONABLE, []),
        (TRADERSPOST, {"interval": GONE}, IntakeCode.MISSING_TIMEFRAME, []),
        (TRADERSPOST, {"action": "exit", "pnl": "a lot"}, IntakeCode.INVALID_FIELD, ["pnl"]),
        (
            TRADERSPOST,
            {"action": "exit", "strategy": {"order_profit": []}},
            IntakeCode.INVALID_FIELD,
            ["strategy.order_profit"],
        ),
    ],
)
def test_what_a_family_refuses(base, changes, code, fields):
    with pytest.raises(IntakeRejected) as refused:
        read(changed(base, **changes))
    assert refused.value.code == code
    if fields is not None:
        assert [detail["field"] for detail in refused.value.details] == [name.split(":")[-1] for name in fields]


@pytest.mark.parametrize(
    ("base", "changes", "expected"),
    [
        (STRAT, {"signal__side": "LONG"}, LONG),
        (STRAT, {"trade_plan": GONE, "symbol": "QQQ", "timeframe": "5"}, SHORT),
        (STRAT, {"trade_plan__entry": 0, "symbol": "QQQ", "timeframe": "5"}, SHORT),
        (STRAT, {"action": "CLOSE"}, EXIT_SHORT),
        (SATY, {"event__phase_name": " markup "}, LONG),
        (SATY, {"event__phase_name": "MARKUP", "direction": "short", "bias": "BEARISH"}, LONG),
        (SATY, {"action": "CLOSE"}, EXIT_SHORT),
        (ORB, {"action": "SELL"}, SHORT),
        (ORB, {"action": "SELL", "side": "SHORT"}, SHORT),
        (ORB, {"action": "SELL", "side": "LONG"}, EXIT_LONG),
        (ORB, {"action": "SIGNAL", "type": "Bullish BHCH"}, LONG),
        (ORB, {"action": " signal ", "type": "BHCH bearish", "side": "LONG"}, SHORT),
        (ORB, {"action": "BUY", "type": "Bearish"}, LONG),
        (TREND_DOTS, {"bias": "bullish"}, LONG),
        (ULTIMATE, {"trend": "BEARISH", "signal": {"type": "LONG"}}, SHORT),
        (ULTIMATE, {"trend": "NEUTRAL"}, LONG),
        (TRADERSPOST, {"action": "sell", "sentiment": "bearish"}, SHORT),
        (TRADERSPOST, {"action": "add"}, LONG),
        (TRADERSPOST, {"action": "add", "sentiment": "bearish"}, SHORT),
        (TRADERSPOST, {"action": "sell", "sentiment": "flat"}, EXIT_LONG),
        (TRADERSPOST, {"action": "buy", "sentiment": " FLAT "}, EXIT_SHORT),
        (TRADERSPOST, {"action": "exit", "sentiment": "flat"}, EXIT_ALL),
        (TRADERSPOST, {"action": "exit", "sentiment": GONE}, EXIT_ALL),
        (TRADERSPOST, {"action": "sell", "sentiment": "flat", "prev_market_position": "short"}, EXIT_SHORT),
        (TRADERSPOST, {"action": "add", "sentiment": "flat"}, EXIT_ALL),
    ],
)
def test_side_and_intent_of_a_family(base, changes, expected):
    draft = read(changed(base, **changes))
    assert (draft.side, draft.intent) == expected


@pytest.mark.parametrize(
    ("base", "changes", "field", "value"),
    [
        (STRAT, {"timeframe": "5"}, "timeframe", "15m"),
        (STRAT, {"market__timeframe": GONE, "timeframe": "5"}, "timeframe", "5m"),
        (STRAT, {"journal__created_at": GONE, "timestamp": TS - 60_000}, "bar_at", BAR_AT - timedelta(minutes=1)),
        (STRAT, {"journal__created_at": GONE}, "bar_at", AT),
        (STRAT, {"signal__confidence": GONE, "confidence": 55}, "confidence", 55.0),
        (SATY, {"timeframe": "3"}, "timeframe", "3m"),
        (SATY, {"confidence": "55"}, "confidence", 55.0),
        (SATY, {"confidence": {}}, "confidence", None),
        (SATY, {"event__timestamp": GONE, "timestamp": TS // 1000}, "bar_at", BAR_AT),
        (ORB, {"timeframe": "3"}, "timeframe", "3m"),
        (ORB, {"session": "RTH"}, "timeframe", "5m"),
        (ORB, {"action": "CLOSE"}, "timeframe", "5m"),
        (TRADERSPOST, {"action": "exit", "interval": GONE}, "timeframe", "1d"),
        (TRADERSPOST, {"action": "exit", "pnl": "-12.345"}, "reported_pnl", Decimal("-12.34")),
        (TRADERSPOST, {"action": "exit", "strategy": {"order_profit": 7}}, "reported_pnl", Decimal("7.00")),
        (TRADERSPOST, {"action": "exit", "pnl": " ", "strategy": {"order_profit": 7}}, "reported_pnl", Decimal(7)),
        (TRADERSPOST, {"action": "exit", "pnl": ""}, "reported_pnl", None),
        (TRADERSPOST, {"pnl": "unread on an entry"}, "reported_pnl", None),
        (PLAIN, {"id": "x-1"}, "sender_event_id", "x-1"),
    ],
)
def test_where_a_family_keeps_what(base, changes, field, value):
    assert getattr(read(changed(base, **changes)), field) == value


def test_a_source_may_switch_the_body_s_id_off():
    assert read({**PLAIN, "id": "same each time"}, reads_id=False).sender_event_id == ""
    assert read({**PLAIN, "id": "x", "signal_id": "s-1"}, reads_id=False).sender_event_id == "s-1"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "{{ticker}}"}, IntakeCode.INVALID_SYMBOL),
        ({"timeframe": "{{interval}}"}, IntakeCode.INVALID_TIMEFRAME),
        ({"price": "{{close}}"}, IntakeCode.INVALID_FIELD),
        ({"timestamp": "{{time}}"}, IntakeCode.INVALID_FIELD),
    ],
)
def test_a_placeholder_that_was_not_filled_in_is_named(changes, code):
    with pytest.raises(IntakeRejected) as refused:
        read(changed(PLAIN, **changes))
    assert refused.value.code == code
    assert f"{next(iter(changes.values()))} was not filled in by the sender" in refused.value.message


def test_an_option_order_s_expiration_passes_at_midnight_in_new_york():
    body = changed(OPTION_ORDER, expiration="260205")
    assert read(body, at=datetime(2026, 2, 6, 4, 59, tzinfo=UTC)).expiration == date(2026, 2, 5)
    with pytest.raises(IntakeRejected):
        read(body, at=datetime(2026, 2, 6, 5, 0, tzinfo=UTC))
