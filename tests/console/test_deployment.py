"""A deployment's settings: clean under Django's own checks, and refusing to start without their secrets."""

import os
import subprocess
import sys

import pytest

from optionsengine.settings.readers import BASE_DIR

GOOD = {
    "DJANGO_SETTINGS_MODULE": "optionsengine.settings.production",
    "SECRET_KEY": "7fK2q9Zr4mXw1Vb8Tn6Yc3Hd5Jg0Ls7Pe2Ua9Qi4Ok8Rv1Bx6Wz",
    "HMAC_SECRET": "Zk3q9vT1xW7bR5nM2cY8",
    "ALLOWED_HOSTS": "trading.example.com",
    "DEBUG": "true",
}


def check(*arguments, **changed):
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {name: value for name, value in {**kept, **GOOD, **changed}.items() if value}
    return subprocess.run(
        [sys.executable, "manage.py", "check", *arguments],
        cwd=BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_the_deployment_checks_are_clean_also_with_debug_in_the_environment():
    done = check("--deploy", "--fail-level", "WARNING")
    assert (done.returncode, done.stderr) == (0, "")
    assert "no issues" in done.stdout


@pytest.mark.parametrize("name", ["SECRET_KEY", "HMAC_SECRET"])
def test_a_missing_secret_stops_the_start_by_its_name(name):
    done = check(**{name: ""})
    assert done.returncode == 1
    assert name in done.stderr
