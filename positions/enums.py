"""Vocabulary of positions and exits, with the allowed status changes."""

from enum import StrEnum

from django.db.models import TextChoices


class PositionStatus(TextChoices):
    OPEN = "open"
    CLOSING = "closing"
    CLOSED = "closed"


POSITION_TRANSITIONS: dict[PositionStatus, frozenset[PositionStatus]] = {
    PositionStatus.OPEN: frozenset({PositionStatus.CLOSING, PositionStatus.CLOSED}),
    # an exit order that ends without closing everything gives the position back to its rules
    PositionStatus.CLOSING: frozenset({PositionStatus.OPEN, PositionStatus.CLOSED}),
    PositionStatus.CLOSED: frozenset(),
}


class ExitReason(TextChoices):
    """Every exit rule of this slice, in the order of precedence: the first hit decides."""

    EXPIRED = "EXPIRED"
    FLATTEN = "FLATTEN", "everything closed by a person"
    EXIT_SIGNAL = "EXIT_SIGNAL"
    MANUAL = "MANUAL", "closed by a person"
    MIN_DTE = "MIN_DTE"
    STOP_LOSS = "STOP_LOSS"
    TRAILING_STOP = "TRAILING_STOP"
    PROFIT_TARGET = "PROFIT_TARGET"
    MAX_HOLD = "MAX_HOLD"


# a person's own acts: no trading state holds them back
BY_PERSON = (ExitReason.FLATTEN, ExitReason.MANUAL)


class AlertPriority(TextChoices):
    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"


class ExitAction(TextChoices):
    """What a hit of an exit rule does."""

    CLOSE = "close"
    ALERT = "alert", "alert only"


class RecommendedAction(TextChoices):
    CLOSE_POSITION_IMMEDIATELY = "CLOSE_POSITION_IMMEDIATELY"
    CLOSE_POSITION = "CLOSE_POSITION"
    REVIEW = "REVIEW"


class AlertUrgency(TextChoices):
    IMMEDIATE = "IMMEDIATE"
    HIGH = "HIGH"
    NORMAL = "NORMAL"


class RuleScope(TextChoices):
    """What an exit rule speaks for; the most specific enabled rule wins."""

    GLOBAL = "global"
    ENGINE = "engine"
    SETUP = "setup"
    SYMBOL = "symbol"
    POSITION = "position"


class PositionCode(StrEnum):
    """Why a position could not be changed as asked."""

    POSITION_NOT_FOUND = "POSITION_NOT_FOUND"
    POSITION_CLOSED = "POSITION_CLOSED"
    EXIT_IN_PROGRESS = "EXIT_IN_PROGRESS"
    TRANSITION_NOT_ALLOWED = "TRANSITION_NOT_ALLOWED"
