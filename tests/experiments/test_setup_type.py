"""Setup types by the length of the bar."""

import pytest

from experiments.enums import SetupType
from experiments.setup_type import outlives_session, setup_type_for

CASES = [
    ("30s", SetupType.SCALP_GUARDED),
    ("1m", SetupType.SCALP_GUARDED),
    ("15m", SetupType.SCALP_GUARDED),
    ("29m", SetupType.SCALP_GUARDED),
    ("30m", SetupType.SWING),
    ("31m", SetupType.SWING),
    ("4h", SetupType.SWING),
    ("1d", SetupType.SWING),
    ("2d", SetupType.POSITION),
    ("1w", SetupType.POSITION),
    ("4w", SetupType.POSITION),
    ("1M", SetupType.LEAPS),
    ("3M", SetupType.LEAPS),
]


@pytest.mark.parametrize(("timeframe", "setup"), CASES)
def test_the_length_of_the_bar_decides(timeframe, setup):
    assert setup_type_for(timeframe) == setup


@pytest.mark.parametrize(
    ("timeframe", "setup"),
    [
        ("45m", SetupType.SWING),
        ("65m", SetupType.SWING),
        ("2m", SetupType.SCALP_GUARDED),
        ("10m", SetupType.SCALP_GUARDED),
        ("1h", SetupType.SWING),
        ("1M", SetupType.LEAPS),
    ],
)
def test_d29_setup_type_is_told_by_duration_not_by_substring(timeframe, setup):
    assert setup_type_for(timeframe) == setup


def test_a_word_is_no_timeframe():
    with pytest.raises(ValueError, match="scalp"):
        setup_type_for("scalp")


@pytest.mark.parametrize(("timeframe", "outlives"), [("23h", False), ("1d", True), ("1w", True)])
def test_a_day_or_longer_outlives_the_session(timeframe, outlives):
    assert outlives_session(timeframe) is outlives
