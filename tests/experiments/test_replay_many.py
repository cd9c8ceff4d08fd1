"""A thousand stored decisions, every kind of them: none differs, and the command that says so."""

import io
import json
from collections import Counter, defaultdict

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from experiments.decide import decide
from experiments.enums import Gate, GateOutcome
from experiments.models import ConfigVersion, DecisionRound, GateResult
from experiments.rows import decided
from experiments.services import decisions_record
from optionsengine.core.enums import Engine, Side
from tests.experiments.random_worlds import TROUBLES, random_world
from tests.experiments.worlds import AT
from tests.factories import experiment, signal

pytestmark = pytest.mark.django_db
MANY = 1000
GROUP = 50
# a gate that cannot refuse or defer has no such verdict; every other pair must have been seen
STOPS = {
    (Gate.TRADING_STATE, GateOutcome.REFUSE),
    (Gate.SIGNAL_AGE, GateOutcome.REFUSE),
    (Gate.MARKET_SESSION, GateOutcome.REFUSE),
    (Gate.MARKET_SESSION, GateOutcome.DEFER),
    (Gate.MARKET_DATA, GateOutcome.DEFER),
    (Gate.RISK_LIMITS, GateOutcome.DEFER),
    (Gate.MARKET_CONTEXT, GateOutcome.REFUSE),
    (Gate.BIAS, GateOutcome.REFUSE),
    (Gate.BIAS, GateOutcome.DEFER),
    (Gate.PORTFOLIO_GUARD, GateOutcome.REFUSE),
    (Gate.PORTFOLIO_BREAKERS, GateOutcome.REFUSE),
    (Gate.SETUP, GateOutcome.REFUSE),
    (Gate.CONFLUENCE, GateOutcome.REFUSE),
    (Gate.ENGINE, GateOutcome.REFUSE),
    (Gate.ENGINE, GateOutcome.DEFER),
    (Gate.CONTRACT, GateOutcome.REFUSE),
    (Gate.SIZE, GateOutcome.REFUSE),
}


def record_many(many):
    """Record worlds 0 to `many` in groups, as the engine does, as rounds of few experiments."""
    pools = defaultdict(list)
    with transaction.atomic():
        for first in range(0, many, GROUP):
            taken, made = Counter(), []
            for number in range(first, min(first + GROUP, many)):
                inputs = random_world(number)
                which = inputs.signal.side, inputs.variant
                if taken[which] == len(pools[which]):
                    pools[which].append(experiment(signal=signal(side=which[0]), variant=which[1]))
                made.append((pools[which][taken[which]], decided(inputs, decide(inputs))))
                taken[which] += 1
            decisions_record(made, at=AT)


def replayed(*arguments):
    out = io.StringIO()
    call_command("replay_decision", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


def test_of_a_thousand_decisions_none_differs():
    record_many(MANY)

    assert replayed("--all") == {"replayed": MANY, "differing": 0, "differences": {}}

    outcomes = Counter(DecisionRound.objects.values_list("outcome", flat=True))
    assert min(outcomes[name] for name in ("approved", "deferred", "refused")) > MANY // 10
    seen = set(GateResult.objects.values_list("gate", "outcome"))
    assert seen >= {(gate.value, outcome.value) for gate, outcome in STOPS}
    assert seen >= {(gate.value, GateOutcome.PASS.value) for gate in Gate}
    assert set(DecisionRound.objects.values_list("experiment__signal__side", "experiment__variant")) == {
        (side.value, engine.value) for side in Side for engine in Engine
    }
    setups = set(DecisionRound.objects.values_list("recommendations__setup_type", flat=True))
    assert setups == {"SCALP_GUARDED", "SWING", "POSITION", "LEAPS"}
    assert ConfigVersion.objects.count() > 100


def test_reading_them_costs_a_few_queries_a_hundred():
    record_many(120)
    with CaptureQueriesContext(connection) as caught:
        assert replayed("--all")["replayed"] == 120
    assert len(caught) <= 1 + 2 + 2 * 3 + 4  # the count, the cursor and its savepoints, and three tables a hundred


def test_the_worlds_are_varied():
    assert len(TROUBLES) >= 35
