"""What reads the operational tables."""

from datetime import datetime

from optionsengine.ops.enums import Flag, TradingStatus
from optionsengine.ops.models import FeatureFlag, Heartbeat, TradingState


def trading_status_get() -> TradingStatus:
    """Return the trading state; a missing row means ACTIVE."""
    status = TradingState.objects.filter(pk=1).values_list("status", flat=True).first()
    return TradingStatus(status) if status else TradingStatus.ACTIVE


def trading_state_get() -> TradingState:
    """Return the trading state with its reason; ACTIVE, never changed, if it has no row."""
    return TradingState.objects.filter(pk=1).first() or TradingState()


def heartbeat_age_seconds(name: str, at: datetime) -> float | None:
    """Return how long ago the heartbeat came, or None if it never did."""
    beat_at = Heartbeat.objects.filter(pk=name).values_list("beat_at", flat=True).first()
    return (at - beat_at).total_seconds() if beat_at else None


def flags_disabled() -> tuple[str, ...]:
    """Return the names of the flags that are off, sorted. One query."""
    return tuple(sorted(FeatureFlag.objects.filter(is_enabled=False).values_list("name", flat=True)))


def flag_get(flag: Flag) -> FeatureFlag:
    """Return the flag as it is; on if it has no row."""
    return FeatureFlag.objects.filter(pk=flag).first() or FeatureFlag(name=flag, description=flag.label)
