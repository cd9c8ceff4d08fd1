"""The parts of the README that are made from the code: settings, commands' schedules, codes, and the demo's output.

Each part stands between `<!-- name: … -->` and `<!-- /name -->`; everything else belongs to people. Descriptions of
settings are the comments of `.env.example`, defaults and bounds are what the settings module asks its readers for.
"""

import ast
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings

from optionsengine.console.codes import CODE_TABLES
from optionsengine.pipeline.answers import answer_refused
from optionsengine.pipeline.schedules import schedule_table
from signals.data import IntakeRejected
from signals.enums import IntakeCode

README = Path(settings.BASE_DIR) / "README.md"
EXAMPLE = Path(settings.BASE_DIR) / ".env.example"
SETTINGS_SOURCE = Path(settings.BASE_DIR) / "optionsengine" / "settings" / "base.py"
READERS = ("text", "flag", "integer", "decimal", "choice", "words", "rates", "web_url", "postgres_url")
# the development database reads its own, because it must work where the settings do not
DEVPG_BIN = "DEVPG_BIN"

_EXAMPLE_LINE = re.compile(r"# ([A-Z][A-Z0-9_]+)=(.*)")
# told in an answer that is no refusal, or made where the engine itself failed
_OTHER_ANSWERS = {IntakeCode.OUT_OF_ORDER: 200, IntakeCode.INTERNAL_ERROR: 500}


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """One variable of the environment as the settings read it: its default as text, and what it must be."""

    name: str
    default: str
    must: str


def settings_read(source: str) -> list[SettingSpec]:
    """Return every variable that a settings module's source reads, in its order.

    :raises ValueError: for a reader's call whose arguments are not constants.
    """
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and _reader(node)]
    specs = [_spec(call) for call in sorted(calls, key=lambda call: call.lineno)]
    return [*specs, SettingSpec(DEVPG_BIN, "", "a folder with PostgreSQL's programs")]


def _reader(call: ast.Call) -> str:
    function = call.func
    is_ours = (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id == "readers"
        and function.attr in READERS
    )
    return function.attr if is_ours and isinstance(function, ast.Attribute) else ""


def _constant(node: ast.expr) -> Any:
    """Return a literal, or a power of two of them, which a bound may be written as."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Pow):
        return _constant(node.left) ** _constant(node.right)
    return ast.literal_eval(node)


def _spec(call: ast.Call) -> SettingSpec:
    name, *rest = (_constant(argument) for argument in call.args)
    bounds = {str(keyword.arg): _constant(keyword.value) for keyword in call.keywords}
    default = rest[0] if rest else ""
    match _reader(call):
        case "flag":
            return SettingSpec(name, str(default).lower(), "true or false")
        case "integer":
            return SettingSpec(name, str(default), f"whole, {bounds['minimum']} to {bounds['maximum']}")
        case "decimal":
            return SettingSpec(name, str(default), f"{bounds['minimum']} to {bounds['maximum']}")
        case "choice":
            return SettingSpec(name, str(default), ", ".join(rest[1]))
        case "words":
            return SettingSpec(name, str(default), "list, by commas")
        case "rates":
            return SettingSpec(name, str(default), "calls by window, 8/minute,800/day")
        case "web_url":
            return SettingSpec(name, str(default), "an https address")
        case "postgres_url":
            return SettingSpec(name, str(default), "a PostgreSQL URL")
    return SettingSpec(name, str(default), "text")


def example_read(text: str) -> dict[str, tuple[str, str]]:
    """Return (default, description) of every variable of an `.env.example`, in its order."""
    found: dict[str, tuple[str, str]] = {}
    said: list[str] = []
    for line in text.splitlines():
        match = _EXAMPLE_LINE.fullmatch(line)
        if match:
            found[match[1]] = (match[2], " ".join(said))
        said = [*said, line[2:].strip()] if line.startswith("# ") and not match else []
    return found


def readme_render(text: str) -> str:
    """Return the README's text with every made part as the code says it now.

    :raises ValueError: if a part's marks are missing.
    """
    parts = {"settings": _settings_table(), "schedules": _schedules_table(), "codes": _codes_tables()}
    for name, lines in parts.items():
        text = part_replace(text, name, lines)
    return text


def part_replace(text: str, name: str, lines: Sequence[str]) -> str:
    """Return `text` with what stands between the marks of part `name` replaced.

    :raises ValueError: if the marks are missing or doubled.
    """
    marks = re.compile(rf"(<!-- {name}:[^\n]* -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    content = "\n".join(lines)
    replaced, count = marks.subn(lambda match: f"{match[1]}\n{content}\n\n{match[2]}", text)
    if count != 1:
        raise ValueError(f"README.md must have the marks of the part {name!r} once; it has them {count} times")
    return replaced


def demo_lines(output: str) -> list[str]:
    """Return the funnel and the P&L of what `manage.py demo` printed, as a block of code.

    :raises ValueError: if it is not the output of a demo that ended well.
    """
    lines = [line.rstrip() for line in output.splitlines()]
    titles = [number for number, line in enumerate(lines) if line.strip() == "Invariants"]
    if len(titles) != 1 or "From alert to trade" not in output or "Done in" not in output:
        raise ValueError("this is not what a finished `manage.py demo` prints to its standard output")
    first = next(number for number, line in enumerate(lines) if "From alert to trade" in line)
    return ["```text", *lines[first : titles[0]], "```"]


def _row(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _table(headings: Sequence[str], rows: Iterator[tuple[str, ...]]) -> list[str]:
    return [_row(*headings), _row(*("---" for _ in headings)), *(_row(*row) for row in rows)]


def _settings_table() -> list[str]:
    described = example_read(EXAMPLE.read_text(encoding="utf-8"))
    return _table(
        ("Setting", "Default", "Must be", "What it does"),
        (
            (f"`{spec.name}`", f"`{spec.default}`" if spec.default else "", spec.must, described[spec.name][1])
            for spec in settings_read(SETTINGS_SOURCE.read_text(encoding="utf-8"))
        ),
    )


def _schedules_table() -> list[str]:
    return _table(
        ("Job", "Interval from", "Cluster"),
        ((f"`{spec.job.value}`", f"`{spec.setting}`", spec.cluster.value) for spec in schedule_table()),
    )


def _codes_tables() -> list[str]:
    lines: list[str] = []
    for table in CODE_TABLES:
        lines += ["", f"**{table.title}**: {table.where}.", ""] if lines else [f"**{table.title}**: {table.where}.", ""]
        if any(isinstance(code, IntakeCode) for code in table.rows):
            rows = ((f"`{code.value}`", str(_http(code)), *words) for code, words in table.rows.items())
            lines += _table(("Code", "HTTP", "Meaning", "What to do"), rows)
        else:
            lines += _table(
                ("Code", "Meaning", "What to do"), ((f"`{code.value}`", *words) for code, words in table.rows.items())
            )
    return lines


def _http(code: object) -> int:
    known = IntakeCode(str(code))
    return _OTHER_ANSWERS.get(known) or answer_refused(IntakeRejected(known, "")).http
