"""Reading dotted paths of a body whose shape nobody promised. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_PLACEHOLDER = re.compile(r"\{\{[^{}]{1,60}\}\}")


def field_read(body: Mapping[str, Any], path: str) -> Any:
    """Return the value at a dotted path, or None where any part of the path is missing or not an object."""
    if "." not in path:
        return body.get(path)  # most paths, a hundred times an alert
    value: Any = body
    for part in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value.get(part)
    return value


def is_given(value: Any) -> bool:
    """A null and a blank text say nothing."""
    return value is not None and not (isinstance(value, str) and not value.strip())


def field_first(body: Mapping[str, Any], paths: Iterable[str]) -> Any:
    """Return the first given value of `paths`, or None."""
    for path in paths:
        value = field_read(body, path)
        if is_given(value):
            return value
    return None


def word_read(body: Mapping[str, Any], path: str) -> str:
    """Return the text at `path` trimmed and in lower case; empty if there is none."""
    value = field_read(body, path)
    return value.strip().lower() if isinstance(value, str) else ""


def path_given(body: Mapping[str, Any], paths: Iterable[str]) -> str | None:
    """Return the first of `paths` with a given value, or None."""
    for path in paths:
        if is_given(field_read(body, path)):
            return path
    return None


def placeholder_fault(value: Any) -> str:
    """Return what is wrong with a text in which a `{{placeholder}}` of the sender still stands; empty for any other."""
    found = _PLACEHOLDER.search(value) if isinstance(value, str) else None
    return f"{found[0]} was not filled in by the sender; check the alert's message" if found else ""
