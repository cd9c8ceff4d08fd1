"""Values other apps hand to operations."""

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class StageReport:
    """What one pass of a stage did: rows claimed, and how each ended."""

    claimed: int = 0
    done: int = 0
    deferred: int = 0
    refused: int = 0
    failed: int = 0

    def counts(self) -> dict[str, int]:
        return asdict(self)

    def add(self, other: "StageReport") -> None:
        self.claimed += other.claimed
        self.done += other.done
        self.deferred += other.deferred
        self.refused += other.refused
        self.failed += other.failed
