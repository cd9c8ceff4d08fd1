"""What is special to each network provider: feeds, pages, codes inside answers, columns."""

import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market.enums import ProviderFault
from optionsengine.market.providers.http import ProviderError, Timeouts
from tests.fakes import server as faults
from tests.fakes.alpaca import page_token
from tests.fakes.market import AT, FAR, NEAR, TOLD_AT
from tests.market.providers.rooms import KEY, SECRET, bar_of, room_of

CALL = OptionContract("SPY", NEAR, Right.CALL, Decimal("602.5"))


@pytest.fixture
def open_room():
    with ExitStack() as stack:
        yield lambda name, **terms: stack.enter_context(room_of(name, **terms))


def editing(change) -> faults.Fault:
    """The right answer, edited."""

    def fault(handler, body: bytes) -> None:
        found = json.loads(body)
        change(found)
        handler.send(200, json.dumps(found).encode())

    return fault


def garbage_of(call) -> ProviderError:
    with pytest.raises(ProviderError) as broken:
        call()
    assert broken.value.kind == ProviderFault.GARBAGE
    return broken.value


# Alpaca


def test_alpacas_keys_and_feeds(open_room):
    room = open_room("alpaca", stock_feed="sip", option_feed="opra")
    room.provider.chain("SPY", AT, 20, 90, Right.CALL)
    room.provider.bars("SPY", "5m", 3, AT)
    paths = {asked.path: asked for asked in room.server.asked}
    assert paths["/v2/stocks/snapshots"].query["feed"] == "sip"
    assert paths["/v1beta1/options/snapshots/SPY"].query["feed"] == "opra"
    bars = paths["/v2/stocks/bars"].query
    assert (bars["feed"], bars["adjustment"], bars["timeframe"], bars["sort"]) == ("sip", "split", "5Min", "asc")
    assert bars["end"] == "2026-02-18T15:30:20Z"
    for asked in room.server.asked:
        assert (asked.headers["apca-api-key-id"], asked.headers["apca-api-secret-key"]) == (KEY, SECRET)


@pytest.mark.parametrize(("timeframe", "name"), [("15m", "15Min"), ("1h", "30Min"), ("4h", "30Min"), ("1d", "1Day")])
def test_alpacas_hours_are_asked_for_as_half_hours(open_room, timeframe, name):
    room = open_room("alpaca")
    room.provider.bars("SPY", timeframe, 3, AT)
    assert {asked.query["timeframe"] for asked in room.server.asked} == {name}


def test_alpacas_delayed_bars_end_where_the_delay_begins(open_room):
    room = open_room("alpaca", stock_feed="delayed_sip")
    # 16 minutes earlier it is 15:14:20: a bar up to 15:30 would lack its end
    assert room.provider.bars("SPY", "5m", 1, AT) == (bar_of(5, 7, 1, "alpaca"),)
    assert room.provider.bars("SPY", "1h", 1, AT) == (bar_of(4, 72, 6, "alpaca"),)
    assert {asked.query["feed"] for asked in room.server.asked} == {"sip"}
    room.provider.quote("SPY", AT)
    assert room.server.asked[-1].query["feed"] == "delayed_sip"


def test_alpacas_official_close_is_not_adjusted(open_room):
    room = open_room("alpaca")
    room.provider.official_close("SPY", date(2026, 2, 17))
    assert room.server.asked[0].query["adjustment"] == "raw"
    assert room.server.asked[0].query["feed"] == "sip"  # every exchange, whatever the plan shows of today
    assert room.server.asked[0].query["end"] == "2026-02-17T21:00:00Z"


def test_alpacas_pages_are_all_read(open_room):
    room = open_room("alpaca")
    assert len(room.provider.chain("SPY", AT, 20, 90, Right.CALL).quotes) == 4
    tokens = [asked.query.get("page_token") for asked in room.server.asked if "contracts" in asked.path]
    assert len(tokens) == 3
    assert tokens[0] is None
    assert None not in tokens[1:]


@pytest.mark.parametrize("token", ["Mw==", 7, ["x"]])
def test_alpacas_pages_that_do_not_end_are_garbage(open_room, token):
    room = open_room("alpaca")
    room.server.fault = editing(lambda found: found.update(next_page_token=token))
    garbage_of(lambda: room.provider.option_quotes([CALL], AT))
    assert len(room.server.asked) <= 2


