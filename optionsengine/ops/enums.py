"""Vocabulary of operations."""

from enum import StrEnum

from django.db.models import TextChoices


class TradingStatus(TextChoices):
    ACTIVE = "ACTIVE"
    REDUCING = "REDUCING", "REDUCING: no new entries, exits run"
    HALTED = "HALTED", "HALTED: nothing is sent by itself"


class AlertLevel(TextChoices):
    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Job(StrEnum):
    """Every job; the value names its schedule, its `job_runs` and its heartbeat."""

    PROCESS_SIGNAL = "process_signal"
    ORCHESTRATE = "orchestrate"
    CREATE_ORDERS = "create_orders"
    EXECUTE_ORDERS = "execute_orders"
    REFRESH_POSITIONS = "refresh_positions"
    MONITOR_EXITS = "monitor_exits"
    EXECUTE_EXITS = "execute_exits"
    RECOVER_INBOX = "recover_inbox"
    RECONCILE = "reconcile"
    HEARTBEAT_ENTRIES = "heartbeat_entries"
    HEARTBEAT_EXITS = "heartbeat_exits"
