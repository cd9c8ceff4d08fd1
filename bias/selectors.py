"""What reads the bias."""

from bias.data import BiasState
from bias.models import BiasStateCurrent


def bias_state_get(symbol: str) -> BiasState | None:
    """Return the current state of `symbol`, or None if no event has come for it."""
    stored = BiasStateCurrent.objects.filter(symbol=symbol).values_list("state", flat=True).first()
    return None if stored is None else BiasState.model_validate(stored)
