"""What the decision engines read of a series of bars, as one frozen value per timeframe."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from optionsengine.market import indicators
from optionsengine.market.data import Bar, Timeframe
from optionsengine.market.indicators import FloatArray
from optionsengine.market.series import Series, last_session_vwap, series_of

DIGITS = 6
VOLUME_BARS = 20  # the bars before the last one that its volume is compared with
BAND_WIDTH_BARS = 120
MIN_RANKED = 10  # a rank among fewer values says nothing
PRICE_ACTION_BARS = 4
TREND_PERIOD = 21
KELTNER_BARS = 21  # its average true range needs one bar before its 20


@dataclass(frozen=True, slots=True)
class FrameFeatures:
    """Features of the bars of one timeframe as of the last of them; None where there are too few bars.

    Prices, `atr` and the MACD histograms (`macd_hist_prev` is one bar earlier) are dollars. `volume_ratio` is the last
    volume ÷ the mean of the 20 before. `bb_position` is 0 at the lower band, 1 at the upper one, and may lie outside.
    The percentiles (0 to 100) rank the last value among the series. `ema21_seeded` is the multi-timeframe trend's
    average, seeded with the first close, from 21 bars on. `vwap` is that of the last session, from its opening up to
    the last bar: None for daily bars, which hold no price within the day, and when the bars begin after the opening.
    `highs` and `lows` are the last four, oldest first. The TTM squeeze is on at the last bar (`squeeze_on`) and at the
    one before it (`squeeze_on_before`), its momentum in dollars; all three are None with too few bars.
    `at` is the opening of the last bar.
    """

    timeframe: str
    bars: int
    at: datetime | None
    close: float | None
    ema8: float | None
    ema21: float | None
    ema48: float | None
    ema21_seeded: float | None
    rsi: float | None
    macd_hist: float | None
    macd_hist_prev: float | None
    vwap: float | None
    volume_ratio: float | None
    bb_position: float | None
    bb_width_percentile: float | None
    adx: float | None
    plus_di: float | None
    minus_di: float | None
    atr: float | None
    atr_percentile: float | None
    highs: tuple[float, ...]
    lows: tuple[float, ...]
    squeeze_on: bool | None = None
    squeeze_on_before: bool | None = None
    squeeze_momentum: float | None = None


def _rounded(value: float) -> float | None:
    return round(value, DIGITS) if math.isfinite(value) else None


def _from_end(values: FloatArray, back: int = 1) -> float | None:
    return _rounded(float(values[-back])) if len(values) >= back else None


def _vwap(bars: Sequence[Bar], series: Series, timeframe: Timeframe) -> float | None:
    found = None if timeframe == "1d" else last_session_vwap(bars, series)
    return None if found is None else _rounded(found.value)


def _volume_ratio(bars: Sequence[Bar]) -> float | None:
    if len(bars) <= VOLUME_BARS:
        return None
    before = sum(bar.volume for bar in bars[-VOLUME_BARS - 1 : -1])
    return _rounded(bars[-1].volume * VOLUME_BARS / before) if before > 0 else None


def _squeeze(series: Series) -> tuple[bool | None, bool | None, float | None]:
    count = len(series.closes)
    found = indicators.squeeze(series.highs, series.lows, series.closes)
    now, before = (bool(found.is_on[-back]) if count >= KELTNER_BARS + back - 1 else None for back in (1, 2))
    return now, before, _from_end(found.momentum)


def percentile_of_last(values: FloatArray) -> float | None:
    """Return the share of the other values, in percent, that the last one exceeds; a tie counts half.

    NaNs are left out first; None when fewer than ten values remain.
    """
    known = values[np.isfinite(values)]
    if len(known) < MIN_RANKED:
        return None
    others, last = known[:-1], known[-1]
    below = float((others < last).sum()) + float((others == last).sum()) / 2
    return _rounded(100 * below / len(others))


def frame_features(bars: Sequence[Bar], timeframe: Timeframe) -> FrameFeatures:
    """Compute the features of closed bars, oldest first."""
    series = series_of(bars)
    closes, highs, lows = series.closes, series.highs, series.lows
    macd = indicators.macd(closes).histogram
    bands = indicators.bollinger(closes)
    width = bands.upper - bands.lower
    squeeze_on, squeeze_on_before, squeeze_momentum = _squeeze(series)
    ranges = indicators.atr(highs, lows, closes)
    has_width = len(bars) > 0 and bool(width[-1] > 0)
    with np.errstate(invalid="ignore"):
        relative_width = width / bands.middle
    return FrameFeatures(
        timeframe=timeframe,
        bars=len(bars),
        at=bars[-1].at if bars else None,
        close=_from_end(closes),
        ema8=_from_end(indicators.ema(closes, 8)),
        ema21=_from_end(indicators.ema(closes, 21)),
        ema48=_from_end(indicators.ema(closes, 48)),
        ema21_seeded=(
            _from_end(indicators.ema_from_first(closes, TREND_PERIOD)) if len(bars) >= TREND_PERIOD else None
        ),
        rsi=_from_end(indicators.rsi(closes)),
        macd_hist=_from_end(macd),
        macd_hist_prev=_from_end(macd, 2),
        vwap=_vwap(bars, series, timeframe),
        volume_ratio=_volume_ratio(bars),
        bb_position=_rounded(float((closes[-1] - bands.lower[-1]) / width[-1])) if has_width else None,
        bb_width_percentile=percentile_of_last(relative_width[-BAND_WIDTH_BARS:]),
        adx=_from_end(indicators.adx(highs, lows, closes)),
        plus_di=_from_end(indicators.plus_di(highs, lows, closes)),
        minus_di=_from_end(indicators.minus_di(highs, lows, closes)),
        atr=_from_end(ranges),
        atr_percentile=percentile_of_last(ranges),
        highs=tuple(round(value, DIGITS) for value in highs[-PRICE_ACTION_BARS:].tolist()),
        lows=tuple(round(value, DIGITS) for value in lows[-PRICE_ACTION_BARS:].tolist()),
        squeeze_on=squeeze_on,
        squeeze_on_before=squeeze_on_before,
        squeeze_momentum=squeeze_momentum,
    )
