import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.data import IntakeRejected
from signals.enums import IntakeCode
from signals.symbol import OTHER_MARKETS, symbol_find


def find(body, allow=False):
    return symbol_find(body, allow_delayed_feed=allow)


@pytest.mark.parametrize(
    ("raw", "symbol"),
    [
        ("SPY", "SPY"),
        (" spy\t", "SPY"),
        ("SPY\n", "SPY"),
        ("\r\n SPY \x0b\x0c", "SPY"),
        ("SPY\u00a0", "SPY"),
        ("nasdaq\n:\naapl\r\n", "AAPL"),
        ("NASDAQ:AAPL", "AAPL"),
        ("nasdaq: aapl", "AAPL"),
        ("BRK-B", "BRK.B"),
        ("BRK/B", "BRK.B"),
        ("brk.b", "BRK.B"),
        ("NYSE:BRK.B", "BRK.B"),
        ("SPY.US", "SPY"),
        ("BRK.B.US", "BRK.B"),
        ("BRK-B.us", "BRK.B"),
        ("RDS.AB", "RDS.AB"),
        ("A", "A"),
        ("ABCDEFGHIJ", "ABCDEFGHIJ"),
        ("A1", "A1"),
    ],
)
def test_spellings_become_one_symbol(raw, symbol):
    assert find({"symbol": raw}) == symbol


@pytest.mark.parametrize(
    "raw",
    [
        "ABCDEFGHIJK",
        "1A",
        "BTC-USD",
        "EUR/USD",
        "ES1!",
        "$SPX",
        "{{ticker}}",
        "SPY QQQ",
        "A:B:C",
        "AMEX:SPY/NASDAQ:QQQ",
        "NASDAQ:",
        ":",
        "SPY\r\nX-Header: 1",
        "SP\nY",
        "\x1b[31mSPY",
        "ＳＰＹ",
        "ſpy",
        "SPÝ",
        "SP\u00a0Y",
        "FTX:BTC",
        "CURRENCYCOM:AAPL",
        "GLOBEX:ES",
        "TVC:GOLD",
        "TVC_DLY:VIX",
        "BINANCE:BTC",
        "COINBASE:ETH",
        "OANDA:EUR",
        "FX:EUR",
        "CME_MINI:ES",
        "COMEX:GC",
        "CBOT_DL:ZC",
        "BINANCE_DLY:BTC",
        7,
        True,
        [],
        {},
    ],
)
def test_what_is_no_american_stock_is_refused(raw):
    with pytest.raises(IntakeRejected) as refused:
        find({"symbol": raw})
    assert refused.value.code == IntakeCode.INVALID_SYMBOL


@pytest.mark.parametrize("venue", ["BINANCE", " kraken ", "OANDA", "CME", "NYMEX_DL"])
def test_the_exchange_field_names_a_venue_too(venue):
    with pytest.raises(IntakeRejected) as refused:
        find({"symbol": "BTC", "exchange": venue}, allow=True)
    assert refused.value.code == IntakeCode.INVALID_SYMBOL


@pytest.mark.parametrize("body", [{"symbol": "SPY", "exchange": e} for e in ("AMEX", "ARCA", "", None, 5, {})])
def test_other_exchanges_say_nothing(body):
    assert find(body) == "SPY"


@pytest.mark.parametrize("feed", ["NASDAQ_DLY", "CBOE_DL", "nasdaq_dly"])
@pytest.mark.parametrize("where", ["prefix", "exchange"])
def test_a_delayed_feed_is_refused_unless_allowed(feed, where):
    body = {"symbol": f"{feed}:AAPL"} if where == "prefix" else {"symbol": "AAPL", "exchange": feed}
    with pytest.raises(IntakeRejected) as refused:
        find(body)
    assert refused.value.code == IntakeCode.DELAYED_FEED
    assert "ALLOW_DELAYED_FEED" in refused.value.message
    assert find(body, allow=True) == "AAPL"


@pytest.mark.parametrize(
    ("body", "symbol"),
    [
        ({"symbol": "A", "ticker": "B"}, "A"),
        ({"symbol": "", "ticker": "B"}, "B"),
        ({"symbol": None, "ticker": "B", "meta": {"ticker": "C"}}, "B"),
        ({"meta": {"ticker": "C"}, "instrument": {"symbol": "D"}}, "C"),
        ({"instrument": {"symbol": "D", "ticker": "E"}, "market": {"symbol": "F"}}, "D"),
        ({"instrument": {"ticker": "E"}, "market": {"symbol": "F"}}, "E"),
        ({"market": {"symbol": "F"}}, "F"),
        ({"meta": "text", "market": {"symbol": "F"}}, "F"),
    ],
)
def test_sources_are_tried_in_order(body, symbol):
    assert find(body) == symbol


@pytest.mark.parametrize("body", [{}, {"symbol": None}, {"symbol": "  "}, {"meta": {}}, {"market": []}])
def test_no_symbol_is_missing(body):
    with pytest.raises(IntakeRejected) as refused:
        find(body)
    assert refused.value.code == IntakeCode.MISSING_SYMBOL


@settings(max_examples=200)
@given(st.text(max_size=25))
def test_whatever_passes_is_an_ascii_symbol_and_reads_as_itself(raw):
    outcome = _outcome(raw)
    if isinstance(outcome, IntakeCode):
        assert outcome in (IntakeCode.INVALID_SYMBOL, IntakeCode.MISSING_SYMBOL, IntakeCode.DELAYED_FEED)
        return
    assert outcome.isascii()
    assert outcome == outcome.upper()
    assert 1 <= len(outcome) <= 13
    assert find({"symbol": outcome}) == outcome


def _outcome(raw):
    try:
        return find({"symbol": raw})
    except IntakeRejected as refused:
        return refused.code


def test_no_stock_exchange_is_among_the_other_venues():
    assert not OTHER_MARKETS & {"NASDAQ", "NYSE", "AMEX", "ARCA", "BATS", "CBOE", "OTC", "SP", "DJ"}
