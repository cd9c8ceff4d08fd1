from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from signals.numbers import (
    amount_read,
    confidence_read,
    expiration_read,
    flag_read,
    number_read,
    order_expiration_read,
    price_read,
    quantity_read,
    timestamp_read,
)

NOT_NUMBERS = ["", "abc", "1e3", "1,000", "NaN", "Infinity", "{{close}}", "٣", "0x10", "1.2.3", ".", True, None, [], {}]


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        (1, "1"),
        (450.1, "450.1"),
        ("450.1", "450.1"),
        (" 5 ", "5"),
        ("-2", "-2"),
        ("+2", "2"),
        (".5", "0.5"),
        ("5.", "5"),
    ],
)
def test_numbers_and_plain_decimals_in_quotes_are_numbers(raw, number):
    assert number_read(raw) == Decimal(number)


@pytest.mark.parametrize("raw", [*NOT_NUMBERS, float("nan"), float("inf"), "9" * 41])
def test_nothing_else_is(raw):
    assert number_read(raw) is None


@pytest.mark.parametrize(
    ("read", "good", "bad"),
    [
        (confidence_read, [0, "0", 0.82, 100, "100.0"], [-0.01, 100.01, "101"]),
        (price_read, [0.0001, "450.5", 99999999.9999], [0, "0", -1, 0.00004, 100000000, 99999999.99999]),
        (quantity_read, [1, "1", 5.0, 1000], [0, 0.5, 1.5, 1001, "-3"]),
    ],
)
def test_bounds(read, good, bad):
    for raw in good:
        assert float(read(raw)) == float(raw)
    for raw in [*bad, *NOT_NUMBERS]:
        with pytest.raises(ValueError, match="send a"):
            read(raw)


@pytest.mark.parametrize("raw", [True, 1, "1", "yes", "true", " TRUE ", "Yes"])
def test_flags_that_are_true(raw):
    assert flag_read(raw) is True


@pytest.mark.parametrize("raw", [False, 0, "0", "no", "false", "", " False\n"])
def test_flags_that_are_false(raw):
    assert flag_read(raw) is False


@pytest.mark.parametrize("raw", [2, -1, 1.0, "2", "y", "on", "maybe", None, [], {}, [True]])
def test_nothing_else_is_a_flag(raw):
    with pytest.raises(ValueError, match="send true or false"):
        flag_read(raw)


def test_a_price_is_rounded_to_four_decimals():
    assert price_read(1.23456) == Decimal("1.2346")


@pytest.mark.parametrize(
    ("raw", "day"),
    [("2026-02-20", date(2026, 2, 20)), ("2/5/2026", date(2026, 2, 5)), (" 2026-02-05 ", date(2026, 2, 5))],
)
def test_expirations(raw, day):
    assert expiration_read(raw, datetime(2026, 2, 5, 15, tzinfo=UTC)) == day


@pytest.mark.parametrize("raw", ["2026-02-30", "soon", "", "2026-2-5", "13/1/2026", "20260220", 20260220, None, True])
def test_what_is_no_date_is_refused(raw):
    with pytest.raises(ValueError, match="send a date"):
        expiration_read(raw, datetime(2026, 2, 5, 15, tzinfo=UTC))


SPELLED = ["260220", 260220, "20260220", " 2026-02-20T21:00:00Z ", "2026-02-20 16:00", "2/20/26", "2026/02/20"]
SPELLED += ["Feb 20, 2026", "feb 20 2026", "February 20, 2026", "20 Feb 2026", "20-FEB-2026", "2/20/2026", "2026-02-20"]


@pytest.mark.parametrize("raw", SPELLED)
def test_an_order_s_expiration_in_its_spellings(raw):
    assert order_expiration_read(raw, datetime(2026, 2, 5, 15, tzinfo=UTC)) == date(2026, 2, 20)


