"""Where alerts come in, each path with and without a slash at its end: senders do not follow redirects."""

from django.urls import re_path

from optionsengine.pipeline import webhook_views as views

urlpatterns = [
    re_path(r"^webhook/test/?$", views.webhook_test, name="webhook-test"),
    re_path(r"^webhook/?$", views.webhook, name="webhook"),
    re_path(r"^webhook/s/(?P<slug>[-\w]{1,50})/?$", views.webhook, name="webhook-source"),
    re_path(r"^webhook/t/(?P<token>[^/]{1,200})/?$", views.webhook, name="webhook-token"),
    re_path(r"^api/webhooks/(?:tradingview|mtf-bias|flow|price|chain)/?$", views.webhook),
    # last: whatever else is sent below these addresses
    re_path(r"^(?:webhook|api/webhooks)/(?s:.*)$", views.webhook_unknown),
]
