import pytest

from signals.adapters.bias_v3 import BiasV3Adapter
from signals.data import Arrival, IntakeRejected
from signals.enums import IntakeCode
from tests.bias.payloads import AT, BODY, bias_body, bias_draft


def refused(body):
    with pytest.raises(IntakeRejected) as refusal:
        BiasV3Adapter().read(body, Arrival(AT, False, 1800))
    return refusal.value


def faults(**changes):
    refusal = refused(bias_body(**changes))
    assert refusal.code == IntakeCode.INVALID_FIELD
    return [detail["field"] for detail in refusal.details]


def _leaves(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _leaves(item, (*path, index))
    else:
        yield path


OPTIONAL = {"exchange", "mtf.regime.adx_15m", "mtf.regime.atr_state_15m"}
PATHS = [".".join(map(str, path)) for path in _leaves(BODY)]


@pytest.mark.parametrize("path", PATHS)
def test_each_field_is_named_when_it_is_missing(path):
    body = bias_body()
    target = body
    *parents, last = path.split(".")
    for parent in parents:
        target = target[int(parent)] if isinstance(target, list) else target[parent]
    del target[last]
    if path in OPTIONAL:
        assert BiasV3Adapter().read(body, Arrival(AT, False, 1800)).symbol == "QQQ"
    else:
        refusal = refused(body)
        assert refusal.code == IntakeCode.INVALID_FIELD
        assert [detail["field"] for detail in refusal.details] == [path]


def test_an_exchange_may_be_null():
    assert bias_draft(exchange=None).payload.exchange == ""
    assert faults(exchange=5) == ["exchange"]


@pytest.mark.parametrize("path", PATHS)
def test_each_field_is_named_when_it_has_the_wrong_type(path):
    body = bias_body()
    target = body
    *parents, last = path.split(".")
    for parent in parents:
        target = target[int(parent)] if isinstance(target, list) else target[parent]
    target[last] = ["wrong"]
    refusal = refused(body)
    assert refusal.code == IntakeCode.INVALID_FIELD
    assert refusal.details[0]["field"].startswith(path)


@pytest.mark.parametrize(
    ("path", "low", "high", "below", "above"),
    [
        ("mtf__consensus__bias_score", -100, 100, -100.1, 100.1),
        ("mtf__consensus__confidence_score", 0, 1, -0.01, 1.01),
        ("mtf__consensus__alignment_score", 0, 100, -0.1, 100.1),
        ("mtf__consensus__conflict_score", 0, 100, -0.1, 100.1),
        ("mtf__regime__chop_score", 0, 100, -0.1, 100.1),
        ("macro__state__macro_confidence", 0, 1, -0.01, 1.01),
        ("intent__confidence", 0, 1, -0.01, 78),
    ],
)
def test_bounds(path, low, high, below, above):
    for good in (low, high, str(high)):
        assert bias_draft(**{path: good}).symbol == "QQQ"
    for bad in (below, above, "high", True, None):
        assert faults(**{path: bad}) == [path.replace("__", ".")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"event_ts_ms": 0}, "event_ts_ms"),
        ({"event_ts_ms": 1.5}, "event_ts_ms"),
        ({"event_ts_ms": 3}, "event_ts_ms"),
        ({"event_id_raw": " "}, "event_id_raw"),
        ({"event_id_raw": 7}, "event_id_raw"),
        ({"event_type": "OTHER"}, "event_type"),
        ({"session": "PRE"}, "session"),
        ({"trigger__triggered": "yes"}, "trigger.triggered"),
        ({"mtf__timeframes": []}, "mtf.timeframes"),
        ({"source": "ANOTHER"}, "source"),
    ],
)
def test_enums_and_other_limits(changes, field):
    assert faults(**changes) == [field]


def test_words_are_read_in_any_case_and_numbers_in_quotes():
    draft = bias_draft(
        source=" mtf_bias_engine_v3 ",
        event_type="bias_change",
        mtf__consensus__bias_consensus="bearish",
        mtf__consensus__bias_score="-12.5",
        bar__close="621.00",
        symbol=" nasdaq:qqq ",
    )
    assert (draft.symbol, draft.payload.event_type, draft.payload.mtf.consensus.bias_consensus) == (
        "QQQ",
        "BIAS_CHANGE",
        "BEARISH",
    )
    assert draft.payload.mtf.consensus.bias_score == -12.5


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "BTC-USD"}, IntakeCode.INVALID_SYMBOL),
        ({"exchange": "BINANCE"}, IntakeCode.INVALID_SYMBOL),
        ({"exchange": "NASDAQ_DLY"}, IntakeCode.DELAYED_FEED),
        ({"chart_tf": "soon"}, IntakeCode.INVALID_TIMEFRAME),
        ({"event_ts_ms": 1770303602000 + 300_001}, IntakeCode.STALE_TIMESTAMP),
    ],
)
def test_what_follows_the_schema(changes, code):
    assert refused(bias_body(**changes)).code == code


def test_an_event_300_seconds_ahead_is_read():
    assert bias_draft(event_ts_ms=1770303602000 + 300_000).event_at.timestamp() == 1770303902
