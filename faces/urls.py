"""Routes of this app, as the protocol documents write them."""

from django.urls import path

from faces import views

app_name = "faces"
urlpatterns = [
    path("recognize", views.RecogniseView.as_view(), name="recognize"),
    path("recognize/batch", views.RecogniseBatchView.as_view(), name="recognize-batch"),
    path("face", views.FaceView.as_view(), name="face"),
    path("photos/<str:token>", views.photo, name="photo"),
]
