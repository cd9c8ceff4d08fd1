"""What reads facts that senders and feeds told of a symbol, as a decision freezes them. Needs no transaction."""

from datetime import datetime, timedelta
from decimal import Decimal

from bias.models import GammaSnapshot
from bias.resolver import GAMMA_MAX_AGE
from experiments.facts import FlowFacts, GammaFacts
from optionsengine.core.enums import Side
from optionsengine.market.flow_selectors import flow_is_told, flow_summary_get
from optionsengine.market.gex import gex_state
from optionsengine.market.rules import CLOCK_SKEW_SECONDS

GAMMA_TOLD = "event"


def gamma_told_get(*, symbol: str, at: datetime) -> GammaFacts | None:
    """Return the newest gamma that a sender told of `symbol` within the hour before `at`, or None.

    Its state is by the same thresholds as that of a chain.
    """
    told = (
        GammaSnapshot.objects.filter(
            symbol=symbol,
            as_of_at__gt=at - GAMMA_MAX_AGE,
            as_of_at__lte=at + timedelta(seconds=CLOCK_SKEW_SECONDS),
        )
        .order_by("-as_of_at", "-created_at", "-pk")
        .first()
    )
    if told is None:
        return None
    return GammaFacts(
        net_gex=told.net_gex,
        state=gex_state(told.net_gex),
        zero_gamma=_level(told.flip_level),
        call_wall=_level(told.call_wall),
        put_wall=_level(told.put_wall),
        volatility_bias=told.volatility_bias,
        source=GAMMA_TOLD,
        at=told.as_of_at,
    )


def _level(told: float | None) -> Decimal | None:
    """A price; what is told as zero or less is no level."""
    return Decimal(repr(told)) if told is not None and told > 0 else None


def flow_facts_get(*, symbol: str, at: datetime) -> FlowFacts | None:
    """Return what the option prints of the last hour say of `symbol`, or None when there were none."""
    summary = flow_summary_get(symbol, at) if flow_is_told(symbol, at) else None
    if summary is None:
        return None
    totals = summary.totals
    return FlowFacts(
        prints=totals.prints,
        call_premium=totals.call_premium,
        put_premium=totals.put_premium,
        call_volume=totals.call_volume,
        put_volume=totals.put_volume,
        premium_side=summary.direction,
        volume_side=_larger(totals.call_volume, totals.put_volume),
        sentiment_side=summary.sentiment_direction,
        strength=summary.strength,
        newest_at=totals.newest_at,
    )


def _larger(calls: Decimal, puts: Decimal) -> Side | None:
    if calls == puts:
        return None
    return Side.LONG if calls > puts else Side.SHORT
