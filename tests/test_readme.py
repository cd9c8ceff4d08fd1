"""What the README says is so: made parts are fresh, examples are accepted, commands and places exist."""

import json
import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class
from django.urls import resolve

from optionsengine.console import readme
from optionsengine.console.codes import CODE_TABLES
from optionsengine.core.enums import Intent, Side
from optionsengine.pipeline.recording import recording_read
from signals.adapters.registry import ADAPTERS
from signals.enums import SourceMode
from signals.models import Signal, WebhookEvent
from signals.services import webhook_source_create
from tests.pipeline.intake_client import post

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = (ROOT / ".env.example").read_text(encoding="utf-8")
AT = datetime(2026, 3, 10, 15, 5, 1, tzinfo=UTC)
# how TradingView fills its placeholders: bar time and now in ISO with Z, prices as bare numbers, the rest as text
FILLED = {
    "ticker": "SPY",
    "exchange": "AMEX",
    "interval": "5",
    "close": "612.34",
    "time": "2026-03-10T15:00:00Z",
    "timenow": "2026-03-10T15:05:00Z",
}


def _settings():
    return readme.settings_read(readme.SETTINGS_SOURCE.read_text(encoding="utf-8"))


def _block(name):
    """The first block of code behind the mark of this name."""
    return re.search(rf"<!-- example: {name} -->\s*```\w+\n(.*?)```", README, re.DOTALL)[1]


def _message(name, token, **filled):
    text = _block(name).replace("PASTE-THE-TOKEN-HERE", token)
    for placeholder, value in {**FILLED, **filled}.items():
        text = text.replace("{{" + placeholder + "}}", value)
    assert "{{" not in text
    return text.encode()


def _order(action, before, after):
    return {
        "strategy.order.action": action,
        "strategy.prev_market_position": before,
        "strategy.market_position": after,
    }


# --- made parts -----------------------------------------------------------------------------------------------------


def test_the_made_parts_are_what_the_code_says():
    assert readme.readme_render(README) == README, "run `.venv/bin/python manage.py readme_tables` and commit README.md"


def test_a_part_without_its_marks_is_told():
    with pytest.raises(ValueError, match="'settings' once; it has them 0 times"):
        readme.part_replace("no marks here", "settings", ["x"])


def test_a_made_part_replaces_what_stood_there_and_nothing_else():
    text = "before\n<!-- codes: x -->\nold\n<!-- /codes -->\nafter\n"
    assert readme.part_replace(text, "codes", ["a", "b"]) == (
        "before\n<!-- codes: x -->\n\na\nb\n\n<!-- /codes -->\nafter\n"
    )


def test_the_demo_shown_is_of_the_recording_that_is_bundled():
    shown = re.search(r"requests received +│ +(\d+) │", README)
    recorded = sum(1 for _ in recording_read(ROOT / "optionsengine" / "samples" / "day.jsonl"))
    assert int(shown[1]) == recorded, (
        "the recording changed: `manage.py demo > FILE`, then `manage.py readme_tables --demo FILE`"
    )


def test_only_a_finished_demo_can_be_shown():
    whole = "\n".join(["   From alert to trade  ", "│ x │ 1 │", "      Invariants   ", "│ y │", "Done in 3 s."])
    assert readme.demo_lines(whole) == ["```text", "   From alert to trade", "│ x │ 1 │", "```"]
    for line in whole.splitlines():
        if line.strip() in ("From alert to trade", "Invariants", "Done in 3 s."):
            with pytest.raises(ValueError, match="finished"):
                readme.demo_lines(whole.replace(line, ""))


def test_every_code_has_its_words_and_no_words_are_without_a_code():
    for table in CODE_TABLES:
        enums = {type(code) for code in table.rows}
        assert len(enums) == 1, table.title
        assert list(table.rows) == list(enums.pop()), table.title
        for meaning, remedy in table.rows.values():
            assert meaning.endswith("."), meaning
            assert remedy.endswith("."), remedy


# --- settings -------------------------------------------------------------------------------------------------------


def test_the_example_file_has_every_setting_in_order_with_its_default_and_a_description():
    described = readme.example_read(EXAMPLE)
    assert [(name, default) for name, (default, _) in described.items()] == [
        (spec.name, spec.default) for spec in _settings()
    ]
    for name, (_, description) in described.items():
        assert description.endswith("."), name


def test_the_example_file_sets_nothing_until_it_is_edited():
    assert [line for line in EXAMPLE.splitlines() if line and not line.startswith("#")] == []


def test_settings_are_read_with_defaults_and_bounds():
    source = 'A = readers.integer("A", 2, minimum=1, maximum=2**3)\nB = readers.words("B")\nC = readers.flag("C", True)'
    specs = [(spec.name, spec.default, spec.must) for spec in readme.settings_read(source)[:3]]
    assert specs == [("A", "2", "whole, 1 to 8"), ("B", "", "list, by commas"), ("C", "true", "true or false")]


