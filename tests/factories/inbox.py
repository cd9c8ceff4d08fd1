"""Senders, requests, signals, and the bias and context that came with them."""

import hashlib
import itertools
from datetime import timedelta
from decimal import Decimal
from typing import Any

from bias.models import BiasStateCurrent, BiasStateHistory, GammaSnapshot
from bias.rules import state_derive
from optionsengine.market.models import FeedTick
from signals.enums import SourceMode
from signals.models import MarketContextReceived, Signal, SignalEvent, WebhookEvent, WebhookSource
from signals.services import webhook_source_create
from tests.bias.payloads import bias_draft
from tests.factories.clock import AT

_numbers = itertools.count(1)


def _stamped(values: dict[str, Any]) -> dict[str, Any]:
    values.setdefault("created_at", AT)
    return values


def _mutable(values: dict[str, Any]) -> dict[str, Any]:
    _stamped(values)
    values.setdefault("updated_at", values["created_at"])
    return values


def webhook_source(**values: Any) -> WebhookSource:
    """An enabled HMAC source; with `token=` a token source that knows it."""
    number = next(_numbers)
    token = values.pop("token", "")
    defaults = {
        "slug": f"source-{number}",
        "name": f"Source {number}",
        "mode": SourceMode.TOKEN if token else SourceMode.HMAC,
        "secret": token or "a-shared-secret-of-a-test",
        "at": values.pop("created_at", AT),
    }
    return webhook_source_create(**defaults | values)[0]


def webhook_event(**values: Any) -> WebhookEvent:
    """An accepted, authenticated plain alert."""
    created_at = values.get("created_at", AT)
    body = b'{"symbol": "SPY", "direction": "long", "timeframe": "5m", "price": 500.1}'
    defaults = {
        "path": "/webhook",
        "content_type": "application/json",
        "body": body,
        "size": len(body),
        "authenticated": True,
        "family": "plain",
        "symbol": "SPY",
        "source_ip": "203.0.113.7",
        "status": "accepted",
        "processing_ms": 4.2,
    }
    if values.get("status") != "received":
        defaults["finished_at"] = created_at + timedelta(milliseconds=4)
    return WebhookEvent.objects.create(**_mutable(defaults | values))


def signal(**values: Any) -> Signal:
    """A pending long entry on SPY, five minutes, with its event."""
    created_at = values.get("created_at", AT)
    number = next(_numbers)
    if "event" not in values:
        values["event"] = webhook_event(created_at=created_at, symbol=values.get("symbol", "SPY"))
    defaults = {
        "family": "plain",
        "symbol": "SPY",
        "side": "long",
        "intent": "entry",
        "timeframe": "5m",
        "bar_at": created_at - timedelta(minutes=5),
        "bar_end_at": created_at,
        "signal_hash": hashlib.sha256(f"factory {number}".encode()).hexdigest(),
        "confidence": 82.0,
        "price": Decimal("500.10"),
        "pattern": "ORB breakout",
        "payload": {"symbol": "SPY", "direction": "long", "timeframe": "5m", "price": 500.1},
    }
    return Signal.objects.create(**_mutable(defaults | values))


def signal_event(**values: Any) -> SignalEvent:
    if "signal" not in values:
        values["signal"] = signal()
    return SignalEvent.objects.create(**_stamped({"from_status": "", "to_status": "pending"} | values))


def context_received(**values: Any) -> MarketContextReceived:
    if "event" not in values:
        values["event"] = webhook_event(family="context")
    defaults = {"symbol": "SPY", "price": Decimal("500.10"), "observed_at": AT, "data": {"vix": {"value": 14.2}}}
    return MarketContextReceived.objects.create(**_stamped(defaults | values))


def bias_current(**values: Any) -> BiasStateCurrent:
    defaults = {
        "symbol": f"S{_letters(next(_numbers))}",
        "event_at": AT,
        "event_type": "BIAS_SNAPSHOT",
        "bias": "BULLISH",
        "bias_score": 62.0,
        "state": state_derive(bias_draft(), None).model_dump(mode="json"),
    }
    return BiasStateCurrent.objects.create(**_mutable(defaults | values))


def bias_history(**values: Any) -> BiasStateHistory:
    if "event" not in values:
        values["event"] = webhook_event(family="bias_v3")
    defaults = {
        "symbol": "SPY",
        "sender_event_hash": hashlib.sha256(f"bias {next(_numbers)}".encode()).hexdigest(),
        "event_at": AT,
        "event_type": "BIAS_SNAPSHOT",
        "is_applied": True,
        "state": {"bias": "BULLISH", "bias_score": 62.0},
    }
    return BiasStateHistory.objects.create(**_stamped(defaults | values))


def gamma_snapshot(**values: Any) -> GammaSnapshot:
    if "event" not in values:
        values["event"] = webhook_event(family="gamma")
    defaults = {
        "symbol": "SPY",
        "as_of_at": AT,
        "net_gex": 250_000_000.0,
        "total_gex": 900_000_000.0,
        "environment": "POSITIVE",
        "magnitude": "MEDIUM",
        "volatility_bias": "NEUTRAL",
    }
    return GammaSnapshot.objects.create(**_stamped(defaults | values))


def feed_tick(**values: Any) -> FeedTick:
    if "event_id" not in values:
        values["event_id"] = webhook_event(family="price").pk
    defaults = {
        "kind": "price",
        "symbol": "SPY",
        "observed_at": AT,
        "price": Decimal("500.10"),
        "data": {"price": 500.1},
    }
    return FeedTick.objects.create(**_stamped(defaults | values))


def _letters(number: int) -> str:
    """A number written in capital letters, so that each makes another symbol."""
    letters = ""
    while number:
        number, rest = divmod(number, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
