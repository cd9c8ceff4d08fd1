"""Is the signal still news? Its age counts from the end of its bar."""

from experiments.data import DecisionInputs, GateVerdict
from experiments.enums import Gate, GateCode
from experiments.gates.verdicts import passed, refused


def judge(inputs: DecisionInputs) -> GateVerdict:
    age, limit = inputs.signal_age_seconds, inputs.config.signal_max_age_seconds
    if age <= limit:
        return passed(Gate.SIGNAL_AGE, value=f"{age} s", threshold=f"{limit} s")
    return refused(
        Gate.SIGNAL_AGE,
        GateCode.SIGNAL_TOO_OLD,
        f"the signal's bar ended {age} s ago, the limit is {limit} s; wait for the next alert",
        value=f"{age} s",
        threshold=f"{limit} s",
    )
