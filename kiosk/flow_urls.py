"""The URL map of the flow port (KIOSK_FLOW_HTTP_PORT): the flow POSTs on / and on their paths, and whether the server is well."""

from django.urls import URLPattern, URLResolver, include, path

from flows.urls import root_urlpatterns
from kiosk import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include((root_urlpatterns, "flows"))),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
