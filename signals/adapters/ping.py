"""Tests and status messages of senders: answered, without effect."""

from signals.adapters.base import Body
from signals.data import Arrival, Ping
from signals.enums import Family
from signals.fields import field_read, word_read

_EVENT = ("event", "event.type", "event.name", "event.event_type", "event_type", "meta.event_type", "type")

_PING = ("type", "event", "action", "message")


class PingAdapter:
    family = Family.PING

    def matches(self, body: Body, path: str) -> bool:
        is_test = body.get("test") is True or word_read(body, "test") in ("true", "ping")
        if is_test and (_is_ping(body) or field_read(body, "journal.engine")):
            return True
        return any(word_read(body, source) in ("bar_update", "regime_status_update") for source in _EVENT)

    def read(self, body: Body, arrival: Arrival) -> Ping:
        return Ping()


def _is_ping(body: Body) -> bool:
    return any("ping" in word_read(body, source).split() for source in ("test", *_PING))
