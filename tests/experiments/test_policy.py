"""Who trades."""

import pytest

from experiments.enums import ExecutionMode
from experiments.policy import execution_mode, is_shadow
from optionsengine.core.enums import Engine


@pytest.mark.parametrize(
    ("mode", "variant", "expected"),
    [
        ("PAPER", Engine.A, ExecutionMode.ENGINE_A_PRIMARY),
        ("PAPER", Engine.B, ExecutionMode.ENGINE_B_PRIMARY),
        ("LIVE", Engine.A, ExecutionMode.SHADOW_ONLY),
        ("LIVE", Engine.B, ExecutionMode.SHADOW_ONLY),
    ],
)
def test_the_variants_engine_trades_on_paper_and_nobody_live(mode, variant, expected):
    assert execution_mode(mode, variant) == expected


@pytest.mark.parametrize(
    ("mode", "shadows"),
    [
        (ExecutionMode.ENGINE_A_PRIMARY, {Engine.B}),
        (ExecutionMode.ENGINE_B_PRIMARY, {Engine.A}),
        (ExecutionMode.SHADOW_ONLY, {Engine.A, Engine.B}),
    ],
)
def test_who_does_not_trade_is_a_shadow(mode, shadows):
    assert {engine for engine in Engine if is_shadow(engine, mode)} == shadows
