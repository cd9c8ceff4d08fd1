"""Deployment: DEBUG off, TLS enforced, secrets required (base and the system checks refuse guessable ones)."""

import os

os.environ["DEBUG"] = "false"  # before base reads it: a development key must never be made for a deployment

from optionsengine.settings.base import *  # noqa: F403

SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
