"""What market feeds sent, the bars that were read, and what may still be asked of each provider."""

from django.db import models
from django.db.models import F, Q

from optionsengine.core.models import MONEY_LIMIT, Row, bounded, money_field, one_of, price_field
from optionsengine.market.data import TIMEFRAMES
from optionsengine.market.enums import FeedKind

IV_LIMIT = 100  # 10,000 % a year


class StoredBar(Row):
    """One closed bar as a provider gave it. `at` is its opening."""

    symbol = models.CharField(max_length=16)
    timeframe = models.CharField(max_length=4)
    at = models.DateTimeField()
    open = price_field()
    high = price_field()
    low = price_field()
    close = price_field()
    volume = models.BigIntegerField()
    source = models.CharField(max_length=20)

    class Meta:
        db_table = "bars"
        verbose_name = "bar"
        constraints = [
            # also what finds the newest bars of a series
            models.UniqueConstraint(fields=["symbol", "timeframe", "at"], name="bars_one_per_opening"),
            one_of("bars_timeframe", "timeframe", list(TIMEFRAMES)),
            bounded("bars_bounds", open=None, high=None, low=None, close=None),
            models.CheckConstraint(
                name="bars_in_order",
                condition=Q(low__lte=F("open"), high__gte=F("open")) & Q(low__lte=F("close"), high__gte=F("close")),
            ),
            models.CheckConstraint(name="bars_volume", condition=Q(volume__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.timeframe}"


class IvDay(Row):
    """The at-the-money volatility of 30 days of a symbol on one day in New York, as it was first seen that day.

    Simulated days stand apart: an invented volatility says nothing about a real one.
    """

    symbol = models.CharField(max_length=16)
    session_date = models.DateField()
    is_simulated = models.BooleanField()
    atm_iv = models.FloatField(help_text="A fraction a year: 0.2 is 20 %.")

    class Meta:
        db_table = "iv_days"
        verbose_name = "implied volatility of a day"
        verbose_name_plural = "implied volatility by day"
        constraints = [
            # also what finds the days of a symbol
            models.UniqueConstraint(fields=["symbol", "is_simulated", "session_date"], name="iv_days_one_per_day"),
            models.CheckConstraint(name="iv_days_bounds", condition=Q(atm_iv__gt=0, atm_iv__lt=IV_LIMIT)),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.session_date}"


class ProviderLimit(models.Model):
    """How many calls a provider still takes in one window; all processes share the row, by the database's clock."""

    name = models.CharField(max_length=60, primary_key=True, help_text="The provider and its window, alpaca/minute.")
    tokens = models.FloatField(help_text="Calls left, growing evenly up to the window's number.")
    refilled_at = models.DateTimeField()
    blocked_until = models.DateTimeField(null=True, blank=True, help_text="The provider asked to be left alone.")

    class Meta:
        db_table = "provider_limits"
        constraints = [
            models.CheckConstraint(name="provider_limits_tokens", condition=Q(tokens__gte=0, tokens__lt=1e9))
        ]

    def __str__(self) -> str:
        return self.name


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
