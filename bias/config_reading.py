"""Stored or typed keys of a section of the bias configuration become its frozen value, or each fault in words. Pure."""

import math
from collections.abc import Mapping
from dataclasses import Field, fields
from enum import StrEnum
from typing import Any, TypeVar

from bias.config import BiasConfig, GatingConfig, RiskConfig, StaleBehavior, StalenessConfig
from bias.enums import ConfigSection, MacroClass

AnySection = GatingConfig | RiskConfig | StalenessConfig
Section = TypeVar("Section", bound=AnySection)
KINDS: dict[ConfigSection, type[AnySection]] = {
    ConfigSection.GATING: GatingConfig,
    ConfigSection.RISK: RiskConfig,
    ConfigSection.STALENESS: StalenessConfig,
}


class ConfigInvalid(ValueError):
    """Raised for values that a section cannot hold; `faults` maps each key to what to do about it."""

    def __init__(self, section: ConfigSection, faults: Mapping[str, str]) -> None:
        super().__init__("; ".join(f"{section.value}.{key}: {said}" for key, said in faults.items()))
        self.section = section
        self.faults = dict(faults)


def keys_of(section: ConfigSection) -> "dict[str, Field[Any]]":
    """Return the keys of a section with their defaults and what is said of them, in order."""
    return {key.name: key for key in fields(KINDS[section])}


def section_read(section: ConfigSection, values: Mapping[str, Any]) -> AnySection:
    """Return the section with `values` in place of the defaults.

    :raises ConfigInvalid: naming every key that is unknown, of the wrong type or out of bounds.
    """
    return _section(section, KINDS[section], values)


def _section(section: ConfigSection, kind: type[Section], values: Mapping[str, Any]) -> Section:
    keys = keys_of(section)
    read: dict[str, Any] = {}
    faults: dict[str, str] = {}
    for name, value in values.items():
        if name not in keys:
            faults[name] = f"there is no such key; {section.value} has {', '.join(keys)}"
            continue
        try:
            read[name] = _value_read(keys[name], value)
        except ValueError as error:
            faults[name] = f"{error}; leave it out for the default, {shown(keys[name].default)}"
    if faults:
        raise ConfigInvalid(section, faults)
    return kind(**read)


def section_plain(values: AnySection) -> dict[str, Any]:
    """Return the keys of a section that differ from their defaults, as plain JSON."""
    changed = {
        key.name: getattr(values, key.name) for key in fields(values) if getattr(values, key.name) != key.default
    }
    return {name: list(value) if isinstance(value, tuple) else value for name, value in changed.items()}


def config_read(stored: Mapping[str, Mapping[str, Any]]) -> BiasConfig:
    """Return the whole configuration from its stored sections; an absent one has its defaults.

    :raises ConfigInvalid: if a stored section cannot be read.
    """
    gating, risk, stale = (stored.get(name.value, {}) for name in ConfigSection)
    return BiasConfig(
        gating=_section(ConfigSection.GATING, GatingConfig, gating),
        risk=_section(ConfigSection.RISK, RiskConfig, risk),
        staleness=_section(ConfigSection.STALENESS, StalenessConfig, stale),
    )


def shown(value: Any) -> str:
    """Write a value for people."""
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value) or "none"
    return str(value) if isinstance(value, StrEnum) else f"{value:g}"


def _value_read(key: "Field[Any]", value: Any) -> Any:
    if isinstance(key.default, tuple):
        return _classes_read(value)
    if isinstance(key.default, StaleBehavior):
        return _behavior_read(value)
    return _number_read(value, key.metadata["minimum"], key.metadata["maximum"])


def _number_read(value: Any, minimum: float, maximum: float) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or not minimum <= value <= maximum:
        raise ValueError(f"give a number from {minimum:g} to {maximum:g} instead of {value!r}")
    return float(value)


def _behavior_read(value: Any) -> StaleBehavior:
    if not isinstance(value, str) or value not in set(StaleBehavior):
        raise ValueError(f"give {' or '.join(StaleBehavior)} instead of {value!r}")
    return StaleBehavior(value)


def _classes_read(value: Any) -> tuple[MacroClass, ...]:
    known = isinstance(value, list | tuple) and all(isinstance(one, str) and one in MacroClass.values for one in value)
    if not known or len(set(value)) != len(value):
        raise ValueError(f"give a list of {', '.join(MacroClass.values)}, each at most once, instead of {value!r}")
    return tuple(sorted((MacroClass(one) for one in value), key=MacroClass.values.index))
