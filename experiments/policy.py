"""Which engine's decision is carried out. Pure."""

from experiments.enums import ExecutionMode
from optionsengine.core.enums import Engine

PRIMARY = {Engine.A: ExecutionMode.ENGINE_A_PRIMARY, Engine.B: ExecutionMode.ENGINE_B_PRIMARY}


def execution_mode(app_mode: str, variant: Engine) -> ExecutionMode:
    """Return who trades: on paper the variant's engine; with `APP_MODE=LIVE` nobody, since no live broker is set up."""
    return PRIMARY[variant] if app_mode == "PAPER" else ExecutionMode.SHADOW_ONLY


def is_shadow(engine: Engine, mode: ExecutionMode) -> bool:
    """Tell whether `engine`'s decision is only followed, not carried out."""
    return PRIMARY[engine] != mode
