"""The gamma context body, frozen and validated: exposures in dollars per percent move, levels in dollars."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from signals.payload_types import Block, Level, Number, Text, null_or_number, number_of, whole_of, word_upper


class GammaPayload(Block):
    symbol: Text
    as_of_ts_ms: Annotated[int, BeforeValidator(whole_of), Field(gt=0)]
    net_gex: Number
    total_gex: Annotated[float, BeforeValidator(number_of), Field(ge=0)]
    gamma_environment: Annotated[Literal["POSITIVE", "NEGATIVE", "NEUTRAL"], BeforeValidator(word_upper)]
    gamma_magnitude: Annotated[Literal["LOW", "MEDIUM", "HIGH"], BeforeValidator(word_upper)]
    gamma_flip_level: Level
    distance_to_flip: Level
    call_wall: Level
    put_wall: Level
    wall_method: Annotated[Literal["PROVIDER", "DERIVED_GAMMA", "DERIVED_OI"] | None, BeforeValidator(word_upper)]
    zero_dte_gamma_ratio: Annotated[Annotated[float, Field(ge=0, le=1)] | None, BeforeValidator(null_or_number)]
    vol_regime_bias: Annotated[
        Literal["EXPANSION_LIKELY", "COMPRESSION_LIKELY", "NEUTRAL"], BeforeValidator(word_upper)
    ]
