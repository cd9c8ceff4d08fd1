"""What the console reads that no single domain owns."""

from decimal import Decimal

from django.db.models import Sum

from optionsengine.core.enums import Mode
from positions.selectors import positions_watched


def unrealized_total() -> Decimal:
    """Return what the real open positions would make if sold at their bids, in dollars; unpriced ones count nothing."""
    real = positions_watched().filter(mode__in=Mode.real(), is_test=False)
    total: Decimal | None = real.aggregate(total=Sum("unrealized_pnl"))["total"]
    return total or Decimal(0)
