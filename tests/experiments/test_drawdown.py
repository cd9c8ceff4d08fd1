"""The pause that a day's loss makes."""

from datetime import timedelta
from decimal import Decimal

import pytest

from experiments.models import DrawdownFreeze
from experiments.selectors import drawdown_freeze_get
from experiments.services import drawdown_alert_end, drawdown_freeze_record
from optionsengine.ops.models import Alert
from positions.selectors import exposure_of, portfolio_get
from positions.services import exits_monitor, position_close_request
from tests.factories.clock import AT, later
from tests.positions.flow import bought, fill_of, sold

pytestmark = pytest.mark.django_db
MICROSECOND = timedelta(microseconds=1)


def freeze(percent="3.25", at=AT):
    return drawdown_freeze_record(drawdown_percent=Decimal(percent), at=at)


def test_a_pause_holds_for_thirty_minutes_to_the_moment():
    assert drawdown_freeze_get(AT) is None
    assert freeze() == later(minutes=30)
    assert DrawdownFreeze.objects.values_list("until_at", "drawdown_percent", "created_at").get() == (
        later(minutes=30),
        Decimal("3.25"),
        AT,
    )
    assert drawdown_freeze_get(later(minutes=30) - MICROSECOND) == later(minutes=30)
    assert drawdown_freeze_get(later(minutes=30)) is None


def test_it_is_made_once_while_one_holds_and_anew_after_it():
    freeze()
    assert freeze("9", later(minutes=29)) == later(minutes=30)
    assert DrawdownFreeze.objects.count() == 1
    assert freeze("9", later(minutes=30)) == later(minutes=60)
    assert drawdown_freeze_get(later(minutes=31)) == later(minutes=60)
    assert DrawdownFreeze.objects.count() == 2


def test_an_alert_says_so_until_the_pause_is_over():
    freeze()
    alert = Alert.objects.get()
    assert (alert.cause, alert.level, alert.resolved_at) == ("drawdown_pause", "warning", None)
    assert "3.25 %" in alert.message
    assert "15:30 UTC" in alert.message
    drawdown_alert_end(at=later(minutes=29))
    assert Alert.objects.get().resolved_at is None
    exits_monitor(at=later(minutes=30))  # whose every pass looks
    assert Alert.objects.get().resolved_at == later(minutes=30)


@pytest.mark.parametrize(("percent", "stored"), [("3.005", "3.00"), ("100", "100.00"), ("123456789", "99999.99")])
def test_any_loss_can_be_written(percent, stored):
    freeze(percent)
    assert DrawdownFreeze.objects.get().drawdown_percent == Decimal(stored)


def test_d26_a_realised_loss_counts_and_no_throttle_says_not_frozen(settings):
    """Losers are compared with account equity, closed ones included, and a pause is told however often one asks."""
    settings.PAPER_STARTING_EQUITY = Decimal(10000)
    position = bought(2, "4.00")
    order = position_close_request(position_id=position.pk, actor="ann", at=AT)
    sold(order, fill_of(order, 2, "2.00"), at=AT)

    found = exposure_of(portfolio_get(later(minutes=1)), symbol="SPY")
    # $400 and $2.60 of commissions, of the $10,000 that the day began with
    assert (found.open_positions, found.daily_pnl) == (0, Decimal("-402.60"))
    assert found.drawdown_percent == Decimal("4.026")
    until = drawdown_freeze_record(drawdown_percent=found.drawdown_percent, at=AT)
    for second in (0, 1, 2, 15, 16, 1799):
        assert exposure_of(portfolio_get(later(seconds=second)), symbol="SPY").frozen_until == until
