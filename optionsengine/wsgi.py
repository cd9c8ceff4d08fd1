"""The WSGI application: pages, API and webhook."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import resolve

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "optionsengine.settings.base")
application = get_wsgi_application()
resolve("/webhook")  # loads every view now, instead of in the first alert's time
