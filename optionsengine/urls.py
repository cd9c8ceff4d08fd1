"""Every URL of the project."""

from django.contrib import admin
from django.urls import include, path

from optionsengine.console.views import admin_login

urlpatterns = [
    path("", include("optionsengine.pipeline.urls")),
    path("", include("optionsengine.console.urls")),
    path("admin/login/", admin_login),
    path("admin/", admin.site.urls),
]

handler404 = "optionsengine.console.views.not_found"
handler500 = "optionsengine.console.views.server_error"
