"""What a stored decision would have been under other settings: the frozen inputs with them, decided again. Pure.

Each decision is judged by itself, with the book as it was: what an earlier change would have done to the positions
open by then is not followed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from typing import Any

from bias.config import BiasConfig
from bias.config_reading import ConfigInvalid, section_read
from bias.enums import ConfigSection
from experiments.config import DecisionConfig, Limits
from experiments.data import Decision, DecisionInputs, EngineDecision
from experiments.decide import contract_of, decide
from experiments.engines.b.registry import AGENT_NAMES
from experiments.enums import ExecutionMode, GateOutcome
from experiments.policy import PRIMARY, real_engine
from experiments.what_if_keys import (
    AGENT_PREFIX,
    BIAS_PREFIX,
    LIMIT_PREFIX,
    LIMITS,
    NOT_REPLAYABLE,
    SETTINGS,
    Flag,
    keys_known,
)
from optionsengine.core.enums import Engine
from optionsengine.core.errors import Refusal

NEAR = 3
NEARNESS = 0.55
STOPPING = (GateOutcome.REFUSE, GateOutcome.DEFER)


class WhatIfCode(StrEnum):
    """Why settings cannot be tried out."""

    NOT_REPLAYABLE = "NOT_REPLAYABLE"


class WhatIfInvalid(ValueError):
    """Raised for keys that mean nothing and values that a setting would refuse; `faults` maps each key to why."""

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{key}: {said}" for key, said in faults.items()))
        self.faults = dict(faults)


class NotReplayable(Refusal):
    """Raised for keys that act where frozen inputs cannot show it; the context maps each key to the reason."""

    def __init__(self, reasons: Mapping[str, str]) -> None:
        said = "; ".join(f"{key}: {reason}" for key, reason in reasons.items())
        super().__init__(WhatIfCode.NOT_REPLAYABLE, f"stored decisions cannot show this. {said}", **reasons)


@dataclass(frozen=True, slots=True)
class Changes:
    """The settings to try, read: fields of the configuration, of the limits, of the bias's sections, agents' flags."""

    config: Mapping[str, Any] = field(default_factory=dict)
    limits: Mapping[str, Any] = field(default_factory=dict)
    bias: Mapping[ConfigSection, Mapping[str, Any]] = field(default_factory=dict)
    agents: Mapping[str, bool] = field(default_factory=dict)

    def applied(self, inputs: DecisionInputs, assigned: Engine) -> DecisionInputs:
        """Return the inputs with these settings instead of the frozen ones, for a signal of the engine `assigned`.

        :raises WhatIfInvalid: where together with the frozen ones they contradict each other.
        """
        frozen = inputs.config
        config = replace(frozen, **self.config, disabled_agents=self._disabled(frozen), bias=self._bias(frozen.bias))
        wanted, most = config.risk_per_trade_percent, config.risk_per_trade_max_percent
        if wanted > most:
            said = f"must be at most RISK_PER_TRADE_MAX_PERCENT; they are {wanted} and {most}"
            raise WhatIfInvalid({"RISK_PER_TRADE_PERCENT": said})
        engine, mode = inputs.variant, inputs.execution_mode
        if config.is_orchestrated != frozen.is_orchestrated:  # whose decision counts was frozen by the other setting
            engine = real_engine(assigned, is_orchestrated=config.is_orchestrated)
            mode = mode if mode == ExecutionMode.SHADOW_ONLY else PRIMARY[engine]
        limits = replace(inputs.limits, **self.limits)
        return replace(inputs, config=config, limits=limits, variant=engine, execution_mode=mode)

    def _disabled(self, config: DecisionConfig) -> tuple[str, ...]:
        on = {agent for agent, is_on in self.agents.items() if is_on}
        return tuple(sorted((set(config.disabled_agents) | self.agents.keys()) - on))

    def _bias(self, config: BiasConfig) -> BiasConfig:
        sections = {
            section.value: replace(getattr(config, section.value), **values) for section, values in self.bias.items()
        }
        return replace(config, **sections)


def changes_read(given: Mapping[str, str]) -> Changes:
    """Return the settings to try, from their names and the texts a person typed; an empty text is the default.

    :raises NotReplayable: for a key that acts before what is frozen, or after the decision; nothing is tried then.
    :raises WhatIfInvalid: for an unknown key, naming near ones, and for a value that the setting would refuse.
    """
    known = keys_known(AGENT_NAMES)
    reasons: dict[str, str] = {}
    faults: dict[str, str] = {}
    config: dict[str, Any] = {}
    limits: dict[str, Any] = {}
    bias: dict[ConfigSection, dict[str, Any]] = {}
    agents: dict[str, bool] = {}
    for typed, text in given.items():
        key, raw = known.get(typed.strip().lower()), text.strip()
        if key is None:
            faults[typed] = _unknown(typed, known)
        elif key in NOT_REPLAYABLE:
            reasons[key] = NOT_REPLAYABLE[key].reason
        else:
            try:
                if key in SETTINGS:
                    config[SETTINGS[key].field] = SETTINGS[key].reader.read(raw)
                elif key.startswith(LIMIT_PREFIX):
                    column = key.removeprefix(LIMIT_PREFIX)
                    limits[column] = LIMITS[column].read(raw) if raw else getattr(Limits(), column)
                elif key.startswith(BIAS_PREFIX):
                    section, name = key.removeprefix(BIAS_PREFIX).split(".")
                    bias.setdefault(ConfigSection(section), {})[name] = _bias_read(ConfigSection(section), name, raw)
                else:
                    agents[key.removeprefix(AGENT_PREFIX)] = Flag().read(raw)
            except ValueError as error:
                faults[key] = str(error)
    if reasons:
        raise NotReplayable(reasons)
    if faults:
        raise WhatIfInvalid(faults)
    return Changes(config, limits, bias, agents)


def _unknown(typed: str, known: Mapping[str, str]) -> str:
    near = [known[name] for name in get_close_matches(typed.strip().lower(), known, n=NEAR, cutoff=NEARNESS)]
    kinds = f"a setting that decides, {LIMIT_PREFIX}COLUMN, {BIAS_PREFIX}SECTION.KEY or {AGENT_PREFIX}AGENT"
    said = f"did you mean {' or '.join(near)}?" if near else f"give {kinds}"
    return f"there is no such setting; {said}"


def _bias_read(section: ConfigSection, name: str, raw: str) -> Any:
    """Read one key of the bias configuration as its own page does; a list is written by commas."""
    default = getattr(section_read(section, {}), name)
    if not raw:
        return default
    value: Any = raw
    if isinstance(default, tuple):
        value = [] if raw.lower() == "none" else [word.strip() for word in raw.split(",")]
    elif isinstance(default, float):
        try:
            value = float(raw)
        except ValueError:
            value = raw
    try:
        return getattr(section_read(section, {name: value}), name)
    except ConfigInvalid as error:
        raise ValueError(error.faults[name]) from None


# --- deciding again ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """What one engine makes of a signal, as far as a trader asks: `gate` is what decided, empty when approved."""

    engine: Engine
    outcome: str
    code: str
    gate: str
    contract: str
    quantity: int
    entry_type: str
    limit_price: Decimal | None
    message: str

    @property
    def what(self) -> tuple[object, ...]:
        """All of it but the words."""
        return tuple(getattr(self, column.name) for column in fields(self) if column.name != "message")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One decision before and after: of the engine that trades, which a setting may change, and of each asked."""

    symbol: str
    side: str
    at: datetime
    before: Plan
    after: Plan
    engines_before: Mapping[Engine, Plan]
    engines_after: Mapping[Engine, Plan]

    def is_changed_for(self, engine: Engine) -> bool:
        before, after = self.engines_before.get(engine), self.engines_after.get(engine)
        return (before and before.what) != (after and after.what)

    @property
    def is_changed(self) -> bool:
        """Whether what is traded changes; what is followed in shadow is not."""
        return self.before.what != self.after.what

    @property
    def is_any_changed(self) -> bool:
        """Whether either engine's decision changes, also the one that is only followed."""
        return any(self.is_changed_for(engine) for engine in Engine)


