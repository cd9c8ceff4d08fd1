"""What import-linter cannot see: foreign keys, dotted job paths, names, and who reads the clock."""

import ast
import subprocess
from pathlib import Path

from django.apps import apps
from django.db import models
from django.utils.module_loading import import_string

from optionsengine.pipeline.schedules import schedule_table

ROOT = Path(__file__).resolve().parent.parent
HOUSE = ["console", "pipeline", "positions", "orders", "experiments", "bias", "signals", "market", "ops", "core"]
INSIDE = [
    ("urls",),
    ("views", "admin", "jobs"),
    ("serializers",),
    ("services",),
    ("selectors",),
    ("rules", "engines", "brokers"),
    ("models",),
    ("data", "events"),
    ("enums",),
]
BANNED = {"utils", "helpers", "common", "misc", "api"}
PACKAGES = ["optionsengine", "signals", "bias", "experiments", "orders", "positions"]


def _sources() -> list[Path]:
    paths = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
    return [path for path in paths if "migrations" not in path.parts]


def _own_models() -> list[type[models.Model]]:
    """Every model of ours; pghistory's own tables of changes follow its rules."""
    own = [model for model in apps.get_models() if model._meta.app_label in HOUSE]
    return [model for model in own if not hasattr(model, "pgh_tracked_model")]


def test_foreign_keys_point_upstream_only_and_protect() -> None:
    checked = 0
    for model in _own_models():
        own = HOUSE.index(model._meta.app_label)
        for field in model._meta.get_fields():
            if not (isinstance(field, models.ForeignKey) and field.concrete):
                continue
            target = field.related_model._meta.app_label
            assert target in HOUSE, f"{model.__name__}.{field.name} leaves the house: {target}"
            assert HOUSE.index(target) >= own, f"{model.__name__}.{field.name} points downstream to {target}"
            assert field.remote_field.on_delete is models.PROTECT, f"{model.__name__}.{field.name} must protect"
            checked += 1
    assert checked > 15


def test_every_table_has_a_uuid_key_made_in_the_application_or_a_stated_natural_one() -> None:
    natural = {
        *("bias_config", "signal_dedupe", "heartbeats", "trading_state", "circuit_breakers", "provider_limits"),
        *("feature_flags", "config_versions"),
    }
    for model in _own_models():
        if model._meta.db_table in natural:
            continue
        assert isinstance(model._meta.pk, models.UUIDField), model.__name__
        assert model._meta.pk.has_default(), model.__name__


def test_job_paths_resolve() -> None:
    assert len(schedule_table()) >= 10
    for schedule in schedule_table():
        assert callable(import_string(schedule.func)), schedule.func


def test_nothing_has_a_banned_name() -> None:
    for path in _sources():
        assert path.stem not in BANNED, path
        assert not (path.name == "signals.py" and path.parent.name in {*HOUSE, "optionsengine"}), path


def test_layers_inside_an_app() -> None:
    """`views` may import `services`, never the reverse, and so on down to `enums`."""
    rank = {name: index for index, names in enumerate(INSIDE) for name in names}
    checked = 0
    for path in _sources():
        relative = path.relative_to(ROOT).with_suffix("")
        parts = relative.parts[1:] if relative.parts[0] == "optionsengine" else relative.parts
        if len(parts) < 2:
            continue
        app, inner = parts[0], parts[1]
        if app not in HOUSE or inner not in rank:
            continue
        for module in _imports(path):
            names = module.split(".")
            if names[0] == "optionsengine":
                names = names[1:]
            if len(names) >= 2 and names[0] == app and names[1] in rank:
                assert rank[names[1]] >= rank[inner], f"{relative} imports {module}"
                checked += 1
    assert checked > 20


def _imports(path: Path) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.append(node.module)
        elif isinstance(node, ast.Import):
            found.extend(alias.name for alias in node.names)
    return found


PURE = ["rules", "engines", "gates", "adapters"]


def test_pure_modules_read_no_clock_no_settings_no_orm() -> None:
    forbidden = ("django.db", "django.conf", "optionsengine.core.clock", "httpx", "requests")
    checked = 0
    for path in _sources():
        parts = path.relative_to(ROOT).with_suffix("").parts
        if not any(part in PURE for part in parts) or path.name == "models.py":
            continue
        checked += 1
        for module in _imports(path):
            said = f"{path.relative_to(ROOT)} imports {module}"
            assert not module.startswith(forbidden), said
            assert not module.endswith((".models", ".services", ".selectors")), said
    assert checked > 10


def test_only_entry_points_read_the_clock() -> None:
    allowed = ("views", "front", "jobs", "admin", "commands", "runner", "serve", "core", "demo", "stream", "health")
    for path in _sources():
        text = path.read_text(encoding="utf-8")
        for call in ("timezone.now(", "datetime.now(", "datetime.utcnow(", "time.time(", "clock.now("):
            if call in text:
                relative = str(path.relative_to(ROOT))
                assert any(name in relative for name in allowed), f"{relative} reads the clock with {call}"


def test_every_tracked_file_is_free_of_machine_paths() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert len(listed) > 100
    for name in listed:
        path = ROOT / name
        if path.suffix in {".py", ".md", ".toml", ".txt", ".html", ".jsonl"} and path.exists():
            text = path.read_text(encoding="utf-8")
            for mark in ("/wor" + "k/", "/roo" + "t/"):
                assert mark not in text, f"{name} holds a machine path"
