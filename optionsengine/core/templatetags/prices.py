"""How a price per share is written: two decimals, more only where there are more."""

from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def price(amount: Decimal | None) -> str:
    """Write 5.0750 as 5.075 and 12.3000 as 12.30; an absent price is a dash."""
    if amount is None:
        return "–"
    whole_cents = amount.quantize(Decimal("0.01"))
    return f"{whole_cents:f}" if whole_cents == amount else f"{amount.normalize():f}"
