"""The URL map of port 8000: pages, admin, API docs, and every protocol's routes under their explicit paths."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from kiosk import health, saved_filters, status, views
from kiosk.api.views import refuse_request

handler400 = refuse_request
urlpatterns: list[URLPattern | URLResolver] = [
    path("", views.home, name="home"),
    path("kiosk/", include("kiosk.pages.urls")),
    path("", include("faces.urls")),
    path("", include("flows.urls")),
    path("", include("analytics.urls")),
    path("admin/filters/", admin.site.admin_view(saved_filters.save_view), name="saved-filter-save"),
    path("admin/filters/<int:filter_id>/drop/", admin.site.admin_view(saved_filters.drop_view), name="saved-filter-drop"),
    path("admin/status/", admin.site.admin_view(status.status_view), name="status"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