def test_no_other_module_reads_the_environment():
    """Else it would need a place in the table of settings."""
    found = set()
    for package in ("optionsengine", "signals", "bias", "experiments", "orders", "positions"):
        for path in (ROOT / package).rglob("*.py"):
            if "settings" not in path.parts:
                found |= set(
                    re.findall(r"(?:os\.environ(?:\.get\(|\[)|getenv\()\"(\w+)\"", path.read_text(encoding="utf-8"))
                )
    assert found == {readme.DEVPG_BIN}
    folder = ROOT / "optionsengine" / "settings"
    asking = {
        path.name for path in folder.glob("*.py") if re.search(r"\breaders\.\w+\(", path.read_text(encoding="utf-8"))
    }
    assert asking == {readme.SETTINGS_SOURCE.name}


# --- examples -------------------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("action", "before", "after", "intent", "side"),
    [
        ("buy", "flat", "long", Intent.ENTRY, Side.LONG),
        ("buy", "long", "long", Intent.ENTRY, Side.LONG),
        ("sell", "long", "flat", Intent.EXIT, Side.LONG),
        ("sell", "long", "long", Intent.EXIT, Side.LONG),
        ("sell", "long", "short", Intent.ENTRY, Side.SHORT),
        ("sell", "flat", "short", Intent.ENTRY, Side.SHORT),
        ("sell", "short", "short", Intent.ENTRY, Side.SHORT),
        ("buy", "short", "flat", Intent.EXIT, Side.SHORT),
        ("buy", "short", "short", Intent.EXIT, Side.SHORT),
        ("buy", "short", "long", Intent.ENTRY, Side.LONG),
    ],
)
def test_the_strategy_message_is_taken_as_the_readme_says(action, before, after, intent, side):
    _, token = webhook_source_create(slug="tradingview", name="TradingView", mode=SourceMode.TOKEN, at=AT)
    body = _message("strategy", token, **_order(action, before, after))
    response = post(body, at=AT, signed=False)
    answer = response.json()
    assert (response.status_code, answer["status"]) == (201, "ACCEPTED")
    signal = Signal.objects.get(pk=answer["signal_id"])
    assert (signal.intent, signal.side, signal.symbol, signal.timeframe) == (intent, side, "SPY", "5m")
    assert signal.bar_end_at == datetime(2026, 3, 10, 15, 5, tzinfo=UTC)
    event = WebhookEvent.objects.get(pk=answer["webhook_event_id"])
    assert event.authenticated
    assert token.encode() not in bytes(event.body)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("filled", "status", "code"),
    [
        ({"interval": "60"}, 201, None),
        ({"interval": "1D"}, 201, None),
        ({"interval": "30S", "time": "2026-03-10T15:04:30Z"}, 201, None),
        ({"time": FILLED["timenow"]}, 201, None),
        ({"ticker": "BRK.B", "exchange": "NYSE"}, 201, None),
        ({"exchange": "NASDAQ_DLY"}, 400, "DELAYED_FEED"),
        ({"ticker": "BTCUSD", "exchange": "COINBASE"}, 400, "INVALID_SYMBOL"),
        ({"interval": "10R"}, 400, "INVALID_TIMEFRAME"),
        ({"time": "2026-03-10T14:29:59Z"}, 400, "STALE_TIMESTAMP"),
    ],
)
def test_the_strategy_message_with_other_charts(filled, status, code):
    _, token = webhook_source_create(slug="tradingview", name="TradingView", mode=SourceMode.TOKEN, at=AT)
    body = _message("strategy", token, **_order("buy", "flat", "long"), **filled)
    response = post(body, at=AT, signed=False)
    assert (response.status_code, response.json().get("code")) == (status, code)


@pytest.mark.django_db
def test_a_message_with_another_token_is_refused():
    webhook_source_create(slug="tradingview", name="TradingView", mode=SourceMode.TOKEN, at=AT)
    response = post(_message("strategy", "x" * 43, **_order("buy", "flat", "long")), at=AT, signed=False)
    assert (response.status_code, response.json()["code"]) == (401, "UNAUTHORIZED")
    assert not Signal.objects.exists()


@pytest.mark.django_db
def test_the_indicator_message_opens_and_with_an_action_closes():
    _, token = webhook_source_create(slug="tradingview", name="TradingView", mode=SourceMode.TOKEN, at=AT)
    body = _message("indicator", token)
    opened = post(body, at=AT, signed=False, content_type="text/plain")
    assert (opened.status_code, opened.json()["intent"]) == (201, "entry")
    closed = post({**json.loads(body), "action": "exit"}, at=AT, signed=False)
    assert (closed.status_code, closed.json()["intent"]) == (201, "exit")
    assert set(Signal.objects.values_list("intent", "side")) == {("entry", "long"), ("exit", "long")}


