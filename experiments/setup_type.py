"""The setup type of a signal: how long the trade is meant to live, told by the length of its bar. Pure."""

from experiments.enums import SetupType
from signals.timeframe import timeframe_seconds

SWING_FROM_SECONDS = 30 * 60
POSITION_ABOVE_SECONDS = 86_400
LEAPS_FROM_SECONDS = 31 * 86_400  # one month


def setup_type_for(timeframe: str) -> SetupType:
    """Return the setup type of a canonical timeframe such as `5m`.

    Below 30 minutes scalps, up to a day swings, up to a month positions, from a month LEAPS.

    :raises ValueError: if the timeframe is not canonical.
    """
    seconds = timeframe_seconds(timeframe)
    if seconds < SWING_FROM_SECONDS:
        return SetupType.SCALP_GUARDED
    if seconds <= POSITION_ABOVE_SECONDS:
        return SetupType.SWING
    if seconds < LEAPS_FROM_SECONDS:
        return SetupType.POSITION
    return SetupType.LEAPS


def outlives_session(timeframe: str) -> bool:
    """Tell whether the bar is a day or longer: such a signal waits for the next session instead of being refused."""
    return timeframe_seconds(timeframe) >= POSITION_ABOVE_SECONDS