def test_alpaca_never_reads_more_than_25_pages(open_room):
    room = open_room("alpaca")
    numbers = iter(range(1000))
    room.server.fault = editing(lambda found: found.update(next_page_token=page_token(next(numbers))))
    garbage_of(lambda: room.provider.option_quotes([CALL], AT))
    assert len(room.server.asked) == 25


@pytest.mark.parametrize("snapshot", [None, {}, {"latestQuote": {}}, {"latestTrade": None}])
def test_alpacas_symbol_without_a_trade_has_no_data(open_room, snapshot):
    room = open_room("alpaca")
    room.server.fault = editing(lambda found: found.update(SPY=snapshot))
    with pytest.raises(ProviderError) as refused:
        room.provider.quote("SPY", AT)
    assert refused.value.kind == ProviderFault.NO_DATA
    assert list(room.provider.quotes(["SPY", "AAPL"], AT)) == ["AAPL"]


def test_alpacas_trade_without_a_book_is_a_last_price(open_room):
    room = open_room("alpaca")
    room.server.fault = editing(lambda found: found["SPY"].update(latestQuote=None))
    quote = room.provider.quote("SPY", AT)
    assert (quote.bid, quote.ask, quote.last, quote.mid) == (None, None, Decimal("600.11"), Decimal("600.11"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"strike_price": "603"},
        {"expiration_date": "2026-03-21"},
        {"type": "put"},
        {"strike_price": "NaN"},
        {"open_interest": "-1"},
        {"open_interest": "many"},
        {"size": None},
    ],
    ids=str,
)
def test_alpacas_contract_that_contradicts_itself_is_dropped_and_counted(open_room, caplog, wrong):
    room = open_room("alpaca")
    room.server.provider.page = 1000

    def change(found) -> None:
        for row in found.get("option_contracts", []):
            if row["symbol"] == CALL.occ_symbol:
                row.update(wrong)

    room.server.fault = editing(change)
    chain = room.provider.chain("SPY", AT, 20, 90, Right.CALL)
    assert CALL not in [quote.contract for quote in chain.quotes]
    assert len(chain.quotes) == 3
    assert "alpaca: 1 contracts could not be read and were dropped" in caplog.text


@pytest.mark.parametrize("name", ["option_contracts", "snapshots", "bars"])
@pytest.mark.parametrize("value", [None, 7, "text"])
def test_alpacas_wrong_shapes_are_garbage(open_room, name, value):
    room = open_room("alpaca")
    room.server.fault = editing(lambda found: found.update({name: value}) if name in found else None)
    calls = {
        "option_contracts": lambda: room.provider.chain("SPY", AT, 20, 90, Right.CALL),
        "snapshots": lambda: room.provider.option_quotes([CALL], AT),
        "bars": lambda: room.provider.bars("SPY", "5m", 3, AT),
    }
    garbage_of(calls[name])


@pytest.mark.parametrize(
    "wrong",
    [{"h": 1}, {"l": 9999}, {"o": 0}, {"c": None}, {"v": -1}, {"v": None}, {"t": "2026-02-18T15:00:00"}, {"t": 7e30}],
    ids=str,
)
def test_a_series_with_an_impossible_bar_is_garbage(open_room, wrong):
    """A hole would make every indicator wrong; another provider may have it whole."""
    room = open_room("alpaca")
    room.server.fault = editing(lambda found: found["bars"]["SPY"][0].update(wrong))
    garbage_of(lambda: room.provider.bars("SPY", "5m", 3, AT))


def test_a_volume_with_a_fraction_counts_whole_shares(open_room):
    room = open_room("alpaca")
    room.server.provider.bars_page = 1000
    room.server.fault = editing(lambda found: found["bars"]["SPY"][-2].update(v=111.75))
    assert room.provider.bars("SPY", "5m", 1, AT)[0].volume == 111


def test_alpacas_volume_of_another_day_is_not_todays(open_room):
    room = open_room("alpaca")

    def change(found) -> None:
        found["snapshots"][CALL.occ_symbol]["dailyBar"]["t"] = "2026-02-17T05:00:00Z"

    room.server.fault = editing(change)
    assert room.provider.option_quotes([CALL], AT)[CALL].volume is None


