"""Swing pivots, the structure they make and the levels they leave. Pure; every rule holds for both sides, mirrored.

A pivot high is a bar whose high no bar within `WINGS` on either side exceeds, the first of equals; it is known only
`WINGS` bars later, so no reading looks ahead. A pivot low is the same upside down.
"""

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from optionsengine.market.analysis_enums import Structure
from optionsengine.market.indicators import FloatArray, IntArray
from optionsengine.market.series import Series

WINGS = 3  # bars on either side that a pivot stands out from
STRUCTURE_BARS = 60  # how far back the pivots of the structure may lie


@dataclass(frozen=True, slots=True)
class Levels:
    """Prices in dollars. `resistances` and `supports` are pivots that no later bar went beyond, oldest first."""

    last_pivot_high: float | None
    last_pivot_low: float | None
    resistances: tuple[float, ...]
    supports: tuple[float, ...]


def pivot_highs(highs: FloatArray) -> IntArray:
    """Return the places of the pivot highs, ascending; of the pivot lows when given the negated lows."""
    width = 2 * WINGS + 1
    if len(highs) < width:
        return np.array([], dtype=np.int64)
    windows = sliding_window_view(highs, width)
    middle = windows[:, WINGS]
    found = (windows[:, :WINGS].max(axis=1) < middle) & (windows[:, WINGS + 1 :].max(axis=1) <= middle)
    return np.flatnonzero(found) + WINGS


def _rising(highs: FloatArray, lows: FloatArray, closes: FloatArray) -> bool:
    """Whether the last two pivots of each kind rose and the close has not fallen through the last low.

    A move too steady to leave two pivots of each kind is read off its halves instead.
    """
    tops, bottoms = pivot_highs(highs), pivot_highs(-lows)
    if len(tops) >= 2 and len(bottoms) >= 2:
        higher = highs[tops[-1]] > highs[tops[-2]] and lows[bottoms[-1]] > lows[bottoms[-2]]
        return bool(higher and closes[-1] >= lows[bottoms[-1]])
    half = len(highs) // 2
    return half > 0 and bool(highs[half:].max() > highs[:half].max() and lows[half:].min() > lows[:half].min())


def structure_of(series: Series) -> Structure:
    """Return what the pivots of the last 60 bars make; RANGE for fewer than two bars."""
    highs, lows, closes = (values[-STRUCTURE_BARS:] for values in (series.highs, series.lows, series.closes))
    if _rising(highs, lows, closes):
        return Structure.HH_HL
    return Structure.LH_LL if _rising(-lows, -highs, -closes) else Structure.RANGE


def _unbroken(highs: FloatArray, places: IntArray) -> tuple[float, ...]:
    """The pivots that no later bar exceeded."""
    highest_from = np.maximum.accumulate(highs[::-1])[::-1]
    return tuple(highs[places][highs[places] >= highest_from[places]].tolist())


def levels_of(series: Series) -> Levels:
    """Return the last pivots, and those that still stand, over all the bars."""
    tops, bottoms = pivot_highs(series.highs), pivot_highs(-series.lows)
    return Levels(
        last_pivot_high=float(series.highs[tops[-1]]) if len(tops) else None,
        last_pivot_low=float(series.lows[bottoms[-1]]) if len(bottoms) else None,
        resistances=_unbroken(series.highs, tops),
        supports=tuple(-level for level in _unbroken(-series.lows, bottoms)),
    )
