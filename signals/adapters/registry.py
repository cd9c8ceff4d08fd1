"""Every family, in the order in which they are tried: the first match wins, `plain` takes the rest."""

from signals.adapters.base import Adapter, Body
from signals.adapters.bias_v3 import BiasV3Adapter
from signals.adapters.context import ContextAdapter
from signals.adapters.ping import PingAdapter
from signals.adapters.plain import PlainAdapter
from signals.adapters.ultimate import UltimateAdapter

ADAPTERS: tuple[Adapter, ...] = (BiasV3Adapter(), ContextAdapter(), PingAdapter(), UltimateAdapter(), PlainAdapter())


def adapter_find(body: Body, path: str) -> Adapter:
    """Return the adapter of the body's family."""
    return next(adapter for adapter in ADAPTERS if adapter.matches(body, path))