@pytest.mark.django_db
@pytest.mark.skipif(shutil.which("openssl") is None, reason="the example signs with openssl")
def test_the_signed_example_is_accepted_and_its_repetition_is_a_duplicate(settings, tmp_path):
    settings.HMAC_SECRET = "0123456789abcdef" * 4
    (tmp_path / ".env").write_text(f"HMAC_SECRET={settings.HMAC_SECRET}\n")
    lines = _block("signed").splitlines()
    curl = next(number for number, line in enumerate(lines) if line.startswith("curl"))
    assert '"X-Webhook-Signature: $SIGNATURE" --data-binary "$BODY"' in "".join(lines[curl:])
    script = "\n".join([*lines[:curl], 'printf "%s\\n%s" "$SIGNATURE" "$BODY"'])
    run = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    signature, body = run.stdout.split("\n")
    sent = {"signed": False, "x_webhook_signature": signature, "at": AT}
    first = post(body.encode(), **sent)
    assert (first.status_code, first.json()["status"]) == (201, "ACCEPTED")
    second = post(body.encode(), **sent)
    assert (second.status_code, second.json()["status"]) == (200, "DUPLICATE")
    assert post(body.encode() + b" ", **sent).status_code == 401


# --- commands and places --------------------------------------------------------------------------------------------


def test_every_command_of_manage_exists_and_takes_its_arguments():
    known = get_commands()
    found = re.findall(
        r"manage\.py ([a-z_]+)((?: --?[a-z-]+(?: [a-z0-9][a-z0-9.-]*| [A-Z_]+=[a-z0-9.]+)?"
        r"| (?:FILE|SPY|start|stop|status|drain|replay))*)",
        README,
    )
    assert len(found) > 10
    for name, arguments in found:
        assert name in known, name
        command = load_command_class(known[name], name)
        command.create_parser("manage.py", name).parse_args(arguments.split())


def test_every_make_target_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    found = set(re.findall(r"\bmake ([a-z]+)\b", "\n".join(re.findall(r"`[^`]*`|```.*?```", README, re.DOTALL))))
    assert {"demo", "run", "test"} <= found <= targets


def test_every_place_it_names_exists():
    found = re.findall(r"`([a-z_]+(?:/[a-z0-9_.]+)+/?)`", README)
    assert len(found) > 25
    for name in found:
        assert (ROOT / name).exists(), name


def test_every_link_leads_somewhere():
    for page in (ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_address_it_names_answers():
    found = set(re.findall(r"http://127\.0\.0\.1:8080(/[\w/-]*)", README))
    assert len(found) >= 5
    for path in found:
        resolve(path)


def test_every_decision_is_numbered_once_and_listed():
    folder = ROOT / "docs" / "decisions"
    records = sorted(path.name for path in folder.glob("[0-9]*.md"))
    assert [name[:4] for name in records] == [f"{number:04}" for number in range(1, len(records) + 1)]
    listed = re.findall(r"\]\((\d{4}-[a-z0-9-]+\.md)\)", (folder / "README.md").read_text(encoding="utf-8"))
    assert listed == records


# --- families -------------------------------------------------------------------------------------------------------

FAMILY_NAMES = {
    "plain": "plain",
    "TradersPost": "traderspost",
    "ultimate, Pine": "ultimate",
    "trend dots": "trend_dots",
    "ORB, Stretch, BHCH, EMA": "orb",
    "SATY phase": "saty",
    "STRAT v6": "strat",
    "option order": "option_order",
    "ping": "ping",
    "context": "context",
    "price": "price",
    "flow": "flow",
    "chain": "chain",
    "gamma": "gamma",
    "bias, version 1": "bias_v1",
    "bias, version 3": "bias_v3",
}
FAMILY_TABLE = re.search(r"<!-- families -->\n\n.*?\n\|---.*?\n(.*?)\n\n", README, re.DOTALL)[1]
FAMILY_ROWS = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in FAMILY_TABLE.splitlines()]


def _family_body(name, cell):
    if cell.startswith("`"):
        return json.loads(cell.strip("` "))
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    return json.loads(re.search(rf"<!-- body: {name} -->\s*```json\n(.*?)```", page, re.DOTALL)[1])


def test_every_family_is_in_the_table_in_the_order_in_which_they_are_tried():
    assert [FAMILY_NAMES[row[0]] for row in FAMILY_ROWS] == [adapter.family for adapter in ADAPTERS]


@pytest.mark.django_db
@pytest.mark.parametrize("row", FAMILY_ROWS, ids=[row[0] for row in FAMILY_ROWS])
def test_the_smallest_body_of_each_family_is_taken(row, settings):
    settings.HMAC_SECRET = ""
    settings.DEBUG = True
    name = FAMILY_NAMES[row[0]]
    path = f"/api/webhooks/{name}" if name in ("flow", "price", "chain") else "/webhook"
    response = post(_family_body(name, row[3]), at=AT, path=path, signed=False)
    assert response.status_code in (200, 201), response.content
    expected = {"saved": "CONTEXT_SAVED", "nothing": "OK"}.get(row[2], "ACCEPTED")
    assert response.json()["status"] == expected
    assert WebhookEvent.objects.get().family == name