def plans_of(inputs: DecisionInputs, decision: Decision) -> dict[Engine, Plan]:
    """Return what each engine that was asked made of the inputs."""
    return {engine: _plan(inputs, decision, own) for engine, own in decision.engines.items()}


def _plan(inputs: DecisionInputs, decision: Decision, own: EngineDecision) -> Plan:
    verdicts = (*decision.shared_gates, *own.gates)
    stop = next((verdict for verdict in verdicts if verdict.outcome in STOPPING), None)
    contract = contract_of(inputs, own) if stop is None else None
    return Plan(
        engine=own.engine,
        outcome=own.outcome.value,
        code=own.code,
        gate="" if stop is None else stop.gate.value,
        contract="" if contract is None else contract.symbol,
        quantity=own.quantity,
        entry_type=own.entry_type.value if own.entry_type is not None and stop is None else "",
        limit_price=own.limit_price if stop is None else None,
        message=own.message,
    )


def what_if(inputs: DecisionInputs, changes: Changes, *, assigned: Engine) -> Comparison:
    """Decide twice by today's rules, with the frozen settings and with `changes`, so that nothing else differs.

    `assigned` is the engine that the signal was given when it arrived.

    :raises WhatIfInvalid: if the changes contradict the frozen settings.
    """
    changed = changes.applied(inputs, assigned)
    before, after = plans_of(inputs, decide(inputs)), plans_of(changed, decide(changed))
    return Comparison(
        symbol=inputs.signal.symbol,
        side=inputs.signal.side.value,
        at=inputs.at,
        before=before[_real(inputs)],
        after=after[_real(changed)],
        engines_before=before,
        engines_after=after,
    )


def _real(inputs: DecisionInputs) -> Engine:
    return real_engine(inputs.variant, is_orchestrated=inputs.config.is_orchestrated)
