"""Many decisions before and after a change of settings, counted. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import UUID

from experiments.what_if import Comparison, Plan


def plan_word(plan: Plan) -> str:
    """Write a plan's outcome in a word or two: how it ended and why."""
    return f"{plan.outcome} {plan.code}".rstrip()


def plan_trade(plan: Plan) -> str:
    """Write what a plan trades; empty when nothing."""
    if not plan.contract:
        return ""
    price = "" if plan.limit_price is None else f" at {plan.limit_price}"
    return f"{plan.quantity} × {plan.contract} {plan.entry_type.lower()}{price}"


@dataclass(frozen=True, slots=True)
class Change:
    """One decision that would change, of which signal."""

    id: UUID
    signal_id: UUID
    compared: Comparison

    def as_json(self) -> dict[str, Any]:
        seen = self.compared
        return {
            "decision": str(self.id),
            "signal": str(self.signal_id),
            "symbol": seen.symbol,
            "side": seen.side,
            "at": seen.at.isoformat(),
            "before": asdict(seen.before),
            "after": asdict(seen.after),
        }


@dataclass(slots=True)
class Report:
    """The count of all decisions tried; `unreadable` ones were frozen in a form that today's rules cannot decide.

    `stored_otherwise` come out differently from what is stored even unchanged: by newer rules, or tampered with.
    """

    decided: int = 0
    unreadable: int = 0
    stored_otherwise: int = 0
    shadow_only: int = 0
    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)

    def add(self, change: Change, *, stored: tuple[str, str]) -> None:
        """Count one decision; `stored` is its outcome and code as they were written."""
        seen = change.compared
        self.decided += 1
        self.stored_otherwise += (seen.before.outcome, seen.before.code) != stored
        if seen.is_changed:
            self.outcomes[plan_word(seen.before), plan_word(seen.after)] += 1
            self.changes.append(change)
        elif seen.is_any_changed:
            self.shadow_only += 1

    @property
    def changed(self) -> int:
        """How many decisions would trade something else."""
        return len(self.changes)

    def told(self) -> Iterator[str]:
        """Say the counts in sentences."""
        yield f"{self.changed} of {self.decided} decisions would change, each judged with the book as it was."
        if self.shadow_only:
            yield f"In {self.shadow_only} more only what is followed in shadow would."
        if self.stored_otherwise:
            yield (
                f"{self.stored_otherwise} differ from what is stored even without the change: run replay_decision "
                "without --with to see how."
            )
        if self.unreadable:
            yield f"{self.unreadable} were stored by older rules in a form that cannot be decided again."

    def as_json(self) -> dict[str, Any]:
        return {
            "decided": self.decided,
            "changed": self.changed,
            "shadow_only": self.shadow_only,
            "stored_otherwise": self.stored_otherwise,
            "unreadable": self.unreadable,
            "outcomes": [
                {"before": before, "after": after, "count": count}
                for (before, after), count in self.outcomes.most_common()
            ],
            "changes": [change.as_json() for change in self.changes],
        }