def test_alpacas_contract_without_a_quote_is_left_out(open_room):
    room = open_room("alpaca")
    room.server.fault = editing(lambda found: found["snapshots"][CALL.occ_symbol].pop("latestQuote"))
    assert room.provider.option_quotes([CALL], AT) == {}


def test_prices_are_kept_to_four_places(open_room):
    room = open_room("alpaca")
    room.server.fault = editing(lambda found: found["SPY"]["latestTrade"].update(p=600.123456))
    assert str(room.provider.quote("SPY", AT).last) == "600.1235"
    room.server.fault = editing(lambda found: found["SPY"]["latestTrade"].update(p=0.00001))
    garbage_of(lambda: room.provider.quote("SPY", AT))


def test_one_clients_pages_share_ten_seconds(open_room, monkeypatch):
    """Each page may take its three seconds, all of them together no more than their sum allows."""
    monkeypatch.setattr("optionsengine.market.providers.alpaca._PAGES_SECONDS", 0.2)
    room = open_room("alpaca", timeouts=Timeouts(connect=1.0, total=60.0))
    room.server.fault = faults.hangs
    with pytest.raises(ProviderError) as broken:
        room.provider.option_quotes([CALL], AT)
    assert broken.value.kind == ProviderFault.TIMEOUT


# Twelve Data


@pytest.mark.parametrize("status", [200, 400])
@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (400, ProviderFault.REJECTED),
        (401, ProviderFault.UNAUTHORIZED),
        (403, ProviderFault.FORBIDDEN),
        (404, ProviderFault.NO_DATA),
        (429, ProviderFault.RATE_LIMITED),
        (500, ProviderFault.SERVER),
    ],
)
def test_twelve_datas_code_counts_whatever_the_http_status(open_room, status, code, kind):
    room = open_room("twelvedata")
    room.server.fault = faults.sends(json.dumps(room.server.provider.refusal(code, "no")).encode())
    for call in (lambda: room.provider.quote("SPY", AT), lambda: room.provider.bars("SPY", "5m", 3, AT)):
        with pytest.raises(ProviderError) as broken:
            call()
        assert broken.value.kind == kind
        if kind == ProviderFault.RATE_LIMITED:
            assert 0 < broken.value.retry_after <= 60


def test_twelve_datas_refusal_of_one_symbol_in_a_batch(open_room):
    room = open_room("twelvedata")
    refusal = room.server.provider.refusal
    room.server.fault = editing(lambda found: found.update(SPY=refusal(404, "unknown")))
    assert list(room.provider.quotes(["SPY", "AAPL"], AT)) == ["AAPL"]
    room.server.fault = editing(lambda found: found.update(SPY=refusal(429, "out of credits")))
    with pytest.raises(ProviderError) as broken:
        room.provider.quotes(["SPY", "AAPL"], AT)
    assert broken.value.kind == ProviderFault.RATE_LIMITED


def test_twelve_datas_error_without_a_code_is_garbage(open_room):
    room = open_room("twelvedata")
    room.server.fault = faults.sends(b'{"status": "error"}')
    garbage_of(lambda: room.provider.quote("SPY", AT))


@pytest.mark.parametrize("wrong", [{"currency": "EUR"}, {"symbol": "SPX"}, {"close": None}, {"last_quote_at": "now"}])
def test_another_listing_is_not_ours(open_room, wrong):
    room = open_room("twelvedata")
    room.server.fault = editing(lambda found: found.update(wrong))
    garbage_of(lambda: room.provider.quote("SPY", AT))


def test_bars_in_another_currency_are_garbage(open_room):
    room = open_room("twelvedata")
    room.server.fault = editing(lambda found: found["meta"].update(currency="GBp"))
    garbage_of(lambda: room.provider.bars("SPY", "1h", 3, AT))


def test_without_the_time_of_the_last_minute_a_quote_is_as_old_as_its_day(open_room):
    room = open_room("twelvedata")
    room.server.fault = editing(lambda found: found.pop("last_quote_at"))
    assert room.provider.quote("SPY", AT).at == datetime(2026, 2, 18, 14, 30, tzinfo=UTC)


