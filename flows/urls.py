"""Routes of this app: under explicit paths on port 8000, and on the flow port's root as the protocol document writes them."""

from django.urls import path

from flows import views

app_name = "flows"
urlpatterns = [
    path("handshake", views.HandshakeView.as_view(), name="handshake"),
    path("storage", views.StorageView.as_view(), name="storage"),
    path("summary", views.SummaryView.as_view(), name="summary"),
]
root_urlpatterns = [path("", views.FlowView.as_view(), name="flow"), *urlpatterns]
"""Of KIOSK_FLOW_HTTP_PORT: `type` tells what is asked for on /."""
