"""What the pipeline hands to a decision: where a moment lies in the session, and the stop that will apply."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from experiments.models import DecisionRound
from experiments.replay import decision_replay
from optionsengine.market.providers.simulated import SimulatedProvider
from optionsengine.pipeline.decision_facts import session_facts
from optionsengine.pipeline.orchestrate import entries_decide
from positions.models import ExitRule
from tests import factories
from tests.drills.life import ENTRY_AT


def _new_york_winter(hour, minute):
    return datetime(2026, 2, 20, hour + 5, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("always_open", "at", "expected"),
    [
        (False, _new_york_winter(9, 29), (False, None, None)),
        (False, _new_york_winter(9, 30), (True, 0, 390)),
        (False, _new_york_winter(15, 59), (True, 389, 1)),
        (False, _new_york_winter(16, 0), (False, None, None)),
        (True, _new_york_winter(9, 29), (True, None, None)),
        (True, _new_york_winter(9, 30), (True, None, None)),
        (True, _new_york_winter(15, 59), (True, None, None)),
    ],
)
def test_an_always_open_market_has_no_minutes_near_an_open_or_a_close(settings, always_open, at, expected):
    settings.MARKET_DATA_PROVIDERS = ["simulated"]
    settings.SIMULATED_MARKET_ALWAYS_OPEN = always_open
    facts = session_facts(at)
    assert (facts.is_open, facts.minutes_from_open, facts.minutes_to_close) == expected


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rules", "frozen", "quantities"),
    [
        # $800 (a factor of 0.8 for what dealers' gamma says) over an ask of 6.41: $320.50 at a stop of 50 %, $641
        # without a stop, $163.46 at 25.5 %; engine B is sized, too, though its agents refuse
        ([], {"A": "50", "B": "50"}, {"A": 2, "B": 2}),
        ([("setup", "SWING", None)], {"A": "100", "B": "100"}, {"A": 1, "B": 1}),
        ([("engine", "B", None)], {"A": "50", "B": "100"}, {"A": 2, "B": 1}),
        ([("engine", "B", None), ("symbol", "AAPL", "25.50")], {"A": "25.5", "B": "25.5"}, {"A": 4, "B": 4}),
    ],
)
def test_an_edited_exit_rule_sizes_the_next_entry(settings, rules, frozen, quantities):
    settings.BIAS_SOURCE, settings.REQUIRE_MTF_BIAS_FOR_ENTRY = "webhook", False  # no state, so no factor of it
    for scope, target, stop in rules:
        loss = None if stop is None else Decimal(stop)
        ExitRule.objects.create(name=scope, scope=scope, target=target, stop_loss_percent=loss)
    signal = factories.signal(symbol="AAPL", side="short", timeframe="1h", confidence=85, created_at=ENTRY_AT)
    factories.experiment(signal=signal)

    report = entries_decide(provider=SimulatedProvider(seed=1, always_open=False), at=ENTRY_AT)

    assert (report.claimed, report.done) == (1, 1)
    stored = DecisionRound.objects.get()
    assert stored.inputs["stop_loss_percent"] == frozen
    sizes = stored.recommendations.values_list("engine", "explanation__size__quantity")
    assert dict(sizes) == quantities
    assert decision_replay(stored).differences == []
