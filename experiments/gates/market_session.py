"""Is the market open? A signal of a day or longer waits for it, a shorter one is refused."""

from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import deferred, passed, refused
from experiments.setup_type import outlives_session


def judge(inputs: DecisionInputs) -> GateVerdict:
    session = inputs.session
    if session.is_open:
        return passed(Gate.MARKET_SESSION, value="open", threshold="open")
    opens = f"{session.next_open_at:%Y-%m-%d %H:%M} UTC"
    if outlives_session(inputs.signal.timeframe):
        return deferred(
            Gate.MARKET_SESSION,
            GateCode.MARKET_CLOSED,
            f"the market is closed; decided when it opens at {opens}",
            session.next_open_at,
            value="closed",
            threshold="open",
        )
    return refused(
        Gate.MARKET_SESSION,
        GateCode.MARKET_CLOSED,
        f"the market is closed until {opens} and a {inputs.signal.timeframe} signal does not last that long",
        value="closed",
        threshold="open",
    )
