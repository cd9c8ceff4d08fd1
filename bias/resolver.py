"""The conflict resolver: bias and gamma together as one score. Pure."""

from datetime import timedelta

from bias.enums import GammaEnvironment

BIAS_WEIGHT, GAMMA_WEIGHT = 0.7, 0.3
GAMMA_SCORES = {GammaEnvironment.POSITIVE: 70.0, GammaEnvironment.NEGATIVE: -70.0, GammaEnvironment.NEUTRAL: 0.0}
GAMMA_MAX_AGE = timedelta(hours=24)  # open interest changes overnight: a snapshot speaks until the next day's


def gamma_score(environment: GammaEnvironment) -> float:
    """Return the score of a gamma environment, −70, 0 or 70."""
    return GAMMA_SCORES[environment]


def resolved_score(bias_score: float, environment: GammaEnvironment | None) -> float:
    """Return 0.7 × the bias score + 0.3 × the gamma score to two decimals; without gamma the bias score unchanged."""
    if environment is None:
        return bias_score
    return round(BIAS_WEIGHT * bias_score + GAMMA_WEIGHT * gamma_score(environment), 2) + 0.0
