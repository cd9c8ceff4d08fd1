"""Every family, in the order in which they are tried: the first match wins, `plain` takes the rest."""

from signals.adapters.base import Adapter, Body
from signals.adapters.bias_v1 import BiasV1Adapter
from signals.adapters.bias_v3 import BiasV3Adapter
from signals.adapters.chain import ChainAdapter
from signals.adapters.context import ContextAdapter
from signals.adapters.flow import FlowAdapter
from signals.adapters.gamma import GammaAdapter
from signals.adapters.option_order import OptionOrderAdapter
from signals.adapters.orb import OrbAdapter
from signals.adapters.ping import PingAdapter
from signals.adapters.plain import PlainAdapter
from signals.adapters.price import PriceAdapter
from signals.adapters.saty import SatyAdapter
from signals.adapters.strat import StratAdapter
from signals.adapters.traderspost import TradersPostAdapter
from signals.adapters.trend_dots import TrendDotsAdapter
from signals.adapters.ultimate import UltimateAdapter

ADAPTERS: tuple[Adapter, ...] = (
    BiasV3Adapter(),
    BiasV1Adapter(),
    GammaAdapter(),
    FlowAdapter(),
    PriceAdapter(),
    ChainAdapter(),
    ContextAdapter(),
    PingAdapter(),
    OptionOrderAdapter(),
    StratAdapter(),
    SatyAdapter(),
    OrbAdapter(),
    TrendDotsAdapter(),
    UltimateAdapter(),
    TradersPostAdapter(),
    PlainAdapter(),
)


def adapter_find(body: Body, path: str) -> Adapter:
    """Return the adapter of the body's family."""
    return next(adapter for adapter in ADAPTERS if adapter.matches(body, path))