@pytest.mark.parametrize("raw", ["510220", "260204", "2026-02-04T23:00:00Z", "Feb 4, 2026"])
def test_an_order_s_expiration_that_has_passed(raw):
    with pytest.raises(ValueError, match="has passed"):
        order_expiration_read(raw, datetime(2026, 2, 5, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    "raw", ["261320", "26022", "soon", "", None, True, 20260220.5, [], "Feb 30, 2026", "2026-02-20X"]
)
def test_what_is_no_order_s_expiration(raw):
    with pytest.raises(ValueError, match="send a date"):
        order_expiration_read(raw, datetime(2026, 2, 5, 15, tzinfo=UTC))


def test_an_expiration_passes_at_midnight_in_new_york():
    assert expiration_read("2026-02-05", datetime(2026, 2, 6, 4, 59, 59, tzinfo=UTC)) == date(2026, 2, 5)
    with pytest.raises(ValueError, match="has passed"):
        expiration_read("2026-02-05", datetime(2026, 2, 6, 5, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    "raw",
    [
        1770303600,
        "1770303600",
        1770303600.0,
        1770303600000,
        "1770303600000",
        "2026-02-05T15:00:00Z",
        "2026-02-05t15:00:00z",
        "2026-02-05t15:00:00.000z",
        "2026-02-05T15:00:00.000Z",
        "2026-02-05T15:00:00",
        "2026-02-05 15:00:00+00:00",
        " 2026-02-05T10:00:00-05:00 ",
    ],
)
def test_times_in_every_form(raw):
    moment = timestamp_read(raw)
    assert moment == datetime(2026, 2, 5, 15, tzinfo=UTC)
    assert moment.utcoffset().total_seconds() == 0


@pytest.mark.parametrize(
    "raw",
    [
        "not-a-date",
        "",
        "{{time}}",
        "NaN",
        True,
        [],
        {},
        0,
        3,
        -1,
        946684799,
        "1999-12-31T23:59:59Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        10**30,
        999999999999,
        "2026-02-30",
    ],
)
def test_what_cannot_be_read_or_lies_before_2000_is_refused(raw):
    with pytest.raises(ValueError, match="send"):
        timestamp_read(raw)


def test_the_first_second_of_2000_is_read():
    assert timestamp_read(946684800) == datetime(2000, 1, 1, tzinfo=UTC)


@settings(max_examples=200)
@given(st.integers(946684800, 4102444800), st.integers(0, 999))
def test_seconds_milliseconds_and_iso_agree(seconds, milliseconds):
    moment = timestamp_read(seconds * 1000 + milliseconds) if seconds > 10**9 else timestamp_read(seconds)
    assert timestamp_read(moment.isoformat()) == moment
    assert moment.replace(microsecond=0) == timestamp_read(seconds)


@settings(max_examples=200)
@given(st.text(max_size=30) | st.floats() | st.integers() | st.booleans() | st.none())
def test_anything_is_read_or_refused_with_what_to_send(raw):
    at = datetime(2026, 2, 5, 15, tzinfo=UTC)
    readers = (confidence_read, price_read, quantity_read, timestamp_read, amount_read)
    dates = (lambda value: expiration_read(value, at), lambda value: order_expiration_read(value, at))
    for read in (*readers, *dates):
        assert "send" in _fault(read, raw)


def _fault(read, raw):
    try:
        return f"nothing to send: it is {read(raw)}"
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize(
    ("raw", "amount"),
    [("-12.345", "-12.34"), (7, "7.00"), (" +3.5 ", "3.50"), (0, "0.00"), (-999_999_999.99, "-999999999.99")],
)
def test_amounts_of_either_sign(raw, amount):
    assert str(amount_read(raw)) == amount


@pytest.mark.parametrize("raw", [*NOT_NUMBERS, 1_000_000_000, "-1000000000"])
def test_what_is_no_amount(raw):
    with pytest.raises(ValueError, match="send an amount"):
        amount_read(raw)
