"""MarketData.app's words: columns, `s`, status 203 for what comes from its cache, 404 with `no_data`."""

from datetime import date

from optionsengine.core.values import OptionContract
from tests.fakes.market import Listed
from tests.fakes.server import Asked, Body, FakeProvider, Reply, epoch


class FakeMarketData(FakeProvider):
    rate = {
        "X-Api-Ratelimit-Limit": "100",
        "X-Api-Ratelimit-Remaining": "81",
        "X-Api-Ratelimit-Reset": "1771511400",
        "X-Api-Ratelimit-Consumed": "1",
    }

    def refusal(self, status: int, said: str) -> Body:
        return {"s": "error", "errmsg": said}

    def reply(self, asked: Asked) -> Reply:
        parts = asked.path.strip("/").split("/")
        if parts[:3] == ["v1", "stocks", "quotes"]:
            return self._stocks(parts[3:] or asked.query["symbols"].split(","))
        if parts[:3] == ["v1", "options", "chain"]:
            return self._options(self._filtered(asked, parts[3]), adjusted=True)
        if parts[:3] == ["v1", "options", "quotes"]:
            return self._options([each for each in self.market.options if each.occ_symbol == parts[3]])
        return Reply(404, self.refusal(404, "no such path"))

    def _stocks(self, symbols: list[str]) -> Reply:
        known = [(symbol, self.market.stocks[symbol]) for symbol in symbols if symbol in self.market.stocks]
        if not known:
            return Reply(404, {"s": "no_data", "errmsg": "Symbol not found."})
        columns = {
            "symbol": [symbol for symbol, _ in known],
            "ask": [stock.ask for _, stock in known],
            "askSize": [200 for _ in known],
            "bid": [stock.bid for _, stock in known],
            "bidSize": [400 for _ in known],
            "mid": [None for _ in known],
            "last": [stock.last for _, stock in known],
            "change": [None for _ in known],
            "changepct": [None for _ in known],
            "volume": [1000 for _ in known],
            "updated": [epoch(stock.at) for _, stock in known],
        }
        return Reply(203, {"s": "ok", **columns})

    def _filtered(self, asked: Asked, symbol: str) -> list[OptionContract]:
        first, until = (date.fromisoformat(asked.query[name]) for name in ("from", "to"))
        return [
            each
            for each in self.market.options
            if each.underlying == symbol
            and first <= each.expiration < until
            and asked.query["side"] == each.right.name.lower()
        ]

    def _options(self, contracts: list[OptionContract], adjusted: bool = False) -> Reply:
        rows = [self._row(each, self.market.options[each]) for each in contracts]
        if not rows:
            return Reply(404, {"s": "no_data", "errmsg": "No option found."})
        if adjusted:
            rows.append({**rows[0], "optionSymbol": "SPY1260320C00600000"})
        return Reply(200, {"s": "ok", **{name: [row[name] for row in rows] for name in rows[0]}})

    def _row(self, contract: OptionContract, listed: Listed) -> dict[str, object]:
        return {
            "optionSymbol": contract.occ_symbol,
            "underlying": contract.underlying,
            "expiration": 1774036800,
            "side": contract.right.name.lower(),
            "strike": contract.strike,
            "updated": epoch(listed.at),
            "bid": listed.bid,
            "bidSize": listed.bid_size,
            "mid": None,
            "ask": listed.ask,
            "askSize": listed.ask_size,
            "last": None,
            "openInterest": listed.open_interest,
            "volume": listed.volume,
            "underlyingPrice": self.market.stocks[contract.underlying].last,
            "iv": listed.iv,
            "delta": listed.delta,
            "gamma": listed.gamma,
            "theta": listed.theta,
            "vega": listed.vega,
        }
