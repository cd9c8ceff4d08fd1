"""Tests: the project's own PostgreSQL, one database per worker, a fixed environment."""

import os

for name in list(os.environ):  # a developer's settings must not change what a test sees
    if name in {
        "APP_MODE",
        "HMAC_SECRET",
        "AB_SPLIT_PERCENTAGE",
        "REQUIRE_MTF_BIAS_FOR_ENTRY",
        "MARKET_DATA_PROVIDERS",
    }:
        del os.environ[name]

from optionsengine.settings.base import *  # noqa: E402, F403

SECRET_KEY = "test-only-key-that-signs-nothing-outside-a-test-run"  # noqa: S105 - a test key
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# parallel runs in one checkout each name a database of their own
DATABASES["default"]["TEST"] = {"NAME": os.environ.get("TEST_DB_NAME", "test_optionsengine")}  # noqa: F405
# no test pulls the plug on this server, so none needs a commit to wait for the disk
DATABASES["default"]["OPTIONS"]["options"] += " -c synchronous_commit=off"  # noqa: F405 - from base
