"""Who trades, and who must be asked first."""

import pytest

from experiments.enums import ApprovalPolicy, ExecutionMode
from experiments.policy import approval_needed, execution_mode, is_shadow, real_engine
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


@pytest.mark.parametrize("variant", Engine)
def test_the_variants_engine_counts_unless_the_plain_processor_works(variant):
    assert real_engine(variant, is_orchestrated=True) == variant
    assert real_engine(variant, is_orchestrated=False) == Engine.A


@pytest.mark.parametrize(
    ("policy", "app_mode", "needed"),
    [
        (ApprovalPolicy.AUTO, "PAPER", False),
        (ApprovalPolicy.AUTO, "LIVE", False),
        (ApprovalPolicy.MANUAL, "PAPER", True),
        (ApprovalPolicy.MANUAL, "LIVE", True),
        (ApprovalPolicy.LIVE_ONLY, "PAPER", False),
        (ApprovalPolicy.LIVE_ONLY, "LIVE", True),
    ],
)
def test_a_person_is_asked_of_real_entries_only(policy, app_mode, needed):
    for mode in (ExecutionMode.ENGINE_A_PRIMARY, ExecutionMode.ENGINE_B_PRIMARY):
        assert approval_needed(policy, app_mode, mode) is needed
    assert not approval_needed(policy, app_mode, ExecutionMode.SHADOW_ONLY)
