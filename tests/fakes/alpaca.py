"""Alpaca's words: snapshots keyed by symbol, bars that follow the clock and mix in extended hours, pages by token."""

import base64
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from optionsengine.core.values import OptionContract
from tests.fakes.market import FiveMinutes, Listed, joined
from tests.fakes.server import Asked, Body, FakeProvider, Reply

NEW_YORK = ZoneInfo("America/New_York")
_MINUTES = {"5Min": 5, "15Min": 15, "30Min": 30, "1Hour": 60, "4Hour": 240}


def stamp(moment: datetime) -> str:
    """RFC 3339 with nanoseconds, as Alpaca writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%S}.046330624Z"


def page_token(start: int) -> str:
    """What leads to the page that begins with that item."""
    return base64.b64encode(str(start).encode()).decode()


class FakeAlpaca(FakeProvider):
    rate = {"X-RateLimit-Limit": "200", "X-RateLimit-Remaining": "187", "X-RateLimit-Reset": "1771428660"}
    page = 3  # contracts a page, so that everything comes in pages
    bars_page = 150

    def refusal(self, status: int, said: str) -> Body:
        return {"message": said}

    def reply(self, asked: Asked) -> Reply:
        path = asked.path
        if path == "/v2/stocks/snapshots":
            return Reply(200, self._stocks(asked))
        if path == "/v2/stocks/bars":
            return Reply(200, self._bars(asked))
        if path == "/v2/options/contracts":
            return Reply(200, self._contracts(asked))
        if path == "/v1beta1/options/snapshots":
            names = set(asked.query["symbols"].split(","))
            assert len(names) <= 100
            return Reply(200, self._snapshots(asked, [each for each in self._standard() if each.occ_symbol in names]))
        if path.startswith("/v1beta1/options/snapshots/"):
            symbol = path.rsplit("/", 1)[1]
            return Reply(200, self._snapshots(asked, self._filtered(asked, symbol), adjusted=symbol == "SPY"))
        return Reply(404, {"message": "Not Found"})

    def _standard(self) -> list[OptionContract]:
        return sorted(self.market.options)

    def _filtered(self, asked: Asked, symbol: str) -> list[OptionContract]:
        first, last = (date.fromisoformat(asked.query[f"expiration_date_{end}"]) for end in ("gte", "lte"))
        return [
            each
            for each in self._standard()
            if each.underlying == symbol
            and first <= each.expiration <= last
            and asked.query["type"] == each.right.name.lower()
        ]

    def _paged(self, asked: Asked, items: list, page: int) -> tuple[list, str | None]:
        token = asked.query.get("page_token")
        start = int(base64.b64decode(token)) if token else 0
        end = start + min(page, int(asked.query["limit"]))
        return items[start:end], page_token(end) if end < len(items) else None

    def _stocks(self, asked: Asked) -> Body:
        assert asked.query["feed"] in {"iex", "sip", "delayed_sip"}
        found = {}
        for symbol in asked.query["symbols"].split(","):
            stock = self.market.stocks.get(symbol)
            if stock is not None:
                found[symbol] = {
                    "latestTrade": {"t": stamp(stock.at), "x": "V", "p": stock.last, "s": 100, "c": ["@"], "i": 1},
                    "latestQuote": {
                        "t": stamp(stock.at),
                        "ax": "V",
                        "ap": stock.ask,
                        "as": 2,
                        "bx": "V",
                        "bp": stock.bid,
                        "bs": 3,
                        "c": ["R"],
                    },
                    "minuteBar": None,
                    "dailyBar": None,
                    "prevDailyBar": None,
                }
        return found

    def _bars(self, asked: Asked) -> Body:
        query = asked.query
        start, end = (datetime.fromisoformat(query[name]) for name in ("start", "end"))
        rows = [row for row in self._series(query["timeframe"]) if start <= row.at <= end]
        if query["symbols"] != "SPY":
            rows = []
        shown, token = self._paged(asked, rows, self.bars_page)
        bars = [
            {
                "t": f"{row.at:%Y-%m-%dT%H:%M:%SZ}",
                "o": row.open,
                "h": row.high,
                "l": row.low,
                "c": row.close,
                "v": row.volume,
                "n": 9,
                "vw": row.close,
            }
            for row in shown
        ]
        return {"bars": {query["symbols"]: bars} if bars else {}, "next_page_token": token}

    def _series(self, timeframe: str) -> list[FiveMinutes]:
        if timeframe == "1Day":
            return [
                joined([row], datetime(day.year, day.month, day.day, tzinfo=NEW_YORK).astimezone(UTC))
                for day, row in self.market.day_bars().items()
            ]
        width = timedelta(minutes=_MINUTES[timeframe])
        groups: dict[datetime, list[FiveMinutes]] = {}
        for row in self.market.traded():
            groups.setdefault(row.at - (row.at - datetime.min.replace(tzinfo=UTC)) % width, []).append(row)
        return [joined(group, at) for at, group in groups.items()]

    def _contracts(self, asked: Asked) -> Body:
        rows = [self._contract(each) for each in self._filtered(asked, asked.query["underlying_symbols"])]
        if asked.query["underlying_symbols"] == "SPY":
            rows += [
                {**rows[0], "symbol": "SPY1260320C00600000", "root_symbol": "SPY1"},
                {**rows[0], "symbol": "SPY260320C00601000", "strike_price": "601", "size": "150"},
                {**rows[0], "symbol": "SPY260320C00603000", "strike_price": "603", "tradable": False},
            ][: 3 if rows else 0]
        shown, token = self._paged(asked, rows, self.page)
        return {"option_contracts": shown, "next_page_token": token}

    def _contract(self, contract: OptionContract) -> dict[str, object]:
        interest = self.market.options[contract].open_interest
        return {
            "id": "98359ef7-5124-49f3-85ea-5cf02df6defa",
            "symbol": contract.occ_symbol,
            "name": "a contract",
            "status": "active",
            "tradable": True,
            "expiration_date": contract.expiration.isoformat(),
            "root_symbol": contract.underlying.replace(".", ""),
            "underlying_symbol": contract.underlying,
            "type": contract.right.name.lower(),
            "style": "american",
            "strike_price": str(contract.strike),
            "multiplier": "100",
            "size": "100",
            "open_interest": None if interest is None else str(interest),
            "open_interest_date": "2026-02-17",
            "close_price": "9.1",
            "close_price_date": "2026-02-17",
        }

    def _snapshots(self, asked: Asked, contracts: list[OptionContract], adjusted: bool = False) -> Body:
        assert asked.query["feed"] in {"indicative", "opra"}
        rows = [(each.occ_symbol, self._snapshot(self.market.options[each])) for each in contracts]
        if adjusted and rows:
            others = ("SPY1260320C00600000", "SPY260320C00601000", "SPY260320C00603000")
            rows += [(name, rows[0][1]) for name in others]
        shown, token = self._paged(asked, rows, self.page)
        return {"snapshots": dict(shown), "next_page_token": token}

    def _snapshot(self, listed: Listed) -> dict[str, object]:
        greeks = {name: getattr(listed, name) for name in ("delta", "gamma", "theta", "vega")}
        found: dict[str, object] = {
            "latestQuote": {
                "t": stamp(listed.at),
                "ax": "C",
                "ap": Decimal(0) if listed.ask is None else listed.ask,
                "as": listed.ask_size,
                "bx": "C",
                "bp": Decimal(0) if listed.bid is None else listed.bid,
                "bs": listed.bid_size,
                "c": "A",
            },
            "latestTrade": {"t": stamp(listed.at), "x": "C", "p": Decimal("9.2"), "s": 1, "c": "a"},
        }
        if listed.volume is not None:
            found["dailyBar"] = {"t": "2026-02-18T05:00:00Z", "o": 9, "h": 9, "l": 9, "c": 9, "v": listed.volume}
        if greeks["delta"] is not None:
            found["greeks"] = {**greeks, "rho": Decimal("0.1")}
        if listed.iv is not None:
            found["impliedVolatility"] = listed.iv
        return found
