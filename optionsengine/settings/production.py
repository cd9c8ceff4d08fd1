"""Deployment: DEBUG off, TLS enforced, secrets required (the system checks refuse placeholders)."""

import os

os.environ["DEBUG"] = "false"  # before base reads it: a development key must never be made for a deployment

from django.core.exceptions import ImproperlyConfigured

from optionsengine.settings.base import *  # noqa: F403
from optionsengine.settings.base import SECRET_KEY

if not SECRET_KEY:
    raise ImproperlyConfigured(
        "SECRET_KEY must be a long random text; it is empty. Make one with "
        "`python -c 'import secrets; print(secrets.token_urlsafe(48))'` and set it in the environment or in .env."
    )

SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
