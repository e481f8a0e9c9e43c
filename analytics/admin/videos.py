"""Admin of videos: upload, progress, player, charts, sightings as pictures, exports."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.forms.widgets import Media, Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult
from unfold.admin import ModelAdmin
from unfold.decorators import action

from analytics.admin.display import face_card, plate_card
from analytics.models import Video, VideoState
from analytics.videos import jobs
from analytics.videos.answers import problem_of
from analytics.videos.errors import VideoProblem
from analytics.videos.forms import VideoForm
from analytics.videos.links import processed_path
from analytics.videos.retention import note_deleted
from analytics.videos.staff import (
    SHOWN_SIGHTINGS,
    charts,
    clock,
    counts_table,
    faces_of,
    note_seen,
    plates_of,
    sightings_table,
    take_in,
)
from faces.disclosure import sees_personal_data
from kiosk.runtime.admin import row_opened

# What the task library keeps of its own tells staff nothing: each video says what became of it.
admin.site.unregister(DBTaskResult)

MEDIA: Final = Media(
    css={"all": ["analytics/videos.css"]},
    js=[Script("analytics/videos.mjs", type="module"), Script("kiosk/charts.mjs", type="module")],  # type: ignore[list-item]
)
_MOST_STATES: Final = 200


@admin.register(Video)
class VideoAdmin(ModelAdmin):  # type: ignore[misc]
    """Videos: taken in here or by /video, never changed by hand."""

    list_display: ClassVar = ["title", "state_cell", "people", "vehicles", "length", "size", "created_at"]
    list_display_links: ClassVar = ["title"]
    list_filter: ClassVar = ["state", ("device", admin.RelatedOnlyFieldListFilter), ("created_at", admin.DateFieldListFilter)]
    search_fields: ClassVar = ["name", "public_id"]
    ordering: ClassVar = ["-pk"]
    list_per_page = 50
    show_full_result_count = False
    actions: ClassVar = ["cancel_selected"]
    actions_detail: ClassVar = ["cancel", "again", "export_counts", "export_sightings"]
    change_form_after_template = "admin/analytics/video/detail.html"
    fields: ClassVar = ["title", "state_cell", "length", "frames", "size", "interval_ms", "detector", "device", "recorded_at"]
    fields += ["who", "created_at", "finished_at"]
    readonly_fields: ClassVar = fields

    @property
    def media(self) -> Media:
        media: Media = super().media + MEDIA
        return media

    def get_urls(self) -> list[URLPattern]:
        states = path("states/", self.admin_site.admin_view(self.states_view), name="analytics_video_states")
        return [states, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Video]:
        queryset: QuerySet[Video] = super().get_queryset(request)
        return queryset.select_related("device", "uploaded_by")

    def has_change_permission(self, _request: HttpRequest, _obj: Video | None = None) -> bool:
        return False

    def has_steer_permission(self, request: HttpRequest, _object_id: str | None = None) -> bool:
        """Cancelling and analysing again."""
        return request.user.has_perm("analytics.change_video")

    def has_sightings_permission(self, request: HttpRequest, _object_id: str | None = None) -> bool:
        """Taking plates and whom faces belong to out of the system."""
        wanted = ("analytics.view_facesighting", "analytics.view_platesighting")
        return request.user.has_perms(wanted) and sees_personal_data(request.user)

    # Upload

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002
        """A page of its own: Django's would hold a transaction while the video is probed."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = VideoForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            try:
                taken = take_in(form.new_video(), request.user)
            except VideoProblem as problem:
                form.add_error("file", str(problem))
            else:
                if not taken.is_new:
                    messages.info(request, gettext("This video was analysed before; here is its result."))
                return HttpResponseRedirect(reverse("admin:analytics_video_change", args=[taken.video.pk]))
        context = {
            **self.admin_site.each_context(request),
            "title": _("Upload a video"),
            "opts": self.opts,
            "form": form,
            "media": self.media + form.media,
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/analytics/video/upload.html", context)

    # State

    def states_view(self, request: HttpRequest) -> JsonResponse:
        """{"videos": {id: HTML of the state}, "ended": [id, …]} of the ids asked for."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        ids = [int(pk) for pk in request.GET.get("ids", "").split(",") if pk.isascii() and pk.isdecimal()][:_MOST_STATES]
        videos = list(Video.objects.filter(pk__in=ids))
        ended = [video.pk for video in videos if video.state not in jobs.OPEN_STATES]
        return JsonResponse({"videos": {video.pk: state_bar(video) for video in videos}, "ended": ended})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        response: HttpResponse = super().changeform_view(request, object_id, form_url, extra_context)
        video = row_opened(response)
        if video is not None:
            response.context_data |= _detail(request, video)  # type: ignore[attr-defined]
        return response

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """What can be done with a video in its state."""
        video = self.get_object(request, unquote(str(object_id))) if object_id else None
        if video is None:
            return []
        is_open = video.state in jobs.OPEN_STATES
        hidden = {"again"} if is_open else {"cancel"}
        if video.state != VideoState.DONE:
            hidden |= {"export_counts", "export_sightings"}
        return [one for one in super().get_actions_detail(request, object_id) if one.method.__name__ not in hidden]

    @action(description=_("Cancel"), url_path="cancel", permissions=["steer"], icon="cancel")  # type: ignore[untyped-decorator]
    def cancel(self, request: HttpRequest, object_id: str) -> HttpResponse:
        video = self._video(request, object_id)
        try:
            jobs.request_cancel(video.public_id)
        except VideoProblem as problem:
            messages.warning(request, str(problem))
        return _back(video)

    @action(description=_("Analyse again"), url_path="again", permissions=["steer"], icon="replay")  # type: ignore[untyped-decorator]
    def again(self, request: HttpRequest, object_id: str) -> HttpResponse:
        video = self._video(request, object_id)
        if not jobs.start_again(video):
            messages.warning(request, gettext("The video is being analysed already."))
        return _back(video)

    @action(description=_("Counts as CSV"), url_path="counts", permissions=["view"], icon="table_view")  # type: ignore[untyped-decorator]
    def export_counts(self, request: HttpRequest, object_id: str) -> HttpResponse:
        video = self._video(request, object_id)
        return _csv(f"counts-{video.pk}.csv", counts_table(video))

    @action(description=_("Sightings as CSV"), url_path="sightings", permissions=["sightings"], icon="table_view")  # type: ignore[untyped-decorator]
    def export_sightings(self, request: HttpRequest, object_id: str) -> HttpResponse:
        video = self._video(request, object_id)
        return _csv(f"sightings-{video.pk}.csv", sightings_table(video))

    @admin.action(description=_("Cancel the selected videos"), permissions=["steer"])
    def cancel_selected(self, request: HttpRequest, queryset: QuerySet[Video]) -> None:
        cancelled = 0
        for video in queryset.filter(state__in=jobs.OPEN_STATES):
            try:
                jobs.request_cancel(video.public_id)
            except VideoProblem:
                continue
            cancelled += 1
        text = ngettext("%(count)d video was cancelled.", "%(count)d videos were cancelled.", cancelled)
        messages.success(request, text % {"count": cancelled})

    def delete_model(self, _request: HttpRequest, obj: Video) -> None:
        _delete(Video.objects.filter(pk=obj.pk))

    def delete_queryset(self, _request: HttpRequest, queryset: QuerySet[Video]) -> None:
        _delete(Video.objects.filter(pk__in=list(queryset.values_list("pk", flat=True))))

    def has_delete_permission(self, request: HttpRequest, obj: Video | None = None) -> bool:
        """One in work is cancelled first."""
        return bool(super().has_delete_permission(request, obj)) and (obj is None or obj.state != VideoState.RUNNING)

    # Columns

    @admin.display(description=_("video"), ordering="name")
    def title(self, video: Video) -> str:
        return video.name or gettext("Video %(number)d") % {"number": video.pk}

    @admin.display(description=_("state"), ordering="state")
    def state_cell(self, video: Video) -> SafeString:
        return format_html('<span class="video-state" data-video-state="{}">{}</span>', video.pk, state_bar(video))

    @admin.display(description=_("length"), ordering="duration_ms")
    def length(self, video: Video) -> str:
        return "–" if video.duration_ms is None else clock(video.duration_ms)

    @admin.display(description=_("size"), ordering="size_bytes")
    def size(self, video: Video) -> str:
        return filesizeformat(video.size_bytes)

    @admin.display(description=_("picture"))
    def frames(self, video: Video) -> str:
        return "–" if video.width is None else f"{video.width} × {video.height}, {video.fps:g} fps"

    @admin.display(description=_("uploaded by"))
    def who(self, video: Video) -> str:
        return str(video.uploaded_by) if video.uploaded_by else video.client or "–"

    def _video(self, request: HttpRequest, object_id: str) -> Video:
        video = self.get_object(request, unquote(object_id))
        if video is None:
            raise Http404
        assert isinstance(video, Video)
        return video


def state_bar(video: Video) -> SafeString:
    """The state, as a bar while the work goes on, with the reason where it failed."""
    label = video.get_state_display()
    if video.state == VideoState.RUNNING:
        return format_html(
            '<progress value="{}" max="1" aria-label="{}"></progress> {}', f"{video.progress:.3f}", label, f"{video.progress:.0%}"
        )
    problem = problem_of(video) if video.state == VideoState.FAILED else None
    reason = format_html("<small>{}</small>", problem) if problem else ""
    return format_html('<span class="video-label video-{}">{}</span>{}', video.state, label, reason)


def _detail(request: HttpRequest, video: Video) -> dict[str, Any]:
    """What stands below the fields of a video."""
    user = request.user
    unmasked = sees_personal_data(user)
    faces = list(faces_of(video)[:SHOWN_SIGHTINGS]) if user.has_perm("analytics.view_facesighting") else []
    plates = list(plates_of(video)[:SHOWN_SIGHTINGS]) if user.has_perm("analytics.view_platesighting") else []
    if unmasked:
        note_seen(faces, plates)
    zones = video.passages.get("zones", {})
    return {
        "player": processed_path(video),
        "broken_at": None if video.broken_at_ms is None else clock(video.broken_at_ms),
        "charts": charts(video),
        "lines": [(name, tally["in"], tally["out"]) for name, tally in video.passages.get("lines", {}).items()],
        "zones": [(name, stay["visits"], _mean_seconds(stay["dwell_ms"])) for name, stay in zones.items()],
        "faces": [face_card(face, unmasked=unmasked) for face in faces],
        "faces_url": _list_url("facesighting", video),
        "plates": [plate_card(plate, unmasked=unmasked) for plate in plates],
        "plates_url": _list_url("platesighting", video),
    }


def _mean_seconds(dwell_ms: list[int]) -> str:
    return f"{sum(dwell_ms) / len(dwell_ms) / 1000:.1f}" if dwell_ms else "–"


def _list_url(model: str, video: Video) -> str:
    return f"{reverse(f'admin:analytics_{model}_changelist')}?video__id__exact={video.pk}"


def _back(video: Video) -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse("admin:analytics_video_change", args=[video.pk]))


def _csv(name: str, lines: Any) -> HttpResponse:
    return HttpResponse(
        "".join(lines), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _delete(videos: QuerySet[Video]) -> None:
    deleted = jobs.delete_videos(videos)
    if deleted:
        note_deleted(Video, deleted)