def test_twelve_data_is_asked_for_the_span_in_utc(open_room):
    room = open_room("twelvedata")
    room.provider.bars("SPY", "4h", 3, AT)
    room.provider.official_close("SPY", date(2026, 2, 17))
    bars, close = (asked.query for asked in room.server.asked)
    assert (bars["interval"], bars["timezone"], bars["end_date"]) == ("30min", "UTC", "2026-02-18 15:30:20")
    assert (close["interval"], close["adjust"], close["end_date"]) == ("1day", "none", "2026-02-17 21:00:00")
    assert room.server.asked[0].headers["authorization"] == f"apikey {KEY}"


# MarketData.app


def test_marketdata_is_asked_with_a_token_and_whole_days(open_room):
    room = open_room("marketdata")
    room.provider.chain("SPY", AT, 20, 90, Right.PUT)
    asked = room.server.asked[0]
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    assert (asked.path, asked.query["side"]) == ("/v1/options/chain/SPY/", "put")
    # a day more on either side; the fraction of days is judged on what comes
    assert (asked.query["from"], asked.query["to"]) == ("2026-03-09", "2026-05-21")
    room.provider.option_quotes([CALL], AT)
    assert room.server.asked[1].path == f"/v1/options/quotes/{CALL.occ_symbol}/"


def test_a_cached_answer_is_an_answer(open_room):
    room = open_room("marketdata")
    room.provider.quote("SPY", AT)
    assert room.server.provider.reply(room.server.asked[0]).status == 203


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found["bid"].append(1),
        lambda found: found.pop("openInterest"),
        lambda found: found.update(updated=7),
        lambda found: found.update(s="error", errmsg="something"),
        lambda found: found.pop("s"),
    ],
)
def test_marketdatas_wrong_shapes_are_garbage(open_room, change):
    room = open_room("marketdata")
    room.server.fault = editing(change)
    garbage_of(lambda: room.provider.chain("SPY", AT, 20, 90, Right.CALL))
    garbage_of(lambda: room.provider.option_quotes([CALL], AT))


@pytest.mark.parametrize("status", [200, 404])
def test_marketdatas_no_data_is_an_empty_chain_of_a_known_symbol(open_room, status):
    room = open_room("marketdata")
    empty = faults.sends(b'{"s": "no_data"}', status)
    quote = json.dumps(room.server.provider._stocks(["SPY"]).body, default=faults.plain).encode()

    def fault(handler, body: bytes) -> None:
        empty(handler, body) if "options" in handler.path else handler.send(200, quote)

    room.server.fault = fault
    chain = room.provider.chain("SPY", AT, 20, 90, Right.CALL)
    assert (chain.quotes, chain.spot, chain.at) == ((), Decimal("600.11"), TOLD_AT)
    assert room.provider.option_quotes([CALL], AT) == {}


def test_marketdatas_columns_of_greeks_may_be_missing(open_room):
    room = open_room("marketdata")

    def change(found) -> None:
        for name in ("iv", "delta", "gamma", "theta", "vega"):
            del found[name]

    room.server.fault = editing(change)
    quote = room.provider.option_quotes([CALL], AT)[CALL]
    assert (quote.iv, quote.delta, quote.vega, quote.greeks_source, quote.open_interest) == (None, None, None, "", 1234)


def test_marketdatas_spot_is_the_one_of_the_newest_quote(open_room):
    room = open_room("marketdata")

    def change(found) -> None:
        found["underlyingPrice"] = [600.5, 600.25, None, 600.75, 600.0]
        found["updated"] = [updated - age for updated, age in zip(found["updated"], (9, 1, 0, 5, 0), strict=True)]

    room.server.fault = editing(change)
    chain = room.provider.chain("SPY", AT, 20, 90, Right.CALL)
    assert (chain.spot, chain.at, len(chain.quotes)) == (Decimal("600.25"), TOLD_AT - timedelta(seconds=1), 4)


def test_a_chain_of_which_nothing_can_be_read_is_garbage(open_room):
    room = open_room("marketdata")
    room.server.fault = editing(lambda found: found.update(updated=["now"] * len(found["updated"])))
    garbage_of(lambda: room.provider.chain("SPY", AT, 20, 90, Right.CALL))


def test_an_answer_about_another_contract_is_left_out(open_room, caplog):
    room = open_room("marketdata")
    other = replace(CALL, expiration=FAR)
    room.server.fault = editing(lambda found: found.update(optionSymbol=[other.occ_symbol]))
    assert room.provider.option_quotes([CALL], AT) == {}
    assert "about another contract" in caplog.text
