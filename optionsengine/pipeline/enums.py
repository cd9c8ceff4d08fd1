"""Vocabulary of the pipeline."""

from enum import StrEnum


class Stage(StrEnum):
    """The stages in the order in which one pass runs them."""

    INBOX = "inbox"
    DECIDE = "decide"
    ORDERS = "orders"
    ENTRIES = "entries"
    REFRESH = "refresh"
    EXITS = "exits"
    EXIT_ORDERS = "exit_orders"


class PipelineCode(StrEnum):
    """Reasons the pipeline itself gives."""

    QUARANTINED = "QUARANTINED"
    NO_OPEN_POSITION = "NO_OPEN_POSITION"
    SHADOW_ONLY = "SHADOW_ONLY"
    SUPERSEDED = "SUPERSEDED"
    WAITING_FOR_ENTRY = "WAITING_FOR_ENTRY"
    APPROVED = "APPROVED"
    FILLED = "FILLED"
    EXIT_ORDERED = "EXIT_ORDERED"
    REJECTED_BY_PERSON = "REJECTED_BY_PERSON"
    RUN_AGAIN = "RUN_AGAIN"
    ALREADY_ORDERED = "ALREADY_ORDERED"
    NOT_PENDING = "NOT_PENDING"
    AWAITING_APPROVAL = "AWAITING_APPROVAL"
    APPROVED_BY_PERSON = "APPROVED_BY_PERSON"
    APPROVAL_LAPSED = "APPROVAL_LAPSED"
    NOT_AWAITING = "NOT_AWAITING"
    REASON_REQUIRED = "REASON_REQUIRED"


class ReplayCode(StrEnum):
    """Why a stored request is not read again."""

    ALREADY_ACCEPTED = "ALREADY_ACCEPTED"
    NOT_AUTHENTICATED = "NOT_AUTHENTICATED"
    BODY_NOT_KEPT = "BODY_NOT_KEPT"
    IN_PROGRESS = "IN_PROGRESS"
    NO_SUCH_REQUEST = "NO_SUCH_REQUEST"
