"""The one error of the development database."""

from optionsengine.core.errors import EngineError


class DevPostgresError(EngineError):
    """The development database cannot be had; the message is one line and says what to do next."""
