"""`replay_decision`: what it compares, what it tries out, and how it refuses."""

import io
import json
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from experiments.decide import decide
from experiments.engines.b.registry import AGENT_NAMES
from experiments.models import DecisionRound, GateResult
from experiments.services import decision_record
from optionsengine.core.enums import Engine
from optionsengine.pipeline.management.commands.replay_decision import SHOWN
from tests import factories
from tests.experiments.worlds import AT, EXPOSURE, exposure, world

pytestmark = pytest.mark.django_db


def record(inputs, *, symbol="SPY", at=AT):
    assigned = factories.experiment(
        signal=factories.signal(symbol=symbol, side=inputs.signal.side), variant=inputs.variant
    )
    with transaction.atomic():
        return decision_record(experiment=assigned, inputs=inputs, decision=decide(inputs), at=at)


def run(*arguments):
    out = io.StringIO()
    call_command("replay_decision", *map(str, arguments), stdout=out)
    return out.getvalue()


def run_json(*arguments):
    return json.loads(run(*arguments, "--json"))


def refused(*arguments):
    before = list(DecisionRound.objects.order_by("pk").values())
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert list(DecisionRound.objects.order_by("pk").values()) == before
    return str(caught.value)


@pytest.fixture
def three():
    """Two of SPY, engine A's and B's, and a later one of QQQ with two open positions."""
    return (
        record(world()),
        record(world(variant=Engine.B), at=AT + timedelta(minutes=1)),
        record(world(exposure=exposure(open_positions=2)), symbol="QQQ", at=AT + timedelta(minutes=2)),
    )


def test_it_says_that_all_are_the_same(three):
    assert run("--all") == "Clean: 3 decisions replayed, each the same to the byte.\n"
    assert run_json("--all") == {"replayed": 3, "differing": 0, "differences": {}}


def test_it_fails_when_one_differs(three, capsys):
    GateResult.objects.filter(decision=three[1], gate="bias").update(message="forged")
    assert refused("--all") == "1 of 3 decisions differ"
    assert str(three[1].pk) in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "chosen"),
    [
        (("--all",), (0, 1, 2)),
        (("--symbol", "qqq"), (2,)),
        (("--since", (AT + timedelta(minutes=1)).isoformat()), (1, 2)),
        (("--since", "2026-02-17T16:02"), (2,)),
        (("--limit", 2), (1, 2)),
        (("--limit", 9), (0, 1, 2)),
        (("--symbol", "SPY", "--limit", 1), (1,)),
    ],
)
def test_it_chooses(three, arguments, chosen):
    for number, stored in enumerate(three):
        GateResult.objects.filter(decision=stored, gate="bias").update(message=f"forged {number}")
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("replay_decision", *map(str, arguments), "--json", stdout=out)
    assert set(json.loads(out.getvalue())["differences"]) == {str(three[number].pk) for number in chosen}


def test_one_is_found_by_its_own_id_and_by_its_signals(three):
    assert run_json(three[0].pk)["replayed"] == 1
    assert run_json(three[0].experiment.signal_id)["replayed"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "give one ID, or which decisions"),
        (("019c0000-0000-7000-8000-000000000000", "--all"), "give either one ID or which"),
        (("019c0000-0000-7000-8000-000000000000",), "no decision found"),
        (("--symbol", "XYZ"), "no decision found"),
        (("--all", "--since", "yesterday"), "write it like 2026-03-10T14:30"),
        (("--all", "--limit", "0"), "give a whole number from 1"),
        (("--all", "--with", "MAX_CONTRACTS_PER_TRADE"), "give KEY=VALUE"),
        (("--all", "--with", "=3"), "give KEY=VALUE"),
        (("--all", "--with", "MAX_VIX_FOR_ENTRY=20", "--with", "max_vix_for_entry=30"), "given twice"),
        (("--all", "--with", "MAX_CONTRACTS_PER_TRADE=0"), "must be a whole number from 1 to 1000; it is '0'"),
        (("--all", "--with", "MAX_CONTRACT=3"), "did you mean MAX_CONTRACTS_PER_TRADE"),
        (("--all", "--with", "QUOTE_MAX_AGE_SECONDS=60"), "NOT_REPLAYABLE"),
        (("--all", "--with", "RISK_PER_TRADE_MAX_PERCENT=0.5"), "at most RISK_PER_TRADE_MAX_PERCENT"),
    ],
)
def test_it_refuses_in_words(three, arguments, said):
    assert said in refused(*arguments)


