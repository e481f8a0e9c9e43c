"""May they: the scope a view asks for, against those of the client's token."""

from __future__ import annotations

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from kiosk.api.authentication import ApiClient


class HasScope(BasePermission):
    """Allows a client whose scopes contain the view's `required_scope(request)`; a view that names none is for nobody."""

    def has_permission(self, request: Request, view: Any) -> bool:
        client = request.user
        if not isinstance(client, ApiClient) or not hasattr(view, "required_scope"):
            return False
        return view.required_scope(request) in client.scopes
