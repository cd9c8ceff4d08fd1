"""The conflict resolver: bias and gamma together as one score. Pure; mirrored for both sides.

The reference scores gamma +70 or −70 by its environment alone. Dealers' gamma has no direction: it says whether dealers
lean against a move or drive it on, whichever way it goes. Scored by itself, it would lift every long and lower every
short while they are long of gamma, and the other way round: a volatility regime would be taken for a trend. Here it
speaks for or against what the bias says: a bias and its mirror image come out as mirror images.
"""

from datetime import timedelta

from bias.enums import GammaEnvironment

BIAS_WEIGHT, GAMMA_WEIGHT = 0.7, 0.3
GAMMA_SCORES = {GammaEnvironment.POSITIVE: -70.0, GammaEnvironment.NEGATIVE: 70.0, GammaEnvironment.NEUTRAL: 0.0}
# told gamma is of the prices it was worked out at: after an hour, and so in every other session, it no longer counts
GAMMA_MAX_AGE = timedelta(hours=1)  # an older one gives way to what the chain of now says


def gamma_score(bias_score: float, environment: GammaEnvironment | None) -> float:
    """Return what gamma adds to a bias, −70, 0 or 70: against its side where POSITIVE, towards it where NEGATIVE.

    It is 0 without gamma, and of a bias that leans to no side.
    """
    if environment is None or bias_score == 0:
        return 0.0
    score = GAMMA_SCORES[environment]
    return score if bias_score > 0 else 0.0 - score  # so written, no zero is negative


def resolved_score(bias_score: float, environment: GammaEnvironment | None) -> float:
    """Return 0.7 × the bias score + 0.3 × the gamma score to two decimals; without gamma the bias score unchanged.

    A POSITIVE environment outweighs a bias of less than 30 points: the resolved score then has the other sign, which
    says that dealers hold the move back and not that the market leans the other way.
    """
    if environment is None:
        return bias_score
    return round(BIAS_WEIGHT * bias_score + GAMMA_WEIGHT * gamma_score(bias_score, environment), 2) + 0.0
