"""What the admin classes of every app share."""

from __future__ import annotations

import logging
from typing import Any

from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse

logger = logging.getLogger(__name__)


def rows_shown(response: HttpResponse) -> list[Any]:
    """The rows on a page of a change list; none where the answer is something else, such as a redirect."""
    changelist = (response.context_data or {}).get("cl") if isinstance(response, TemplateResponse) else None
    return [] if changelist is None else list(changelist.result_list)


def row_opened(response: HttpResponse) -> Any:
    """The row whose page this is; None where it is no page of a row."""
    return (response.context_data or {}).get("original") if isinstance(response, TemplateResponse) else None


class NotEdited:
    """For a ModelAdmin whose rows come from elsewhere: staff look at them and may delete them, but add and change none."""

    def has_add_permission(self, _request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, _request: HttpRequest, _obj: Any = None) -> bool:
        return False


class TwoAtOnce:
    """For a ModelAdmin whose rows are unique by what staff type, such as a number.

    Two members of staff may save the same one at the same moment: both forms are valid, the second is refused by the database.
    Its form is then checked again, finds the first one's row, and says so beside the field.
    """

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        arguments = (request, object_id, form_url, extra_context)
        response: HttpResponse
        try:
            response = super().changeform_view(*arguments)  # type: ignore[misc]
        except IntegrityError as error:
            if request.method != "POST":
                raise
            logger.info("%s: saved by somebody else at the same moment (%s)", type(self).__name__, type(error).__name__)
            response = super().changeform_view(*arguments)  # type: ignore[misc]
        return response
