"""Which listed contract to buy, and why: the signal's own, the best that fits, or the fallback. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from experiments.contract_scores import Scored, failures, has_usable_quote, rank, score
from experiments.contract_terms import Hint, Terms, terms_build
from experiments.data import Candidate, ChainSummary, DecisionInputs
from experiments.enums import ContractFilter, ContractSource
from optionsengine.core.enums import Side

BEST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Selection:
    """The contract to buy and where it came from, or why there is none.

    `violations` says which filters the contract breaks, each in words: nothing for one that was chosen by its score.
    `best` are the five that fit best, in their order; `hint` what the bias preferred, held or not.
    """

    contract: Candidate | None
    source: ContractSource | None
    problem: str = ""
    scores: Mapping[str, int | None] = field(default_factory=dict)
    overall: int | None = None
    reason: str = ""
    violations: tuple[str, ...] = ()
    best: tuple[Scored, ...] = ()
    hint: Hint | None = None


def nearest_beyond(contracts: Iterable[Candidate], terms: Terms, spot: Decimal) -> Candidate | None:
    """Return the contract of the soonest expiry nearest to spot, at or beyond it: ceil for long, floor for short."""
    direction = 1 if terms.side == Side.LONG else -1
    return _nearest([each for each in contracts if direction * (each.strike - spot) >= 0], spot)


def _nearest(contracts: Sequence[Candidate], spot: Decimal) -> Candidate | None:
    return min(contracts, key=lambda each: (each.expiration, abs(each.strike - spot), each.strike), default=None)


def fallback(contracts: Iterable[Candidate], terms: Terms, spot: Decimal) -> Candidate | None:
    """Return the listed contract to take when no other fits, whatever its quote; None if none is at or beyond spot."""
    return nearest_beyond([each for each in contracts if terms.rules.dte.allows(each.dte)], terms, spot)


def wished(contracts: Iterable[Candidate], terms: Terms, spot: Decimal) -> tuple[list[Scored], Candidate | None]:
    """Return what is listed of the signal's own strike or expiration: those that pass the filters, best first, and the
    nearest to spot whether it passes or not (at or beyond spot when the signal left the strike open).

    The signal's word outweighs the bias, so no hint reorders them.
    """
    if not terms.has_wish:
        return [], None
    named = [each for each in contracts if terms.wishes(each)]
    nearest = _nearest(named, spot) if terms.strike is not None else nearest_beyond(named, terms, spot)
    return rank(named, replace(terms, hint=None), any_dte=terms.expiration is not None), nearest


def contract_select(contracts: Sequence[Candidate], terms: Terms, spot: Decimal) -> Selection:
    """Choose: the signal's own contract if it is listed, else the best that fits, else the nearest beyond spot.

    Of those that fit, any that the bias's hint prefers comes before any other. A contract without a usable quote is
    never chosen: it would have no price. One that breaks a filter is chosen for the signal or as the fallback only, and
    the selection says what it breaks.
    """
    own, own_nearest = wished(contracts, terms, spot)
    ranked = rank(contracts, terms)
    told = Selection(None, None, best=tuple(ranked[:BEST_TOLD]), hint=terms.hint)
    if own or own_nearest is not None:
        source, first, nearest = ContractSource.SIGNAL, own, own_nearest
    elif ranked:
        source, first, nearest = ContractSource.SCORED, ranked, None
    else:
        source, first, nearest = ContractSource.FALLBACK, [], fallback(contracts, terms, spot)
    if first:
        chosen = first[0]
    elif nearest is None:
        return replace(told, problem="no listed strike lies at or beyond the spot price")
    elif not has_usable_quote(nearest, terms):
        name = "the contract the alert asks for" if source == ContractSource.SIGNAL else "the nearest contract"
        return replace(told, problem=f"{name} ({nearest.expiration} {nearest.strike}) has no usable quote")
    else:
        chosen = score(nearest, terms)
    return replace(
        told,
        contract=chosen.contract,
        source=source,
        scores=chosen.scores,
        overall=chosen.overall,
        reason=_reason(source, first, terms),
        violations=(
            *((_unheard(terms),) if terms.has_wish and source != ContractSource.SIGNAL else ()),
            *(f"{name.value}: {words}" for name, words in failures(chosen.contract, terms)),
        ),
    )


def _asked(terms: Terms) -> str:
    return "what the alert asks for ({})".format(
        ", ".join(str(wish) for wish in (terms.expiration, terms.strike) if wish is not None)
    )


def _unheard(terms: Terms) -> str:
    """Say why the alert's wish was not followed: where it names no strike, those in the money are never asked for."""
    return f"wish: {_asked(terms)} is not listed" + ("" if terms.strike is not None else " at or beyond spot")


def _reason(source: ContractSource, first: Sequence[Scored], terms: Terms) -> str:
    if source == ContractSource.FALLBACK:
        return "nothing listed fits: the nearest strike at or beyond spot, of the first expiry within the policy"
    if source == ContractSource.SIGNAL:
        choice = "best that fits" if first else "nearest to spot, though it does not fit,"
        return f"the {choice} of {_asked(terms)}"
    if terms.hint is None:
        return "the best score of all that fit"
    strength = terms.hint.strength.value
    if first[0].is_hinted:
        return f"the best score of those that fit where the {strength} hint of the bias points"
    return f"the best score of all that fit: none lies where the {strength} hint of the bias points"


def contract_for(inputs: DecisionInputs) -> Selection | None:
    """Choose among the frozen candidates; None when there was no chain to choose from."""
    if inputs.chain_summary is None:
        return None
    terms = terms_build(
        signal=inputs.signal,
        at=inputs.at,
        limits=inputs.limits,
        config=inputs.config,
        iv_percentile=inputs.iv_percentile,
        bias=inputs.bias,
        gex_state=inputs.gex_state,
    )
    return contract_select(inputs.candidates, terms, inputs.chain_summary.spot)


def contract_explain(selection: Selection, summary: ChainSummary) -> dict[str, Any]:
    """Return why this contract and no other, for the record.

    Every listed contract is in one count: `removed` by one filter, or `passed`.
    """
    hint = selection.hint
    removed = {name: count for name, count in summary.removed.items() if name != ContractFilter.KEPT_OUT}
    return {
        "source": selection.source,
        "reason": selection.reason,
        "problem": selection.problem,
        "violations": list(selection.violations),
        "overall": selection.overall,
        "scores": dict(selection.scores),
        "best": [
            {
                "expiration": each.contract.expiration,
                "strike": each.contract.strike,
                "overall": each.overall,
                "scores": dict(each.scores),
                "is_hinted": each.is_hinted,
            }
            for each in selection.best
        ],
        "hint": None
        if hint is None
        else {
            "strength": hint.strength,
            "why": hint.why,
            "delta": [hint.min_delta, hint.max_delta],
            "dte": [hint.dte.minimum, hint.dte.maximum],
            "passed": summary.hinted,
        },
        "listed": summary.listed,
        "removed": removed,
        "passed": summary.passed,
        "spot": summary.spot,
    }
