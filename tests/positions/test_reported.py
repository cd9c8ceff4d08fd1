"""The profit a sender reports of its exit, against what the positions it closed made."""

from datetime import timedelta
from decimal import Decimal

import pytest

from optionsengine.console.timeline import signal_timeline
from optionsengine.ops.models import Alert
from optionsengine.pipeline.exit_signals import exit_signals_apply
from orders.models import Order
from positions.data import ReportedPnl
from positions.models import Position
from positions.rules import pnl_differs
from positions.selectors import reported_pnl_get
from positions.services import positions_settle
from tests import factories
from tests.factories import AT
from tests.orders.board import Board
from tests.positions.flow import bought, fill_of, sold

EXIT_AT = AT + timedelta(minutes=10)
LATER = AT + timedelta(minutes=20)


@pytest.mark.parametrize(
    ("reported", "ours", "differs"),
    [
        # over a dollar
        ("500", "500", False),
        ("500", "501", False),
        ("500", "501.01", True),
        ("500", "499", False),
        ("500", "498.99", True),
        ("-500", "-501", False),
        ("-500", "-501.01", True),
        # over one percent, below a dollar
        ("50", "50.50", False),
        ("50", "50.51", True),
        ("50", "49.50", False),
        ("50", "49.49", True),
        ("-50", "-50.50", False),
        ("-50", "-50.51", True),
        # both at their threshold at once
        ("100", "101", False),
        ("100", "101.01", True),
        # nothing reported: one percent of it is nothing
        ("0", "0", False),
        ("0", "0.01", True),
        ("0", "-0.01", True),
        # a profit that was a loss
        ("0.40", "-0.40", True),
        ("20", "-20", True),
    ],
)
def test_more_than_a_dollar_or_a_percent_differs(reported, ours, differs):
    assert pnl_differs(Decimal(reported), Decimal(ours)) is differs


def _exit(reported, **values):
    signal = factories.signal(
        intent="exit",
        side="",
        created_at=EXIT_AT,
        reported_pnl=None if reported is None else Decimal(reported),
        **values,
    )
    factories.signal_event(signal=signal, to_status="pending")
    return signal


def _close(position, price, at=LATER):
    order = Order.objects.get(entry_order=position.entry_order, intent="exit")
    return sold(order, fill_of(order, position.quantity, price, at=at), at=at)


@pytest.mark.django_db
class TestComparing:
    """Two contracts at 4.00, one at 2.00; sold at 5.00 and 1.50 they make 197.40 and -51.30 after commissions."""

    @pytest.fixture(autouse=True)
    def _held(self):
        self.first, self.second = bought(2, "4.00"), bought(1, "2.00")

    def test_only_the_last_close_is_compared(self):
        signal = _exit("300")
        exit_signals_apply(at=EXIT_AT)
        assert _close(self.first, "5.00").realized_pnl == Decimal("197.40")
        assert not Alert.objects.exists()
        assert reported_pnl_get(signal) == ReportedPnl(Decimal(300), None, False)
        assert _close(self.second, "1.50").realized_pnl == Decimal("-51.30")
        alert = Alert.objects.get()
        assert (alert.cause, alert.level, alert.created_at) == (f"pnl_mismatch:{signal.pk}", "warning", LATER)
        assert "$300.00" in alert.message
        assert "$146.10" in alert.message

    @pytest.mark.parametrize(
        ("reported", "alerts"), [("146.10", 0), ("147.10", 0), ("147.11", 1), ("-146.10", 1), (None, 0)]
    )
    def test_the_sum_is_compared(self, reported, alerts):
        _exit(reported)
        exit_signals_apply(at=EXIT_AT)
        _close(self.first, "5.00")
        _close(self.second, "1.50")
        assert Alert.objects.count() == alerts

    def test_what_is_closed_before_the_signal_has_its_end_is_compared_then(self):
        waiting = factories.webhook_event(status="received", created_at=EXIT_AT - timedelta(seconds=1))
        signal = _exit("300")
        assert exit_signals_apply(at=EXIT_AT).deferred == 1  # an older request may still be an entry
        _close(self.first, "5.00")
        _close(self.second, "1.50")
        assert not Alert.objects.exists()
        waiting.status, waiting.finished_at = "rejected", LATER
        waiting.save()
        assert exit_signals_apply(at=LATER).done == 1
        assert Alert.objects.get().cause == f"pnl_mismatch:{signal.pk}"

    def test_a_settlement_is_a_close_too(self):
        signal = _exit("300")
        exit_signals_apply(at=EXIT_AT)
        Position.objects.update(expiration=AT.date())
        Order.objects.update(expiration=AT.date())
        board = Board()
        board.closes = {("SPY", AT.date()): Decimal("1.00")}
        assert positions_settle(provider=board, at=AT + timedelta(days=1)).done == 2
        assert Alert.objects.filter(cause=f"pnl_mismatch:{signal.pk}").count() == 1

    def test_the_page_tells_both(self):
        signal = _exit("300")
        exit_signals_apply(at=EXIT_AT)
        _close(self.first, "5.00")
        _close(self.second, "1.50")
        timeline = signal_timeline(signal.pk)
        assert timeline["reported_pnl"] == ReportedPnl(Decimal(300), Decimal("146.10"), True)
        told = [moment for moment in timeline["story"] if moment.kind == "pnl"]
        assert [(moment.at, moment.title, moment.detail) for moment in told] == [
            (LATER, "reported P&L differs from ours", "reported 300.00, ours 146.10")
        ]


@pytest.mark.django_db
def test_a_shadow_position_counts_for_nothing():
    shadow = bought(1, "2.00", mode="shadow")
    signal = _exit("300")
    exit_signals_apply(at=EXIT_AT)
    _close(shadow, "9.00")
    assert not Alert.objects.exists()
    assert reported_pnl_get(signal) is None
