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


class Flag(TextChoices):
    """Every feature flag; on unless a person switched it off. `enable_<agent>` has engine B ask that agent."""

    ENABLE_CONTEXT = "enable_context", "Engine B asks its context agent."
    ENABLE_TECHNICAL = "enable_technical", "Engine B asks its technical agent."
    ENABLE_RISK = "enable_risk", "Engine B asks its risk agent."
    ENABLE_REGIME_CLASSIFIER = "enable_regime_classifier", "Engine B asks its regime classifier."
    ENABLE_VOLATILITY = "enable_volatility", "Engine B asks its volatility agent."
    ENABLE_LIQUIDITY = "enable_liquidity", "Engine B asks its liquidity agent."
    ENABLE_CORRELATION_RISK = "enable_correlation_risk", "Engine B asks its correlation agent."
    ENABLE_MTF_TREND = "enable_mtf_trend", "Engine B asks its multi-timeframe agent."
    ENABLE_GAMMA_FLOW = "enable_gamma_flow", "Engine B asks its gamma flow agent."
    ENABLE_ORB_SPECIALIST = "enable_orb_specialist", "Engine B asks its opening range specialist."
    ENABLE_STRAT_SPECIALIST = "enable_strat_specialist", "Engine B asks its Strat specialist."
    ENABLE_TTM_SPECIALIST = "enable_ttm_specialist", "Engine B asks its TTM squeeze specialist."
    ENABLE_SHADOW_EXECUTION = "enable_shadow_execution", "The other engine's approved entries are followed in shadow."

    @property
    def agent(self) -> str:
        """The agent it switches, or "" if it switches something else."""
        return "" if self == Flag.ENABLE_SHADOW_EXECUTION else self.value.removeprefix("enable_")


class OpsCode(StrEnum):
    """Why operations refused what a person asked."""

    UNKNOWN_FLAG = "UNKNOWN_FLAG"