def test_a_setting_is_tried_out_on_all(three):
    assert run_json("--all", "--with", "risk_limits.max_open_positions=2") == {
        "with": {"risk_limits.max_open_positions": "2"},
        "decided": 3,
        "changed": 1,
        "shadow_only": 0,
        "stored_otherwise": 0,
        "unreadable": 0,
        "outcomes": [{"before": "approved", "after": "deferred MAX_OPEN_POSITIONS", "count": 1}],
        "changes": [
            {
                "decision": str(three[2].pk),
                "signal": str(three[2].experiment.signal_id),
                "symbol": "SPY",  # as frozen
                "side": "long",
                "at": AT.isoformat(),
                "before": {
                    "engine": "A",
                    "outcome": "approved",
                    "code": "",
                    "gate": "",
                    "contract": "SPY-20260227-C-500",
                    "quantity": 9,
                    "entry_type": "LIMIT",
                    "limit_price": "2.40",
                    "message": "",
                },
                "after": {
                    "engine": "A",
                    "outcome": "deferred",
                    "code": "MAX_OPEN_POSITIONS",
                    "gate": "risk_limits",
                    "contract": "",
                    "quantity": 0,
                    "entry_type": "",
                    "limit_price": None,
                    "message": "limits on new risk are reached: MAX_OPEN_POSITIONS 2 against 2; tried again while the "
                    "signal is fresh, close a position or raise the limit to make room",
                },
            }
        ],
    }


def test_people_see_how_many_change_and_which(three, capsys):
    out = run("--all", "--with", "MAX_CONTRACTS_PER_TRADE=1", "--with", "risk_limits.max_open_positions=2")
    assert out == "3 of 3 decisions would change, each judged with the book as it was.\n"
    shown = " ".join(capsys.readouterr().out.split())
    assert "approved │ approved │ 2" in shown
    assert "approved │ deferred MAX_OPEN_POSITIONS │ 1" in shown
    assert "SPY long (A)" in shown
    assert "risk_limits" in shown


def test_nothing_changes_and_that_is_an_answer(three):
    out = run("--all", "--with", "MAX_CONTRACTS_PER_TRADE=1000")
    assert out == "0 of 3 decisions would change, each judged with the book as it was.\n"


def test_what_only_the_shadow_would_do_is_counted_apart():
    record(world(variant=Engine.A))
    flags = [word for agent in AGENT_NAMES for word in ("--with", f"enable_{agent}=false")]
    assert run("--all", *flags) == (
        "0 of 1 decisions would change, each judged with the book as it was.\n"
        "In 1 more only what is followed in shadow would.\n"
    )


def test_decisions_of_other_rules_are_counted_not_hidden(three):
    DecisionRound.objects.filter(pk=three[0].pk).update(code="OLD")
    DecisionRound.objects.filter(pk=three[1].pk).update(inputs={"signal": {}})
    told = run_json("--all", "--with", "MAX_VIX_FOR_ENTRY=20")
    assert (told["decided"], told["unreadable"], told["stored_otherwise"]) == (2, 1, 1)
    said = run("--all", "--with", "MAX_VIX_FOR_ENTRY=20")
    assert "1 differ from what is stored even without the change" in said
    assert "1 were stored by older rules" in said


def test_only_the_newest_changes_are_shown_to_people():
    for number in range(SHOWN + 1):
        record(world(exposure=EXPOSURE), at=AT + timedelta(seconds=number))
    told = run("--all", "--with", "MAX_CONTRACTS_PER_TRADE=1")
    assert told.endswith(f"The newest {SHOWN} changes are shown; --json has all.\n")
    assert len(run_json("--all", "--with", "MAX_CONTRACTS_PER_TRADE=1")["changes"]) == SHOWN + 1
