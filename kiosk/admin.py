"""Admin of API tokens, and the audit log and user pages in the admin's theme."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from auditlog.models import LogEntry
from auditlog.registry import auditlog
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, Permission, User
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.text import capfirst
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework_api_key.models import APIKey
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from kiosk import audit_log
from kiosk.forms import ApiTokenForm, GroupsField, PermissionsField, grantable_permissions, permissions_by_model
from kiosk.models import ApiToken
from kiosk.runtime.admin import NotEdited, TwoAtOnce

admin.site.unregister([User, Group, LogEntry, APIKey])

_SHOWN_CHANGES: Final = 3
_ACTIONS: Final = {
    LogEntry.Action.CREATE: _("created"),
    LogEntry.Action.UPDATE: _("changed"),
    LogEntry.Action.DELETE: _("deleted"),
    LogEntry.Action.ACCESS: _("seen"),
}
_ACTION_COLOURS: Final = {
    LogEntry.Action.CREATE: "success",
    LogEntry.Action.UPDATE: "info",
    LogEntry.Action.DELETE: "danger",
    LogEntry.Action.ACCESS: "warning",
}


class GrantingAdmin:
    """Groups and permissions as check boxes."""

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest | None, **kwargs: Any) -> Any:
        if db_field.related_model is Permission:
            kwargs |= {"form_class": PermissionsField, "queryset": grantable_permissions(), "help_text": ""}
        elif db_field.related_model is Group:
            kwargs |= {"form_class": GroupsField, "help_text": _("A user has the permissions of all of their groups.")}
        else:
            return super().formfield_for_manytomany(db_field, request, **kwargs)  # type: ignore[misc]
        return db_field.formfield(**kwargs)


@admin.register(User)
class KioskUserAdmin(TwoAtOnce, GrantingAdmin, UserAdmin, ModelAdmin):  # type: ignore[misc, type-arg]
    """Django's users, in the theme."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    filter_horizontal: ClassVar = []


@admin.register(Group)
class KioskGroupAdmin(TwoAtOnce, GrantingAdmin, GroupAdmin, ModelAdmin):  # type: ignore[misc]
    """Django's groups, in the theme."""

    filter_horizontal: ClassVar = []

    def get_fields(self, request: HttpRequest, obj: Group | None = None) -> Any:
        """Whoever may only look gets the permissions in words."""
        return ["name", "permissions" if self.has_change_permission(request, obj) else "permission_names"]

    def get_readonly_fields(self, _request: HttpRequest, _obj: Group | None = None) -> list[str]:
        return ["permission_names"]

    @admin.display(description=_("permissions"))
    def permission_names(self, group: Group) -> str:
        """By what they are about, in the language of the page."""
        rows = [(kind, ", ".join(names)) for kind, names in permissions_by_model(group)]
        return format_html(
            '<table class="audit-table"><tbody>{}</tbody></table>',
            format_html_join("", '<tr><th scope="row">{}</th><td>{}</td></tr>', rows),
        )


