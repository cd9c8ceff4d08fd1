"""Enums more than one app speaks."""

from django.db.models import TextChoices


class Side(TextChoices):
    """What the signal expects of the underlying; both sides buy options."""

    LONG = "long"
    SHORT = "short"

    @property
    def opposite(self) -> "Side":
        return Side.SHORT if self == Side.LONG else Side.LONG


class Right(TextChoices):
    CALL = "C", "call"
    PUT = "P", "put"


class Intent(TextChoices):
    ENTRY = "entry"
    EXIT = "exit"


class Engine(TextChoices):
    A = "A"
    B = "B"

    @property
    def other(self) -> "Engine":
        return Engine.B if self == Engine.A else Engine.A


class Mode(TextChoices):
    """Where an order goes. Limits, exposure and statistics count `paper` and `live` only."""

    PAPER = "paper"
    LIVE = "live"
    SHADOW = "shadow"

    @classmethod
    def real(cls) -> tuple["Mode", ...]:
        return (cls.PAPER, cls.LIVE)
