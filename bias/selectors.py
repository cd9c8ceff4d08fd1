"""What reads the bias."""

from uuid import UUID

from bias.config import BiasConfig
from bias.data import BiasState
from bias.models import BiasStateCurrent, BiasStateHistory


def bias_state_get(symbol: str) -> BiasState | None:
    """Return the current state of `symbol`, or None if no event has come for it."""
    stored = BiasStateCurrent.objects.filter(symbol=symbol).values_list("state", flat=True).first()
    return None if stored is None else BiasState.model_validate(stored)


def event_is_recorded(event_id: UUID) -> bool:
    """Tell whether a stored request has its row in the history, applied or not."""
    return BiasStateHistory.objects.filter(event=event_id).exists()


def bias_config_get() -> BiasConfig:
    """Return the configuration in force."""
    return BiasConfig()