class ResourceFilter(admin.SimpleListFilter):
    """Entries by the kind of thing they are about."""

    title = _("resource")
    parameter_name = "resource"

    def lookups(self, _request: HttpRequest, _model_admin: Any) -> list[tuple[str, str]]:
        followed = ContentType.objects.get_for_models(*auditlog.get_models()).items()
        return sorted((str(kind.pk), capfirst(str(model._meta.verbose_name))) for model, kind in followed)  # noqa: SLF001

    def queryset(self, _request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(content_type_id=value) if value and value.isdecimal() else queryset


@admin.register(LogEntry)
class KioskLogEntryAdmin(NotEdited, ModelAdmin):  # type: ignore[misc]
    """The audit log: to be read, searched and filtered, never changed."""

    list_display: ClassVar = ["when", "who", "action_label", "resource", "summary", "remote_addr"]
    list_display_links: ClassVar = ["when"]
    list_filter: ClassVar = ["action", ResourceFilter, ("actor", admin.RelatedOnlyFieldListFilter), "timestamp"]
    search_fields: ClassVar = ["object_repr", "actor__username", "remote_addr", "additional_data"]
    search_help_text = _("Entity id, user, API client or address")
    list_select_related: ClassVar = ["content_type", "actor"]
    date_hierarchy = "timestamp"
    list_per_page = 50
    show_full_result_count = False
    fields: ClassVar = ["when", "who", "remote_addr", "action_name", "resource", "about", "change_table"]
    readonly_fields: ClassVar = fields

    def has_delete_permission(self, _request: HttpRequest, _obj: LogEntry | None = None) -> bool:
        return False

    @admin.display(description=_("time"), ordering="timestamp")
    def when(self, entry: LogEntry) -> str:
        return date_format(localtime(entry.timestamp), "Y-m-d H:i:s")

    @admin.display(description=_("by"), ordering="actor__username")
    def who(self, entry: LogEntry) -> str:
        return audit_log.actor(entry)

    @display(description=_("what was done"), ordering="action", label=_ACTION_COLOURS)  # type: ignore[untyped-decorator]
    def action_label(self, entry: LogEntry) -> tuple[int, str]:
        return entry.action, str(_ACTIONS[entry.action])

    @admin.display(description=_("what was done"))
    def action_name(self, entry: LogEntry) -> str:
        return str(_ACTIONS[entry.action])

    @admin.display(description=_("resource"), ordering="content_type")
    def resource(self, entry: LogEntry) -> str:
        """A link to what the entry is about, unless that is gone."""
        text = audit_log.resource(entry)
        if entry.action == LogEntry.Action.DELETE or not entry.object_pk:
            return text
        kind = entry.content_type
        try:
            url = reverse(f"admin:{kind.app_label}_{kind.model}_change", args=[entry.object_pk])
        except NoReverseMatch:
            return text
        return format_html('<a href="{}">{}</a>', url, text)

    @admin.display(description=_("details"))
    def summary(self, entry: LogEntry) -> str:
        """The first changes in a word each; the entry's own page has them all."""
        if entry.action == LogEntry.Action.DELETE:
            gone = [(part.name, part.count) for part in audit_log.removed(entry)]
            return format_html('<span class="audit-changes">{}</span>', format_html_join("", "<span>{}: {}</span>", gone))
        if entry.action != LogEntry.Action.UPDATE:
            return audit_log.use(entry)
        found = list(audit_log.changes(entry))
        rows = [(change.field, change.before or "–", change.after or "–") for change in found[:_SHOWN_CHANGES]]
        text = format_html_join("", "<span>{}: {} → {}</span>", rows)
        more = len(found) - len(rows)
        rest = format_html("<small>{}</small>", _("and %(count)d more") % {"count": more}) if more > 0 else ""
        return format_html('<span class="audit-changes">{}{}</span>', text, rest)

    @admin.display(description=_("details"))
    def about(self, entry: LogEntry) -> str:
        ids = (entry.additional_data or {}).get("ids", [])
        return format_html("{}<br>{}", audit_log.use(entry), ", ".join(ids)) if ids else audit_log.use(entry) or "–"

    @admin.display(description=_("changes"))
    def change_table(self, entry: LogEntry) -> str:
        if gone := list(audit_log.removed(entry)):
            return format_html_join("", "<p>{}: {}</p>", [(part.name, part.count) for part in gone])
        rows = [(change.field, change.before or "–", change.after or "–") for change in audit_log.changes(entry)]
        if not rows:
            return "–"
        return format_html(
            '<table class="audit-table"><thead><tr><th>{}</th><th>{}</th><th>{}</th></tr></thead><tbody>{}</tbody></table>',
            _("field"),
            _("before"),
            _("after"),
            format_html_join("", "<tr><td>{}</td><td>{}</td><td>{}</td></tr>", rows),
        )


@admin.register(ApiToken)
class ApiTokenAdmin(ModelAdmin):  # type: ignore[misc]
    """Tokens are shown once when they are made; afterwards only their prefix."""

    form = ApiTokenForm
    list_display: ClassVar = ["prefix_code", "client", "scope_names", "made", "last_used_at", "expiry_date", "state"]
    list_filter: ClassVar = ["revoked", "created"]
    search_fields: ClassVar = ["name", "prefix"]

    @admin.display(description=_("prefix"), ordering="prefix")
    def prefix_code(self, token: ApiToken) -> str:
        return token.prefix

    @admin.display(description=_("client"), ordering="name")
    def client(self, token: ApiToken) -> str:
        return token.name

    @admin.display(description=_("scopes"))
    def scope_names(self, token: ApiToken) -> str:
        return ", ".join(token.scopes)

    @admin.display(description=_("created"), ordering="created")
    def made(self, token: ApiToken) -> str:
        return date_format(localtime(token.created), "SHORT_DATETIME_FORMAT")

    @display(description=_("state"), label={"usable": "success", "expired": "warning", "revoked": "danger"})  # type: ignore[untyped-decorator]
    def state(self, token: ApiToken) -> tuple[str, str]:
        if token.revoked:
            return "revoked", gettext("revoked")
        return ("expired", gettext("expired")) if token.has_expired else ("usable", gettext("usable"))

    def get_fields(self, _request: HttpRequest, obj: ApiToken | None = None) -> list[str]:
        return ["name", "scopes", "expiry_date", *([] if obj is None else ["revoked", "prefix_code"])]

    def get_readonly_fields(self, _request: HttpRequest, obj: ApiToken | None = None) -> tuple[str, ...]:
        """A revoked token stays revoked, and as it was."""
        return ("prefix_code", "name", "revoked", "expiry_date") if obj is not None and obj.revoked else ("prefix_code",)

    def save_model(self, request: HttpRequest, obj: ApiToken, _form: Any = None, change: bool = False) -> None:
        if change:
            obj.save()
            return
        key = ApiToken.objects.assign_key(obj)
        obj.save()
        text = _("The token of %(client)s is %(key)s – copy it now: it is never shown again.")
        messages.warning(request, text % {"client": obj.name, "key": key})

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:  # noqa: ARG002
        """A token is revoked, not deleted: the audit log goes on naming it."""
        return False
