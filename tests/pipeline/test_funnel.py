"""The funnel counts the gate that decided for the engine whose word counted."""

import pytest

from optionsengine.pipeline.funnel import funnel_get
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("mode", "variant", "counted"),
    [
        ("ENGINE_A_PRIMARY", "A", "size: A_SAYS_NO"),
        ("ENGINE_B_PRIMARY", "B", "size: B_SAYS_NO"),
        ("ENGINE_A_PRIMARY", "B", "size: A_SAYS_NO"),  # without the orchestrator
        ("SHADOW_ONLY", "B", "size: B_SAYS_NO"),
    ],
)
def test_the_deciding_gate_is_the_real_engines(mode, variant, counted):
    decided = factories.decision_round(
        experiment=factories.experiment(variant=variant), execution_mode=mode, outcome="refused", code="X"
    )
    for engine in ("A", "B"):
        factories.gate_result(decision=decided, gate="size", engine=engine, outcome="refuse", code=f"{engine}_SAYS_NO")
    assert funnel_get().gates["refused"] == {counted: 1}
