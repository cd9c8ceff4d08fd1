"""What one pass has asked of the market: asked once, however many signals of a symbol wait."""

from collections.abc import Callable, Hashable
from datetime import datetime
from typing import Any, TypeVar

from optionsengine.market.data import MarketError

Value = TypeVar("Value")


class MarketMemory:
    """Keeps answers, and what there was no answer to, for one provider and as of one moment.

    A pass has one: it is handed through, dies with the pass, and no two processes share it.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, Any] = {}

    def once(self, kind: str, *parts: Hashable, at: datetime, ask: Callable[[], Value]) -> Value:
        """Return what `ask` answered for `kind` and `parts` as of `at` the first time.

        :raises MarketError: what it ended with the first time.
        """
        key = (kind, at, parts)
        if key not in self._kept:
            try:
                self._kept[key] = ask()
            except MarketError as error:
                self._kept[key] = error
        kept = self._kept[key]
        if isinstance(kept, MarketError):
            raise kept
        found: Value = kept
        return found
