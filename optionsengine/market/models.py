"""What market feeds sent."""

from django.db import models
from django.db.models import Q

from optionsengine.core.models import MONEY_LIMIT, Row, bounded, money_field, one_of, price_field
from optionsengine.market.enums import FeedKind


class FeedTick(Row):
    """One message of a feed: an option print (`flow`), a tick of the underlying (`price`) or a `chain`.

    `event_id` is the key of the request that brought it; `data` its body as it came, secrets blanked.
    """

    event_id = models.UUIDField(editable=False)
    kind = models.CharField(max_length=10, choices=FeedKind.choices)
    symbol = models.CharField(max_length=16)
    observed_at = models.DateTimeField(help_text="The sender's time, or that of arrival.")
    price = price_field(null=True, blank=True)
    option_type = models.CharField(max_length=4, blank=True, help_text="CALL or PUT, of a print.")
    strike = price_field(null=True, blank=True)
    expiry = models.CharField(max_length=40, blank=True, help_text="As the sender wrote it.")
    premium = money_field(null=True, blank=True)
    size = money_field(null=True, blank=True, help_text="Contracts of a print, shares of a tick.")
    sentiment = models.CharField(max_length=10, blank=True)
    is_unusual = models.BooleanField(default=False)
    data = models.JSONField()

    class Meta:
        db_table = "feed_ticks"
        indexes = [models.Index(fields=["kind", "symbol", "-observed_at"], name="feed_ticks_newest")]
        constraints = [
            models.UniqueConstraint(fields=["event_id"], name="feed_ticks_event"),
            one_of("feed_ticks_kind", "kind", FeedKind.values),
            one_of("feed_ticks_option_type", "option_type", ["", "CALL", "PUT"]),
            one_of("feed_ticks_sentiment", "sentiment", ["", "BULLISH", "BEARISH", "NEUTRAL"]),
            bounded("feed_ticks_price_bounds", price=None, strike=None),
            bounded("feed_ticks_amount_bounds", maximum=MONEY_LIMIT, premium=None, size=None),
            models.CheckConstraint(
                name="feed_ticks_whole",
                condition=Q(kind=FeedKind.CHAIN)
                | Q(kind=FeedKind.PRICE, price__isnull=False)
                | Q(kind=FeedKind.FLOW, strike__isnull=False, premium__isnull=False, size__isnull=False)
                & ~Q(option_type="")
                & ~Q(sentiment=""),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.symbol}"
