"""What changed between two versions of the configuration. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

ABSENT = "not there"


@dataclass(frozen=True, slots=True)
class ConfigChange:
    """One setting by its dotted name, and its values as a person reads them."""

    name: str
    before: str
    after: str


def _flat(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return (", ".join(map(str, value)) or "none") if isinstance(value, list | tuple) else str(value)


def config_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[ConfigChange, ...]:
    """Return every setting that differs, in order of name; a setting that only one version knows differs, too."""
    was, now = dict(_flat(before)), dict(_flat(after))
    pairs = ((name, was.get(name, ABSENT), now.get(name, ABSENT)) for name in sorted(was.keys() | now.keys()))
    return tuple(ConfigChange(name, old, new) for name, old, new in pairs if old != new)
