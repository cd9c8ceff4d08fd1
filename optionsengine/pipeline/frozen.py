"""What a decision froze of the contract it chose, for the fill that follows from it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from experiments.freeze import inputs_from_json
from experiments.models import Recommendation
from optionsengine.core.enums import Right
from optionsengine.core.values import OptionContract
from optionsengine.market.data import OptionQuote


@dataclass(frozen=True, slots=True)
class FrozenEntry:
    """The chosen contract's quote, its underlying's price and the bias state, all as the decision saw them."""

    quote: OptionQuote
    bias: dict[str, Any]
    spot: Decimal | None


def frozen_entry(recommendation: Recommendation) -> FrozenEntry:
    """Return what the recommendation's decision froze of its contract.

    :raises LookupError: if the recommendation has no contract among its decision's candidates.
    """
    stored = recommendation.decision.inputs
    inputs = inputs_from_json(stored)
    for candidate in inputs.candidates:
        if (candidate.expiration, candidate.strike) == (recommendation.expiration, recommendation.strike):
            break
    else:
        raise LookupError(f"recommendation {recommendation.pk} chose a contract its decision did not freeze")
    quote = OptionQuote(
        contract=OptionContract(
            recommendation.underlying, candidate.expiration, Right(recommendation.right), candidate.strike
        ),
        bid=candidate.bid,
        ask=candidate.ask,
        bid_size=candidate.bid_size,
        ask_size=candidate.ask_size,
        iv=candidate.iv,
        delta=candidate.delta,
        gamma=candidate.gamma,
        theta=candidate.theta,
        vega=candidate.vega,
        open_interest=candidate.open_interest,
        volume=candidate.volume,
        at=candidate.at,
        source=inputs.chain_summary.source if inputs.chain_summary else "",
        greeks_source=inputs.chain_summary.greeks_source if inputs.chain_summary else "",
    )
    spot = inputs.chain_summary.spot if inputs.chain_summary else None
    return FrozenEntry(quote, stored.get("bias") or {}, spot)
