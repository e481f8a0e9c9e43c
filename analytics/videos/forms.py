"""How staff upload a video."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from analytics.models import MediaDevice
from analytics.videos.marks import BadMarks, read_lines, read_zones
from analytics.videos.staff import NewVideo

_DEFAULT_INTERVAL_MS = 1000


class VideoForm(forms.Form):
    """A video file and how it is to be analysed."""

    file = forms.FileField(label=_("Video"), widget=UnfoldAdminFileFieldWidget(attrs={"accept": "video/*,.mkv,.ts,.flv"}))
    interval_ms = forms.IntegerField(
        label=_("Interval, milliseconds"),
        initial=_DEFAULT_INTERVAL_MS,
        help_text=_("Counts are given for each interval of the video."),
        widget=UnfoldAdminIntegerFieldWidget,
    )
    device = forms.ModelChoiceField(
        label=_("Device"),
        queryset=MediaDevice.objects.order_by("name"),
        required=False,
        help_text=_("Its lines and zones hold, where none are given below."),
        widget=UnfoldAdminSelectWidget,
    )
    recorded_at = forms.DateTimeField(
        label=_("Recorded at"), required=False, widget=UnfoldAdminTextInputWidget(attrs={"type": "datetime-local"})
    )
    lines = forms.JSONField(
        label=_("Counting lines"),
        required=False,
        initial=list,
        help_text='[{"name": "门口", "start": [0.1, 0.5], "end": [0.9, 0.5]}]',
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )
    zones = forms.JSONField(
        label=_("Zones"),
        required=False,
        initial=list,
        help_text='[{"name": "等候区", "corners": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}]',
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 2}),
    )

    def clean_interval_ms(self) -> int:
        value: int = self.cleaned_data["interval_ms"]
        least, most = settings.KIOSK.video_interval_ms, settings.KIOSK.video_interval_max_ms
        if not least <= value <= most:
            raise ValidationError(_("From %(least)d to %(most)d milliseconds.") % {"least": least, "most": most})
        return value

    def clean_lines(self) -> Any:
        return self._marks("lines", read_lines)

    def clean_zones(self) -> Any:
        return self._marks("zones", read_zones)

    def new_video(self) -> NewVideo:
        """What was filled in, once it is valid."""
        data = self.cleaned_data
        device: MediaDevice | None = data["device"]
        return NewVideo(
            file=data["file"],
            interval_ms=data["interval_ms"],
            device=device,
            recorded_at=data["recorded_at"],
            lines=data["lines"] or (read_lines(device.lines) if device else ()),
            zones=data["zones"] or (read_zones(device.zones) if device else ()),
        )

    def _marks(self, name: str, read: Any) -> Any:
        try:
            return read(self.cleaned_data[name] or [])
        except BadMarks as error:
            raise ValidationError(str(error)) from None
