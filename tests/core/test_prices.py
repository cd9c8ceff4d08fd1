"""A price is written with two decimals, more only where there are more."""

from decimal import Decimal

import pytest

from optionsengine.core.templatetags.prices import price


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (None, "–"),
        (Decimal("0"), "0.00"),
        (Decimal("5.0750"), "5.075"),
        (Decimal("12.3000"), "12.30"),
        (Decimal("0.0001"), "0.0001"),
        (Decimal("1000.0000"), "1000.00"),
        (Decimal("1E+2"), "100.00"),
    ],
)
def test_price(amount, written):
    assert price(amount) == written
