"""What a process does once before its first piece of work, so that no alert waits for imports and the calendar."""

import gc
from datetime import datetime

from django.utils.module_loading import import_string

from optionsengine.core.enums import Right
from optionsengine.market import calendar
from optionsengine.market.data import TIMEFRAMES
from optionsengine.market.features import frame_features
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.pipeline.gather import BARS
from optionsengine.pipeline.schedules import schedule_table

_SYMBOL = "SPY"
_DAYS = (7.0, 45.0)


def worker_warm(*, at: datetime) -> None:
    """Load what the jobs need and work through one made-up market; nothing is asked of a network or the database.

    Workers are forked from the process that calls this, so one call serves them and all that replace them.
    """
    for spec in schedule_table():
        import_string(spec.func)
    calendar.next_open(at)
    market = SimulatedProvider(seed=0, always_open=True)
    for frame in TIMEFRAMES:
        frame_features(market.bars(_SYMBOL, frame, BARS, at), frame)
    market.chain(_SYMBOL, at, *_DAYS, Right.CALL)
    gc.freeze()  # what is loaded now stays: the collector need not walk it again and again
