"""One hierarchy of errors. A `Refusal` is a business "no"; the others say what may be done next."""

from enum import StrEnum
from typing import Any


class EngineError(Exception):
    """Base of everything this engine raises on purpose."""


class Refusal(EngineError):
    """A business "no": stored, shown and counted, never logged as an error.

    `code` is a member of a code enum; `message` says what to do next; `context` holds the values seen.
    """

    def __init__(self, code: StrEnum, message: str, **context: Any) -> None:
        super().__init__(f"{code.value}: {message}")
        self.code = code
        self.message = message
        self.context = context


class Transient(EngineError):
    """Failed for now (connection, lock, time-out): trying again later is right."""


class Permanent(EngineError):
    """Will fail again however often it is tried: needs a person."""


class Unknown(EngineError):
    """The outcome is not known and must be looked up before anything is done again."""
