"""Which engine's decision is carried out, and whether a person must say yes first. Pure."""

from experiments.enums import ApprovalPolicy, ExecutionMode
from optionsengine.core.enums import Engine

PRIMARY = {Engine.A: ExecutionMode.ENGINE_A_PRIMARY, Engine.B: ExecutionMode.ENGINE_B_PRIMARY}


def real_engine(variant: Engine, *, is_orchestrated: bool) -> Engine:
    """Return whose decision counts: the variant's; engine A's while the plain signal processor works."""
    return variant if is_orchestrated else Engine.A


def execution_mode(app_mode: str, engine: Engine) -> ExecutionMode:
    """Return who trades: on paper `engine`; with `APP_MODE=LIVE` nobody, since no live broker is set up."""
    return PRIMARY[engine] if app_mode == "PAPER" else ExecutionMode.SHADOW_ONLY


def is_shadow(engine: Engine, mode: ExecutionMode) -> bool:
    """Tell whether `engine`'s decision is only followed, not carried out."""
    return PRIMARY[engine] != mode


def approval_needed(policy: ApprovalPolicy, app_mode: str, mode: ExecutionMode) -> bool:
    """Tell whether an entry that passed everything waits for a person; what is followed in shadow only asks nobody."""
    if mode == ExecutionMode.SHADOW_ONLY:
        return False
    return policy == ApprovalPolicy.MANUAL or (policy == ApprovalPolicy.LIVE_ONLY and app_mode == "LIVE")
