"""Whatever a body holds, it is read or refused: nothing else comes out of an adapter."""

import copy

from hypothesis import given, settings
from hypothesis import strategies as st

from signals.data import IntakeRejected
from tests.signals.adapters.bodies import WHOLE, read

WORDS = [
    "",
    " ",
    "long",
    "SHORT",
    "flat",
    "close",
    "sell",
    "CALL",
    "p",
    "{{close}}",
    "NaN",
    "1e3",
    "5m",
    "1M",
    "260220",
]
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**49), 10**49),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(WORDS),
    st.text(max_size=12),
    st.builds(list),
    st.lists(st.sampled_from(WORDS), max_size=2),
    st.dictionaries(st.sampled_from(["type", "side", "engine", "chart_tf", "phase_name", "x"]), st.sampled_from(WORDS)),
)
NAMES = sorted({name for body, _ in WHOLE.values() for name in body} | {"side", "direction", "expiry", "pnl", "symbol"})


def _places(value, path=()):
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key)
            yield from _places(item, (*path, key))


@st.composite
def _mutated(draw):
    body, path = draw(st.sampled_from(sorted(WHOLE.items())))[1]
    body = copy.deepcopy(body)
    for _ in range(draw(st.integers(1, 4))):
        places = sorted(_places(body))
        if not places:
            break
        *parents, last = draw(st.sampled_from(places))
        place = body
        for part in parents:
            place = place[part]
        if draw(st.booleans()):
            place[last] = draw(VALUES)
        else:
            place.pop(last)
    body.update(draw(st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=2)))
    return body, path


@settings(max_examples=400, deadline=None)
@given(_mutated())
def test_a_mutated_body_is_read_or_refused(case):
    body, path = case
    before = copy.deepcopy(body)
    refusal = _refusal(body, path)
    assert refusal is None or refusal.message
    assert refusal is None or all(detail["field"] and detail["message"] for detail in refusal.details)
    assert body == before


def _refusal(body, path):
    try:
        read(body, path)
    except IntakeRejected as refusal:
        return refusal
    return None
