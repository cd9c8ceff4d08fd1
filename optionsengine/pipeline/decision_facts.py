"""What a decision reads of the database in its transaction: read once for all signals that are decided together."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property

from django.conf import settings

from bias.enums import BiasSource
from bias.services import bias_for_decisions
from experiments.config import DecisionConfig, Limits
from experiments.data import DecisionInputs, MarketSnapshot, SessionFacts
from experiments.facts import BiasFacts, ContextFacts
from experiments.freeze import ChainFreezer, inputs_build
from experiments.policy import execution_mode, real_engine
from experiments.selectors import bias_facts, contexts_facts_get, decision_config_get, limits_get, signal_facts
from experiments.setup_type import setup_type_for
from optionsengine.core.enums import Engine
from optionsengine.market import calendar
from optionsengine.market.mtf import MtfReading
from optionsengine.market.selectors import market_always_open, market_open
from optionsengine.ops.enums import TradingStatus
from optionsengine.ops.selectors import trading_status_get
from positions.selectors import Portfolio, exposure_of, portfolio_get, stop_percents
from positions.services import equity_snapshot_take
from signals.models import Signal


class DecisionFacts:
    """The facts as of `at`. Everything is read when first asked for and kept, the books until they change."""

    def __init__(self, at: datetime, readings: Mapping[str, MtfReading | None], chains: ChainFreezer) -> None:
        """Read for the symbols of `readings`, which are what their bars say, and freeze by `chains`."""
        self._at = at
        self._readings = readings
        self._chains = chains
        self._portfolio: Portfolio | None = None

    @cached_property
    def _bias(self) -> dict[str, BiasFacts | None]:
        config = self._config.bias
        states = bias_for_decisions(
            readings=self._readings, at=self._at, source=BiasSource(settings.BIAS_SOURCE), config=config
        )
        return {
            symbol: None if state is None else bias_facts(state, at=self._at, config=config.staleness)
            for symbol, state in states.items()
        }

    @cached_property
    def _contexts(self) -> dict[str, ContextFacts]:
        return contexts_facts_get(list(self._readings), self._at)

    @cached_property
    def _config(self) -> DecisionConfig:
        return decision_config_get()

    @cached_property
    def _limits(self) -> Limits:
        return limits_get()

    @cached_property
    def _trading_status(self) -> TradingStatus:
        return trading_status_get()

    @cached_property
    def _session(self) -> SessionFacts:
        return session_facts(self._at)

    def basis(self) -> tuple[object, ...]:
        """Return everything that decides and may change meanwhile: equal bases, equal decisions."""
        return self._config, self._limits, self._trading_status, self._bias, self._contexts, self._books()

    def books_changed(self) -> None:
        """Read the books again for the next signal: a decision has taken room."""
        self._portfolio = None

    def _books(self) -> Portfolio:
        if self._portfolio is None:
            self._portfolio = portfolio_get(self._at)
        if self._portfolio.day_start_equity is None:
            equity_snapshot_take(at=self._at)
            self._portfolio = portfolio_get(self._at)
        return self._portfolio

    def inputs(self, signal: Signal, variant: Engine, market: MarketSnapshot) -> DecisionInputs:
        """Freeze everything the decision of `signal` is made of."""
        facts, symbol, at = signal_facts(signal), signal.symbol, self._at
        engine = real_engine(variant, is_orchestrated=self._config.is_orchestrated)
        portfolio = self._books()
        return inputs_build(
            signal=facts,
            at=at,
            variant=engine,
            execution_mode=execution_mode(settings.APP_MODE, engine),
            trading_status=self._trading_status,
            session=self._session,
            market=market,
            bias=self._bias[symbol],
            context=self._contexts.get(symbol),
            exposure=exposure_of(portfolio, symbol=symbol),
            limits=self._limits,
            stop_loss_percent=stop_percents(
                portfolio.policies, symbol=symbol, setup_type=setup_type_for(facts.timeframe)
            ),
            config=self._config,
            chains=self._chains,
        )


def session_facts(at: datetime) -> SessionFacts:
    """Return where `at` lies in the session; on an always-open simulated market it is never near an open or a close."""
    is_timeless = market_always_open()
    minutes_from_open = None if is_timeless else calendar.minutes_from_open(at)
    minutes_to_close = None if is_timeless else calendar.minutes_to_close(at)
    return SessionFacts(
        is_open=market_open(at),
        next_open_at=calendar.next_open(at),
        minutes_from_open=None if minutes_from_open is None else int(minutes_from_open),
        minutes_to_close=None if minutes_to_close is None else int(minutes_to_close),
    )
