"""OCC symbols of option contracts, read back."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract

FRIDAY = date(2026, 3, 20)
contracts = st.builds(
    OptionContract,
    st.from_regex(r"[A-Z]{1,6}", fullmatch=True),
    st.dates(date(2000, 1, 1), date(2099, 12, 31)),
    st.sampled_from(Right),
    st.integers(1, 99_999_999).map(lambda thousandths: Decimal(thousandths).scaleb(-3)),
)


@settings(max_examples=200)
@given(contracts)
def test_what_was_written_is_read_back(contract):
    assert OptionContract.from_occ(contract.occ_symbol) == contract
    assert OptionContract.from_occ(contract.occ_symbol, contract.underlying) == contract


@pytest.mark.parametrize(
    ("occ_symbol", "underlying", "contract"),
    [
        ("SPY260320C00600000", "", OptionContract("SPY", FRIDAY, Right.CALL, Decimal(600))),
        ("SPY   260320C00600000", "SPY", OptionContract("SPY", FRIDAY, Right.CALL, Decimal(600))),
        ("F260320P00000500", "F", OptionContract("F", FRIDAY, Right.PUT, Decimal("0.5"))),
        ("BRKB260320P00502500", "BRK.B", OptionContract("BRK.B", FRIDAY, Right.PUT, Decimal("502.5"))),
        ("BRKB260320P00502500", "", OptionContract("BRKB", FRIDAY, Right.PUT, Decimal("502.5"))),
    ],
)
def test_padding_dots_and_thousandths(occ_symbol, underlying, contract):
    found = OptionContract.from_occ(occ_symbol, underlying)
    assert found == contract
    assert found.symbol == contract.symbol


@pytest.mark.parametrize(
    ("occ_symbol", "underlying"),
    [
        ("SPY1260320C00600000", "SPY"),  # adjusted by a corporate action
        ("SPY1260320C00600000", ""),
        ("SPX260320C00600000", "SPY"),
        ("BRKB260320P00502500", "BRKA"),
        ("SPY260320C00000000", "SPY"),
        ("SPY260230C00600000", "SPY"),
        ("SPY261320C00600000", "SPY"),
        ("SPY260320X00600000", "SPY"),
        ("SPY260320C0600000", "SPY"),
        ("SPY260320C006000000", "SPY"),
        ("SPY260320C00600000\n", "SPY"),
        ("spy260320C00600000", ""),
        ("TOOLONG260320C00600000", ""),
        ("SPY26032٠C00600000", "SPY"),
        ("SPY-20260320-C-600", ""),
        ("", ""),
    ],
)
def test_what_is_no_standard_contract_is_refused(occ_symbol, underlying):
    with pytest.raises(ValueError):
        OptionContract.from_occ(occ_symbol, underlying)
