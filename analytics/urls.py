"""Routes of this app, as the protocol documents write them."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, path

from analytics.events.views import MediaDevicesView
from analytics.sightings import views as sightings
from analytics.sightings.search_page import search_view
from analytics.videos import media, views

app_name = "analytics"
urlpatterns: list[URLPattern | URLResolver] = [
    path("getmediadevices", MediaDevicesView.as_view(), name="getmediadevices"),
    path("video", views.VideoView.as_view(), name="video"),
    path("video-streaming", views.VideoStreamingView.as_view(), name="video-streaming"),
    path("video/jobs/<uuid:public_id>", views.VideoJobView.as_view(), name="video-job"),
    path("admin/analytics/search/", admin.site.admin_view(search_view), name="search"),
    path("face-detect", sightings.FaceDetectView.as_view(), name="face-detect"),
    path("licence-plate", sightings.LicencePlateView.as_view(), name="licence-plate"),
    path("search-face", sightings.SearchFaceView.as_view(), name="search-face"),
    path("search-licence-plate", sightings.SearchLicencePlateView.as_view(), name="search-licence-plate"),
    path("media/faces/<uuid:public_id>.jpg", media.face_picture, name="face-picture"),
    path("media/cars/<uuid:public_id>.jpg", media.car_picture, name="car-picture"),
    path("media/videos/<uuid:public_id>.mp4", media.processed_video, name="processed-video"),
]
