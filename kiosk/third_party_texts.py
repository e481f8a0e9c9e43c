"""Texts of installed packages that have no Chinese of their own, named here so that `makemessages` keeps their translations.

The admin's theme (unfold) and the audit log ship no Chinese at all, API keys and import-export lack some. Nobody imports it.
"""

from django.utils.translation import gettext_noop as _

THEME = [
    _("%(class_name)s %(instance)s"),
    _("Add new item"),
    _("Add row"),
    _("After you've created a user, you’ll be able to edit more user options."),
    _("All applications"),
    _("Apply Filters"),
    _("Cancel"),
    _("Choose file to upload"),
    _("Click to cancel"),
    _("Click to download"),
    _("Dark"),
    _("Date"),
    _("Date from"),
    _("Date to"),
    _("Expand row"),
    _("False"),
    _("From"),
    _("General"),
    _("Go back"),
    _("Image preview"),
    _("Light"),
    _("Loading more results..."),
    _("More actions"),
    _("Next"),
    _("No data"),
    _("No recent searches"),
    _("No results found"),
    _("No results matching your query"),
    _("Previous"),
    _(
        "Raw passwords are not stored, so there is no way to see this user’s password, but you can change the password using "
        '<a href="{}" class="text-primary-600 dark:text-primary-500">this form</a>.'
    ),
    _("Recent searches"),
    _("Record picture"),
    _("Reset filters"),
    _("Return to site"),
    _("Run"),
    _("Search apps and models..."),
    _("Select action"),
    _("Select action to run"),
    _("Select all rows"),
    _("Select format"),
    _("Select record"),
    _("Select value"),
    _("System"),
    _("This exporter will export the following fields"),
    _("This item will be deleted."),
    _("This page yielded into no results. Create a new item or reset your filters."),
    _("To"),
    _("Toggle password visibility"),
    _("True"),
    _("Type to search"),
    _("Value"),
    _("View traceback"),
    _("Welcome"),
    _("Welcome back to"),
    _("You have been successfully logged out from the administration"),
]
AUDIT_LOG = [
    _("Audit log"),
    _("Created {repr:s}"),
    _("Deleted {repr:s}"),
    _("Logged {repr:s}"),
    _("Updated {repr:s}"),
    _("access"),
    _("action"),
    _("actor"),
    _("create"),
    _("delete"),
    _("remote address"),
    _("timestamp"),
    _("update"),
]
API_KEYS = [
    _("A free-form name for the API key. Need not be unique. 50 characters max."),
    _("Expires"),
    _("If the API key is revoked, clients cannot use it anymore. (This cannot be undone.)"),
    _("Once API key expires, clients cannot use it anymore."),
]
IMPORT_EXPORT = [
    _("%(exc_name)s encountered while trying to read file. Ensure you have chosen the correct format for the file."),
    _("No valid data to import. Ensure your file has the correct headers or data for import."),
    _("Value could not be parsed."),
    _("export failed due to IllegalCharacterError"),
]
