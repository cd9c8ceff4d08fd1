"""Values every app shares: the option contract and its symbols, and rounding of money."""

import re
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from optionsengine.core.enums import Right, Side

CENT = Decimal("0.01")
MULTIPLIER = 100  # shares per contract
_OCC = re.compile(r"(?P<root>[A-Z]{1,6}) *(?P<date>\d{6})(?P<right>[CP])(?P<strike>\d{8})", re.ASCII)
_SYMBOL = re.compile(r"^(?P<underlying>[A-Z][A-Z0-9.]*)-(?P<date>\d{8})-(?P<right>[CP])-(?P<strike>\d+(?:\.\d+)?)$")


def cents(amount: Decimal) -> Decimal:
    """Round to whole cents, half to even."""
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def right_for(side: Side) -> Right:
    """A long signal buys calls, a short one buys puts."""
    return Right.CALL if side == Side.LONG else Right.PUT


@dataclass(frozen=True, slots=True, order=True)
class OptionContract:
    """One listed option: `SPY-20260221-C-600`, OCC `SPY260221C00600000`. `strike` is in dollars."""

    underlying: str
    expiration: date
    right: Right
    strike: Decimal

    @property
    def symbol(self) -> str:
        """The stored symbol; the strike has no trailing zeros."""
        return f"{self.underlying}-{self.expiration:%Y%m%d}-{self.right.value}-{format(self.strike.normalize(), 'f')}"

    @property
    def occ_symbol(self) -> str:
        """The OCC symbol: root without dots, yymmdd, right, strike in thousandths over eight digits."""
        root = self.underlying.replace(".", "")
        return f"{root}{self.expiration:%y%m%d}{self.right.value}{int(self.strike * 1000):08d}"

    def intrinsic(self, spot: Decimal) -> Decimal:
        """Return the exercise value per share at `spot` dollars."""
        gain = spot - self.strike if self.right == Right.CALL else self.strike - spot
        return max(gain, Decimal(0))

    @classmethod
    def parse(cls, symbol: str) -> "OptionContract":
        """Read a stored symbol back.

        :raises ValueError: if it is not one.
        """
        match = _SYMBOL.match(symbol)
        if match is None:
            raise ValueError(f"{symbol!r} is not an option symbol like SPY-20260221-C-600")
        day = match["date"]
        expiration = date(int(day[:4]), int(day[4:6]), int(day[6:]))
        return cls(match["underlying"], expiration, Right(match["right"]), Decimal(match["strike"]))

    @classmethod
    def from_occ(cls, occ_symbol: str, underlying: str = "") -> "OptionContract":
        """Read an OCC symbol back, padded root or not, as a contract of `underlying`, or of its root when that is "".

        The root does not tell where a symbol like BRK.B has its dot, so whoever knows the underlying should say it.

        :raises ValueError: if it is not one, if its root is not that of `underlying`, or if it was adjusted by a
            corporate action (its root ends in a digit and it does not deliver 100 shares).
        """
        match = _OCC.fullmatch(occ_symbol)
        if match is None:
            raise ValueError(f"{occ_symbol!r} is not an OCC symbol of a standard contract like SPY260221C00600000")
        root, day, strike = match["root"], match["date"], int(match["strike"])
        if underlying and root != underlying.replace(".", ""):
            raise ValueError(f"{occ_symbol!r} is not a standard contract of {underlying}")
        if strike == 0:
            raise ValueError(f"{occ_symbol!r} has no strike")
        dollars, thousandths = divmod(strike, 1000)
        price = Decimal(dollars) if thousandths == 0 else Decimal(strike).scaleb(-3).normalize()
        expiration = date(2000 + int(day[:2]), int(day[2:4]), int(day[4:]))
        return cls(underlying or root, expiration, Right(match["right"]), price)
