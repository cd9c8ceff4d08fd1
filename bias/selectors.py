"""What reads the bias."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from bias.config import BiasConfig, StalenessConfig
from bias.config_reading import config_read
from bias.data import BiasState, GammaReading, Staleness
from bias.enums import BiasOrigin, BiasSource
from bias.models import BiasConfigSection, BiasStateCurrent, BiasStateHistory, GammaSnapshot
from bias.resolver import GAMMA_MAX_AGE
from bias.rules import fresh_until, staleness, state_in_force, state_select
from optionsengine.market import calendar
from optionsengine.market.rules import CLOCK_SKEW_SECONDS

_GAMMA_FIELDS = (
    "symbol",
    "environment",
    "magnitude",
    "net_gex",
    "total_gex",
    "flip_level",
    "distance_to_flip",
    "call_wall",
    "put_wall",
    "volatility_bias",
    "as_of_at",
)


def bias_config_get() -> BiasConfig:
    """Return the configuration in force: what is stored, with the documented default for every key that is not.

    :raises ConfigInvalid: if what is stored cannot be read; nothing decides by a configuration that nobody meant.
    """
    return config_read(dict(BiasConfigSection.objects.values_list("name", "values")))


def bias_state_choose(
    symbol: str, at: datetime, *, source: BiasSource, config: BiasConfig | None = None
) -> BiasState | None:
    """Return the state of `symbol` that counts at `at`, its gamma merged in; None if there is none of that source.

    That is the senders' while it is fresh, else the computed one, else the senders' stale one.
    """
    chosen = config or bias_config_get()
    stored = states_stored([symbol])[symbol]
    return state_chosen(stored, symbol, at, source=source, config=chosen, gammas=gammas_get((symbol,), at))


def bias_states_choose(at: datetime, *, source: BiasSource, config: BiasConfig) -> list[BiasState]:
    """Return the state that counts of every symbol that has one, by symbol."""
    stored: dict[str, dict[str, BiasState]] = {}
    for symbol, origin, state in BiasStateCurrent.objects.values_list("symbol", "origin", "state"):
        stored.setdefault(symbol, {})[origin] = BiasState.model_validate(state)
    gammas = gammas_get(tuple(stored), at)
    chosen = (
        state_chosen(stored[symbol], symbol, at, source=source, config=config, gammas=gammas)
        for symbol in sorted(stored)
    )
    return [state for state in chosen if state is not None]


def states_stored(symbols: Iterable[str]) -> dict[str, dict[str, BiasState]]:
    """Return the stored states of each of `symbols` by origin, as they were written."""
    stored: dict[str, dict[str, BiasState]] = {symbol: {} for symbol in symbols}
    rows = BiasStateCurrent.objects.filter(symbol__in=list(stored)).values_list("symbol", "origin", "state")
    for symbol, origin, state in rows:
        stored[symbol][origin] = BiasState.model_validate(state)
    return stored


def gammas_get(symbols: Sequence[str], at: datetime) -> dict[str, GammaReading]:
    """Return the newest gamma of each of `symbols` in the hour before `at`, a sender's fast clock allowed for."""
    rows = (
        GammaSnapshot.objects.filter(
            symbol__in=symbols,
            as_of_at__gt=at - GAMMA_MAX_AGE,
            as_of_at__lte=at + timedelta(seconds=CLOCK_SKEW_SECONDS),
        )
        .order_by("symbol", "-as_of_at", "-created_at", "-pk")
        .distinct("symbol")
        .values(*_GAMMA_FIELDS)
    )
    return {row.pop("symbol"): GammaReading.model_validate(row) for row in rows}


def state_chosen(
    stored: dict[str, BiasState],
    symbol: str,
    at: datetime,
    *,
    source: BiasSource,
    config: BiasConfig,
    gammas: dict[str, GammaReading],
) -> BiasState | None:
    """Return the state of `stored` that counts at `at`, under `config` and with its gamma."""
    state = state_select(
        stored.get(BiasOrigin.WEBHOOK),
        stored.get(BiasOrigin.COMPUTED),
        at,
        source=source,
        in_session=calendar.is_open(at),
        config=config.staleness,
    )
    return None if state is None else state_in_force(state, config.gating, gammas.get(symbol))


def staleness_at(state: BiasState, at: datetime, config: StalenessConfig) -> Staleness:
    """Return how old a state is, by the configuration and the exchange's calendar."""
    return staleness(state, at, in_session=calendar.is_open(at), config=config)


def fresh_until_at(state: BiasState, at: datetime, config: StalenessConfig) -> datetime:
    """Return when a state that is fresh at `at` becomes stale; a past moment for one that is stale."""
    in_session = calendar.is_open(at)
    turns_at = calendar.next_close(at) if in_session else calendar.next_open(at)
    return fresh_until(state, in_session=in_session, turns_at=turns_at, config=config)


def state_meaning(state: BiasState, at: datetime) -> dict[str, Any]:
    """Return what a stored state means at `at`, as plain JSON: its effect, gamma, score and age."""
    config = bias_config_get()
    read = state_in_force(state, config.gating, gammas_get((state.symbol,), at).get(state.symbol))
    return {
        "effective": read.effective.model_dump(mode="json"),
        "resolved_score": read.resolved_score,
        "gamma": None if read.gamma is None else read.gamma.model_dump(mode="json"),
        "staleness": staleness_at(read, at, config.staleness).model_dump(),
    }


def bias_history(symbol: str) -> QuerySet[BiasStateHistory]:
    """Return every event of `symbol`, the newest time first."""
    return BiasStateHistory.objects.filter(symbol=symbol).order_by("-event_at", "-id")


def event_is_recorded(event_id: UUID) -> bool:
    """Tell whether a stored request has its row in the history, applied or not."""
    return BiasStateHistory.objects.filter(event=event_id).exists()
