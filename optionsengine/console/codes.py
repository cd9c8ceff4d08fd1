"""What every code of a "no" means and what to do about it, for the table in the README.

The words stand here and not on the enums, because only people read them; a test sees that no member is without.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from experiments.enums import GateCode
from optionsengine.pipeline.enums import PipelineCode, ReplayCode
from orders.enums import OrderCode
from positions.enums import PositionCode
from signals.enums import IntakeCode

_LIMITS = "Tried again every 60 s; room comes with a closed position, or raise it under Risk limits in the admin."
_DAY_LIMITS = "Tried again every 60 s; it ends with the day, or raise it under Risk limits in the admin."
_DATA = "Tried again every 60 s; if it stays, look at MARKET_DATA_PROVIDERS."
_VOTE = "Nothing; the votes and their reasons are on the signal's page."


Rows = Mapping[StrEnum, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class CodeTable:
    """The codes of one enum: each with its meaning and what to do."""

    title: str
    where: str
    rows: Rows


INTAKE: Rows = {
    IntakeCode.NOT_FOUND: ("Nothing is at this address.", "Look for a typing error in the URL."),
    IntakeCode.METHOD_NOT_ALLOWED: (
        "The webhook was called with something else than POST.",
        "Send the alert with POST.",
    ),
    IntakeCode.PAYLOAD_TOO_LARGE: ("The body is over 128 KiB.", "Send less."),
    IntakeCode.UNAUTHORIZED: (
        "No source knows this signature or token; every cause gets this one answer.",
        "Compare secret, signed bytes, path and allowed addresses with the source in the admin.",
    ),
    IntakeCode.THROTTLED: (
        "More than 60 failed authentications in a minute from this address.",
        "Mend the signature; wait.",
    ),
    IntakeCode.INVALID_JSON: (
        "No one strict JSON object: duplicate keys, NaN, over-long numbers, NUL, bad UTF-8, too deep, too many values.",
        "Send plain JSON; the raw bytes are kept under Requests in the admin.",
    ),
    IntakeCode.INVALID_FIELD: ("A field has the wrong type or lies outside its bounds.", "Mend what `details` lists."),
    IntakeCode.MISSING_SYMBOL: ("No field names a symbol.", "Send `symbol`."),
    IntakeCode.INVALID_SYMBOL: (
        "Not an American stock or fund.",
        "Send one like SPY or BRK.B; no crypto, forex or futures.",
    ),
    IntakeCode.DELAYED_FEED: ("The chart's feed is delayed.", "Use real-time data, or set ALLOW_DELAYED_FEED=true."),
    IntakeCode.MISSING_TIMEFRAME: ("An entry without the length of its bar.", "Send `timeframe`, for example 5m."),
    IntakeCode.INVALID_TIMEFRAME: (
        "The timeframe cannot be read, or is longer than a year.",
        "Send 30s, 5m, 1h, 1d, 1w or 1M.",
    ),
    IntakeCode.MISSING_DIRECTION: ("An entry that says nothing of its side.", "Send `direction`: long or short."),
    IntakeCode.CONFLICTING_DIRECTION: (
        "direction, side, signal.type and an option's own type contradict each other.",
        "Send one of them.",
    ),
    IntakeCode.STALE_TIMESTAMP: (
        "The bar ended longer ago than SIGNAL_MAX_AGE_SECONDS, or lies over 5 minutes in the future.",
        "Send alerts as they fire; check the sender's clock.",
    ),
    IntakeCode.NOT_ACTIONABLE: (
        "Understood, but it names no side that can be traded, or cancels.",
        "Nothing; answered 200 as IGNORED.",
    ),
    IntakeCode.OUT_OF_ORDER: ("A bias event older than the one that is known.", "Nothing; answered 200."),
    IntakeCode.SUPERSEDED: (
        "The entry came before an exit of its sender and symbol that has been seen already.",
        "Nothing; look for what delayed the entry if it happens often.",
    ),
    IntakeCode.UNAVAILABLE: ("The database is away and the alert was not stored.", "Send it again."),
    IntakeCode.INTERNAL_ERROR: ("The engine itself failed.", "Read the request's trace under Requests in the admin."),
}

GATES: Rows = {
    GateCode.TRADING_REDUCING: (
        "The trading state lets nothing new in.",
        "Set it to ACTIVE under Trading state, then run the signal again.",
    ),
    GateCode.TRADING_HALTED: (
        "A person has halted the engine.",
        "Set it to ACTIVE under Trading state, then run the signal again.",
    ),
    GateCode.SIGNAL_TOO_OLD: (
        "It waited longer than SIGNAL_MAX_AGE_SECONDS past its bar's end.",
        "See what deferred it.",
    ),
    GateCode.MARKET_CLOSED: (
        "Outside the regular session. Bars of a day or longer wait for the open, shorter ones are refused.",
        "Send intraday alerts in the session.",
    ),
    GateCode.MARKET_DATA_UNAVAILABLE: ("No usable quote, bars or option chain.", _DATA),
    GateCode.MARKET_DATA_STALE: ("The quote is older than QUOTE_MAX_AGE_SECONDS.", _DATA),
    GateCode.DAILY_LOSS_LIMIT: ("The day's loss has reached the limit.", _DAY_LIMITS),
    GateCode.DAILY_TRADES_LIMIT: ("The day's entries have reached the limit.", _DAY_LIMITS),
    GateCode.MAX_OPEN_POSITIONS: ("As many positions are open or being opened as allowed.", _LIMITS),
    GateCode.MAX_POSITIONS_PER_SYMBOL: ("As many of this symbol as allowed.", _LIMITS),
    GateCode.MAX_EXPOSURE_DOLLARS: ("The premium at stake has reached the limit in dollars.", _LIMITS),
    GateCode.MAX_EXPOSURE_PERCENT: ("The premium at stake has reached the limit in percent of equity.", _LIMITS),
    GateCode.MAX_OPEN_RISK: ("What would be lost at every stop has reached the limit.", _LIMITS),
    GateCode.VIX_TOO_HIGH: (
        "The context tells a VIX at or above MAX_VIX_FOR_ENTRY.",
        "Nothing; a context counts for five minutes.",
    ),
    GateCode.MARKET_BIAS_AGAINST: ("The context tells a market that goes against the signal.", "Nothing."),
    GateCode.BIAS_MISSING: (
        "REQUIRE_MTF_BIAS_FOR_ENTRY is on and the symbol has no bias.",
        "Tried again every 60 s; send a bias event.",
    ),
    GateCode.BIAS_STALE: (
        "Bias is required and the newest is too old.",
        "Tried again every 60 s; send a newer bias event.",
    ),
    GateCode.BIAS_SUPPRESSED: (
        "The bias speaks against this side.",
        "Nothing; the bias and its reasons are on the page.",
    ),
    GateCode.MAX_SAME_DIRECTION: (
        "Two positions of this symbol and side are open or being opened: the portfolio guard's own limit.",
        "Close one; the guard keeps two whatever the Risk limits row allows. ENABLE_PORTFOLIO_GUARD=false ends it.",
    ),
    GateCode.MACRO_BIAS_CLUSTER: (
        "Three positions stand against the macro bias, and this would be another.",
        "Nothing; trades with the macro bias pass.",
    ),
    GateCode.RANGE_BREAKOUT_BLOCKED: ("A breakout in a choppy range.", "Nothing."),
    GateCode.DRAWDOWN_BREAKER: (
        "The day has lost too much of its equity; entries pause for 30 minutes.",
        "Wait, or raise max drawdown under Risk limits.",
    ),
    GateCode.GREEKS_LIMIT: (
        "The book's delta, gamma or vega in dollars has reached its limit, and this would add to it.",
        "Close something, or raise it under Risk limits.",
    ),
    GateCode.DTE_CONCENTRATION: (
        "Too much of the book would expire together: three positions within five days, or over 60 percent of the open "
        "positions allowed in one bucket of days (to 7, 30, 90, beyond).",
        "Nothing; close something.",
    ),
    GateCode.NO_TRADE_HINT: ("The bias advises not to trade.", "Nothing."),
    GateCode.BREAKOUT_WITHOUT_SPACE: ("A breakout with little room to the next level on its way.", "Nothing."),
    GateCode.NO_TRIGGER_CONFIRMATION: ("The bias says that its trigger has not fired.", "Nothing."),
    GateCode.LIQUIDITY_TRAP_CONTINUATION: ("A swept level on the signal's way was not reclaimed.", "Nothing."),
    GateCode.RANGE_NOT_MEAN_REVERT: ("The market ranges and the bias does not tell to revert to the mean.", "Nothing."),
    GateCode.CONFLUENCE_BELOW_THRESHOLD: (
        "Flow, trend and dealers' gamma together speak too weakly for the signal.",
        "See CONFLUENCE_MIN_THRESHOLD; ENABLE_CONFLUENCE_GATE=false leaves it to the size: smaller, and below 45 none "
        "(ZERO_SIZE).",
    ),
    GateCode.LOW_SIGNAL_CONFIDENCE: (
        "The alert's confidence is below what its setup needs: 65 under 30 minutes, 60 to a day, 55 to a month, 50.",
        "Send `confidence` 0 to 100; without one 70 is taken.",
    ),
    GateCode.REGIME_CONFLICT: ("The signal looks against the trend the bias tells.", "Nothing."),
    GateCode.VOLATILITY_MISMATCH: ("The IV percentile is outside the setup's band.", "Nothing."),
    GateCode.UNSAFE_LIQUIDITY: (
        "The contract to buy trades too thinly for the setup.",
        "Nothing; an alert that names a strike should name one that trades.",
    ),
    GateCode.CONFIRMATION_PENDING: ("The sender says that it will confirm.", "Tried again every 60 s."),
    GateCode.UNFAVORABLE_TIMING: (
        "The first or last 15 minutes of the session, or a scalp at lunch.",
        "Tried again every 60 s until the signal is too old.",
    ),
    GateCode.GEX_RESISTANCE: (
        "Dealers long of much gamma hold the price at the wall that is next on its way.",
        "Tried again every 60 s until the signal is too old.",
    ),
    GateCode.QUORUM_NOT_MET: ("Fewer than three agents see a direction.", _VOTE),
    GateCode.NO_CORE_AGENT: ("No core agent sees a direction.", _VOTE),
    GateCode.DIRECTIONAL_TIE: ("The agents are evenly split.", _VOTE),
    GateCode.LOW_CONFIDENCE: ("The agents' confidence is below what the regime asks.", _VOTE),
    GateCode.LOW_CONSENSUS: ("The agents' winner leads by less than 20 percent.", _VOTE),
    GateCode.AGENT_BLOCKED: ("An agent objects outright.", _VOTE),
    GateCode.DIRECTION_MISMATCH: ("The agents' winner is the other side.", _VOTE),
    GateCode.NO_VALID_CONTRACT: ("No listed contract fits; the gate says what each filter removed.", "Nothing."),
    GateCode.ZERO_SIZE: (
        "The risk budget, or the room left under a limit, does not pay for one contract.",
        "See the size's caps on the page; RISK_PER_TRADE_PERCENT sets the budget.",
    ),
}

ORDERS: Rows = {
    OrderCode.MARKET_CLOSED: ("Waits for the session.", "Nothing."),
    OrderCode.NO_QUOTE: (
        "Waits: the provider has no quote for the contract.",
        "An exit that waits also raises an alert.",
    ),
    OrderCode.QUOTE_UNUSABLE: (
        "Waits: the quote is crossed, one-sided, zero, stale or shows no size.",
        "An exit that waits also raises an alert.",
    ),
    OrderCode.LIMIT_NOT_REACHED: ("Waits at its limit.", "Nothing; it expires after the plan's longest wait."),
    OrderCode.ENTRY_EXPIRED: ("An entry's time was over before it filled.", "Nothing; a new alert may follow."),
    OrderCode.TRADING_STATE: ("Cancelled because the engine is REDUCING.", "Nothing."),
    OrderCode.QUARANTINED: (
        "No worker finished it in five attempts.",
        "Read the workers' log; an alert says which order.",
    ),
    OrderCode.NEVER_RECEIVED: (
        "A worker died before the broker had it; it is sent again under the same id.",
        "Nothing.",
    ),
    OrderCode.CONTRACT_EXPIRED: ("The contract expired before this exit filled.", "Nothing; the position was settled."),
    OrderCode.ALREADY_ORDERED: ("An earlier round's entry works or was filled.", "Nothing; it is never bought twice."),
    OrderCode.SHADOW_OFF: (
        "The other engine's entry is not followed: its flag is off.",
        "Switch enable_shadow_execution on under Feature flags in the admin.",
    ),
    OrderCode.FLATTENED: ("A person closed everything, and the entry was cancelled.", "Nothing."),
    OrderCode.BROKER_NOT_CONFIGURED: ("There is no live broker in this version.", "Set APP_MODE=PAPER."),
    OrderCode.NOT_APPROVED: ("Only an approved recommendation becomes an order.", "Run the signal again."),
    OrderCode.TRANSITION_NOT_ALLOWED: (
        "The order is in another status than this needs.",
        "Reload, and look at its changes.",
    ),
}

PIPELINE: Rows = {
    PipelineCode.QUARANTINED: (
        "No worker finished the signal in five attempts.",
        "Read the workers' log, then run it again from its page or reject it.",
    ),
    PipelineCode.NO_OPEN_POSITION: ("An exit found nothing to close within EXIT_WAIT_SECONDS.", "Nothing."),
    PipelineCode.SHADOW_ONLY: (
        "Approved, and followed in shadow only: APP_MODE is LIVE.",
        "Set APP_MODE=PAPER to trade.",
    ),
    PipelineCode.SUPERSEDED: ("An exit came before this entry was decided or filled.", "Nothing."),
    PipelineCode.WAITING_FOR_ENTRY: (
        "An exit waits for an entry that is being filled, or for an older request that is not read yet.",
        "Nothing; tried again every 10 s.",
    ),
    PipelineCode.APPROVED: ("Not a refusal: the decision bought.", "Nothing."),
    PipelineCode.FILLED: ("Not a refusal: the entry filled.", "Nothing."),
    PipelineCode.EXIT_ORDERED: ("Not a refusal: the exit signal closes what was open.", "Nothing."),
    PipelineCode.REJECTED_BY_PERSON: ("Rejected on its page by the person named beside it.", "Run it again to undo."),
    PipelineCode.RUN_AGAIN: ("Not a refusal: a person has it decided again.", "Nothing."),
    PipelineCode.ALREADY_ORDERED: ("Its order was made already, so it cannot run again.", "Send a new alert."),
    PipelineCode.NOT_PENDING: ("The signal's status does not allow this.", "Reload its page."),
    PipelineCode.AWAITING_APPROVAL: (
        "Not a refusal: it passed everything and waits for a person.",
        "Approve or reject it under Review in the admin, before its time is over.",
    ),
    PipelineCode.APPROVED_BY_PERSON: (
        "Not a refusal: the person named beside it approved, and it is decided again on fresh inputs.",
        "Nothing.",
    ),
    PipelineCode.APPROVAL_LAPSED: (
        "Nobody approved it within APPROVAL_TIMEOUT_SECONDS, or before it was too old.",
        "Run it again while it is fresh enough, or wait for the next alert.",
    ),
    PipelineCode.NOT_AWAITING: ("It does not wait for approval, or no longer.", "Reload; its page says how it ended."),
    PipelineCode.REASON_REQUIRED: ("What waits for approval is rejected with a reason only.", "Write why."),
}

POSITIONS: Rows = {
    PositionCode.POSITION_NOT_FOUND: ("There is no such position.", "Take the id from the list."),
    PositionCode.POSITION_CLOSED: ("It is closed already.", "Nothing."),
    PositionCode.EXIT_IN_PROGRESS: ("Its exit order is working.", "Wait for the fill."),
    PositionCode.TRANSITION_NOT_ALLOWED: ("Its status does not allow this.", "Reload, and look at its changes."),
}

REPLAYS: Rows = {
    ReplayCode.ALREADY_ACCEPTED: ("It had its effect, which comes only once.", "Nothing."),
    ReplayCode.NOT_AUTHENTICATED: (
        "Its sender was not known, so nothing of its body was kept.",
        "Mend the secret and have the alert sent again.",
    ),
    ReplayCode.BODY_NOT_KEPT: ("Its body is kept no longer.", "Have its sender send it again."),
    ReplayCode.IN_PROGRESS: ("Somebody else is having it read right now.", "Look again in a moment."),
    ReplayCode.NO_SUCH_REQUEST: ("No request has this id.", "Copy it from Requests in the admin."),
}

CODE_TABLES: tuple[CodeTable, ...] = (
    CodeTable("Requests", "the webhook's answer (`code` or `reason`) and Requests in the admin", INTAKE),
    CodeTable("Replays", "the answer to replaying a request from the admin or by `wal replay`", REPLAYS),
    CodeTable("Gates", "the gate ledger on a signal's page, and the signal's reason", GATES),
    CodeTable("Orders", "the reason of an order", ORDERS),
    CodeTable("Pipeline", "the reason of a signal or an order, or the answer to an action", PIPELINE),
    CodeTable("Positions", "the answer to closing a position by hand (HTTP 409)", POSITIONS),
)
