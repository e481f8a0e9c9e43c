"""How staff describe a device."""

from __future__ import annotations

from typing import Any, ClassVar
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminPasswordToggleWidget, UnfoldAdminTextareaWidget, UnfoldBooleanSwitchWidget

from analytics.cameras.problems import problem_text
from analytics.cameras.sources import SourceError, parse, take_out_login
from analytics.cameras.visits import SHORTEST_SECONDS
from analytics.models import DeviceType, MediaDevice
from analytics.videos.marks import BadMarks, read_lines, read_zones
from kiosk.runtime.encryption import Undecryptable


class DeviceForm(forms.ModelForm):  # type: ignore[type-arg]
    """A device. Its password is written here and never shown; a user and password in the address are taken out of it."""

    new_password = forms.CharField(
        label=_("password of the camera"),
        required=False,
        max_length=128,
        strip=False,
        widget=UnfoldAdminPasswordToggleWidget(attrs={"autocomplete": "new-password"}),
    )
    forget_password = forms.BooleanField(label=_("forget the stored password"), required=False, widget=UnfoldBooleanSwitchWidget)

    class Meta:
        model = MediaDevice
        fields: ClassVar = [
            "name",
            "device_type",
            "ip",
            "address",
            "username",
            "zone",
            "enabled",
            "cooldown_seconds",
            "threshold",
            "min_face",
            "lines",
            "zones",
        ]
        help_texts: ClassVar = {
            "address": _("rtsp://…, http(s)://…, the path of a video file, or a camera of this server (/dev/video0)"),
            "ip": _("What events say of the device; empty: the address's, where it has one"),
            "cooldown_seconds": _(
                "Who is out of sight for less is still the same visit, and gets no second event; at least 3 seconds count"
            ),
            "threshold": _(
                "0 to 1; empty: as everywhere. Lower knows more people from afar, and brings wrong names: leave it empty where"
                " a name opens a door. Below the general value, a name also has to be well ahead of the second likeliest"
            ),
            "min_face": _(
                "The shorter side of a face; empty: as everywhere. Small faces tell little and are more easily confused"
            ),
            "lines": '[{"name": "门口", "start": [0.1, 0.5], "end": [0.9, 0.5]}]',
            "zones": '[{"name": "等候区", "corners": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}]',
        }
        widgets: ClassVar = {
            "lines": UnfoldAdminTextareaWidget(attrs={"rows": 3, "data-marks": "lines", "spellcheck": "false"}),
            "zones": UnfoldAdminTextareaWidget(attrs={"rows": 3, "data-marks": "zones", "spellcheck": "false"}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = bool(self.instance.pk and self.instance.__dict__.get("password"))
        if "new_password" in self.fields:
            self.fields["new_password"].help_text = (
                _("A password is stored; leave this empty to keep it.") if stored else _("None is stored.")
            )
        for name, general in (("threshold", settings.KIOSK.face_threshold), ("min_face", settings.KIOSK.watch_face_min_size)):
            if name in self.fields:
                self.fields[name].widget.attrs["placeholder"] = general
        if "forget_password" in self.fields and not stored:
            del self.fields["forget_password"]

    def clean_cooldown_seconds(self) -> int:
        value: int = self.cleaned_data["cooldown_seconds"]
        return max(value, round(SHORTEST_SECONDS))

    def clean_lines(self) -> Any:
        return self._marks("lines", read_lines)

    def clean_zones(self) -> Any:
        return self._marks("zones", read_zones)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        address = (data.get("address") or "").strip()
        if address:
            try:
                address, username, password = take_out_login(address)
                parse(address, data.get("device_type") or DeviceType.RTSP)
            except SourceError as error:
                self.add_error("address", problem_text(error.problem))
                return data
            data["address"] = address
            data["username"] = username or data.get("username", "")
            data["new_password"] = password or data.get("new_password", "")
        self._require_password_again(data)
        if not data.get("ip"):
            data["ip"] = _ip_of(address)
        return data

    def save(self, commit: bool = True) -> Any:
        if self.cleaned_data.get("new_password"):
            self.instance.password = self.cleaned_data["new_password"]
        elif self.cleaned_data.get("forget_password"):
            self.instance.password = ""
        return super().save(commit)

    def _marks(self, field: str, read: Any) -> Any:
        value = self.cleaned_data[field] or []
        try:
            read(value)
        except BadMarks as error:
            raise ValidationError(str(error)) from None
        return value

    def _require_password_again(self, data: dict[str, Any]) -> None:
        """Whoever may change the address must not have the stored password sent to a host of their own."""
        before = MediaDevice.objects.filter(pk=self.instance.pk).first() if self.instance.pk else None
        if before is None or data.get("new_password") or data.get("forget_password"):
            return
        try:
            stored = bool(before.password)
        except Undecryptable:
            stored = True
        if stored and _host(before.address) != _host(data.get("address", "")):
            self.add_error("new_password", gettext("The address leads to another host: enter the password again."))


def _host(address: str) -> tuple[str | None, int | None, str]:
    parts = urlsplit(address)
    return parts.hostname, parts.port, parts.scheme


def _ip_of(address: str) -> str | None:
    """The host, where it is an IP address."""
    host = urlsplit(address).hostname or ""
    try:
        forms.GenericIPAddressField().clean(host)
    except ValidationError:
        return None
    return host
