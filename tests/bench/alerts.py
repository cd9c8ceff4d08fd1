"""Signed alerts as TradingView's message makes them, prepared before the clock runs and each accepted as a new one."""

import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator, Sequence
from string import ascii_uppercase

from optionsengine.core import clock

_LETTERS = 6


def symbols() -> Iterator[str]:
    """Yield symbols that differ, so that no alert repeats another."""
    for letters in itertools.product(ascii_uppercase, repeat=_LETTERS):
        yield "".join(letters)


class AlertMaker:
    """Prepares requests for one server and one shared secret."""

    def __init__(self, port: int, secret: str) -> None:
        self._secret = secret.encode()
        self._symbols = symbols()
        self._head = f"POST /webhook HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"

    def prepare(self, count: int) -> list[bytes]:
        """Return `count` requests, head and body, as bytes for the wire."""
        at = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return [self._request(symbol, at) for symbol in itertools.islice(self._symbols, count)]

    def backlog(self, names: Sequence[str], timeframes: Sequence[str]) -> list[bytes]:
        """Return a request for every symbol, timeframe and side, the symbols taking turns."""
        at = clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
        return [
            self._request(symbol, at, timeframe=timeframe, direction=direction)
            for timeframe in timeframes
            for direction in ("long", "short")
            for symbol in names
        ]

    def _request(self, symbol: str, at: str, **values: str) -> bytes:
        body = alert_body(symbol, at, **values)
        signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        head = (
            f"{self._head}Content-Type: application/json; charset=utf-8\r\nUser-Agent: Go-http-client/1.1\r\n"
            f"X-Forwarded-Proto: https\r\nX-Forwarded-For: 52.89.214.238\r\n"
            f"X-Webhook-Signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


def alert_body(symbol: str, at: str, *, timeframe: str = "5", direction: str = "long") -> bytes:
    """Return the body of one entry alert, about 350 bytes."""
    body = {
        "symbol": symbol,
        "exchange": "NASDAQ",
        "timeframe": timeframe,
        "action": "buy" if direction == "long" else "sell",
        "direction": direction,
        "market_position": direction,
        "prev_market_position": "flat",
        "price": 595.42,
        "timestamp": at,
        "confidence": 75,
        "indicators": {"ema8": 595.1, "ema21": 594.8, "atr": 1.25, "vwap": 594.95},
        "note": "close above the range of the opening half hour",
    }
    return json.dumps(body).encode()
