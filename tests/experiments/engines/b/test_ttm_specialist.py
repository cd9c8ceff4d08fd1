"""The TTM specialist: momentum once the squeeze is off, and nothing where it is not known."""

import pytest

from experiments.engines.b.ttm_specialist import vote
from experiments.enums import VoteBias
from tests.experiments.engines.b.views import view
from tests.experiments.worlds import frame

UP, DOWN, FLAT = VoteBias.BULLISH, VoteBias.BEARISH, VoteBias.NEUTRAL


def cast(on, before, momentum):
    return vote(view(frames={"5m": frame(squeeze_on=on, squeeze_on_before=before, squeeze_momentum=momentum)}))


@pytest.mark.parametrize(
    ("on", "before", "momentum", "bias", "confidence"),
    [
        (False, False, 0.01, UP, 70),
        (False, False, -0.01, DOWN, 70),
        (False, False, 0.0, FLAT, 20),
        (False, True, 0.5, UP, 80),
        (False, True, -0.5, DOWN, 80),
        (False, None, 0.5, UP, 70),
        (True, False, 0.5, FLAT, 20),
        (True, True, -0.5, FLAT, 20),
    ],
)
def test_the_momentum_names_the_side_once_the_squeeze_is_off(on, before, momentum, bias, confidence):
    seen = cast(on, before, momentum)

    assert (seen.bias, seen.confidence, seen.is_abstaining) == (bias, confidence, False)


@pytest.mark.parametrize(("on", "momentum"), [(None, 0.5), (False, None), (True, None), (None, None)])
def test_d15_a_squeeze_that_is_not_known_is_not_off(on, momentum):
    assert cast(on, True, momentum).is_abstaining


def test_it_abstains_without_bars():
    assert vote(view(frames={})).is_abstaining
