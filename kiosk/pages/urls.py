"""Routes of the kiosk's pages."""

from django.urls import path

from kiosk.pages import views

app_name = "pages"
urlpatterns = [
    path("", views.visit, name="visit"),
    path("pass", views.visit_pass, name="pass"),
    path("device", views.device, name="device"),
    path("withdraw", views.WithdrawView.as_view(), name="withdraw"),
]
