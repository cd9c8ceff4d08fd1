"""Tests: the project's own PostgreSQL, one database per worker, a fixed environment."""

import os
import re

from optionsengine.settings.readers import BASE_DIR

# a developer's settings, which importing the readers has added from .env, must not change what a test sees
for name in re.findall(r"^# ([A-Z][A-Z0-9_]+)=", (BASE_DIR / ".env.example").read_text(encoding="utf-8"), re.MULTILINE):
    if name not in {"DATABASE_URL", "DATABASE_NAME", "DEVPG_BIN"}:
        os.environ.pop(name, None)

from optionsengine.settings.base import *  # noqa: E402, F403

SECRET_KEY = "test-only-key-that-signs-nothing-outside-a-test-run"  # noqa: S105 - a test key
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# parallel runs in one checkout each name a database of their own
DATABASES["default"]["TEST"] = {"NAME": os.environ.get("TEST_DB_NAME", "test_optionsengine")}  # noqa: F405
# no test pulls the plug on this server, so none needs a commit to wait for the disk
DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"  # noqa: F405 - from base
