"""Twelve Data's words: numbers as text, a batch keyed by symbol, errors with a code inside an answer of status 200."""

from datetime import datetime, timedelta

from tests.fakes.market import SESSIONS, FiveMinutes, five_minutes, joined
from tests.fakes.server import Asked, Body, FakeProvider, Reply, epoch

_MINUTES = {"5min": 5, "15min": 15, "30min": 30, "1h": 60, "4h": 240}


class FakeTwelveData(FakeProvider):
    rate = {"api-credits-used": "3", "api-credits-left": "5"}
    error_status = 200

    def refusal(self, status: int, said: str) -> Body:
        return {
            "code": status,
            "message": said,
            "status": "error",
            "meta": {"symbol": "", "interval": "", "exchange": ""},
        }

    def reply(self, asked: Asked) -> Reply:
        assert asked.query["country"] == "United States"
        if asked.path == "/quote":
            symbols = asked.query["symbol"].split(",")
            found = {symbol: self._quote(symbol) for symbol in symbols}
            return Reply(200, found if len(symbols) > 1 else found[symbols[0]])
        if asked.path == "/time_series":
            return Reply(200, self._series(asked))
        return Reply(404, self.refusal(404, "no such path"))

    def _quote(self, symbol: str) -> Body:
        stock = self.market.stocks.get(symbol)
        if stock is None:
            return self.refusal(404, f"**symbol** not found: {symbol}. Please specify it correctly.")
        return {
            "symbol": symbol,
            "name": "A company",
            "exchange": "NYSE",
            "mic_code": "XNYS",
            "currency": "USD",
            "datetime": "2026-02-18",
            "timestamp": epoch(datetime.fromisoformat("2026-02-18T14:30:00+00:00")),
            "last_quote_at": epoch(stock.minute),
            "open": str(stock.last),
            "high": str(stock.last),
            "low": str(stock.last),
            "close": str(stock.last),
            "volume": "1000",
            "previous_close": str(stock.last),
            "is_market_open": True,
            "fifty_two_week": {"low": "1", "high": "2"},
        }

    def _series(self, asked: Asked) -> Body:
        query = asked.query
        assert query["timezone"] == "UTC"
        if query["symbol"] != "SPY":
            return self.refusal(404, "**symbol** not found")
        start, end = (datetime.fromisoformat(f"{query[name]}+00:00") for name in ("start_date", "end_date"))
        is_daily = query["interval"] == "1day"
        if is_daily:
            rows = [(f"{day}", row) for day, row in self.market.day_bars().items() if start.date() <= day <= end.date()]
        else:
            rows = [
                (f"{row.at:%Y-%m-%d %H:%M:%S}", row)
                for row in self._frames(query["interval"])
                if start <= row.at <= end
            ]
        if not rows:
            return self.refusal(400, "No data is available on the specified dates. Try setting different dates.")
        values = [
            {
                "datetime": when,
                "open": str(row.open),
                "high": str(row.high),
                "low": str(row.low),
                "close": str(row.close),
                "volume": str(row.volume),
            }
            for when, row in rows
        ]
        meta = {"symbol": "SPY", "interval": query["interval"], "currency": "USD", "exchange": "NYSE", "type": "ETF"}
        return {"meta": meta, "values": values if query["order"] == "asc" else values[::-1], "status": "ok"}

    def _frames(self, interval: str) -> list[FiveMinutes]:
        width = timedelta(minutes=_MINUTES[interval])
        found = []
        for day in SESSIONS:
            rows = [row for row in five_minutes(day) if row.at <= self.market.now][12:90]  # the session alone
            groups: dict[datetime, list[FiveMinutes]] = {}
            for row in rows:
                groups.setdefault(rows[0].at + (row.at - rows[0].at) // width * width, []).append(row)
            found += [joined(group, at) for at, group in groups.items()]
        return found
