"""The sums behind the figures. Pure."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence


def percentile(values: Iterable[float], percent: float) -> float:
    """Return the smallest of `values` that at least `percent` percent of them do not exceed (nearest rank).

    :raises ValueError: without values, or for a percent outside (0, 100].
    """
    ordered = sorted(values)
    if not ordered or not 0 < percent <= 100:
        raise ValueError("a percentile needs values, and a percent above 0 and up to 100")
    return ordered[math.ceil(len(ordered) * percent / 100) - 1]


def median(values: Sequence[float]) -> float:
    """Return the middle value, of an even number the mean of the middle two.

    :raises ValueError: without values.
    """
    if not values:
        raise ValueError("a median needs values")
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2


def share(part: Sequence[float], whole: Sequence[float]) -> float:
    """Return the median of each round's own part of its whole: what slowed a round slowed both of its halves.

    :raises ValueError: without rounds, with a half missing, or with an empty whole.
    """
    if len(part) != len(whole) or min(whole, default=0) <= 0:
        raise ValueError("a share needs rounds with both halves, and wholes above 0")
    return median([one / other for one, other in zip(part, whole, strict=True)])


def last_line(figures: Mapping[str, float]) -> str:
    """Return the figures as one line of JSON, to four significant digits and at least whole numbers.

    :raises ValueError: for one that is not finite, which JSON cannot say.
    """
    return json.dumps({name: rounded(value) for name, value in figures.items()}, allow_nan=False)


def rounded(value: float) -> float:
    """Return `value` to four significant digits, its whole part left whole; what is not finite as it is."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, max(0, 3 - math.floor(math.log10(abs(value)))))
