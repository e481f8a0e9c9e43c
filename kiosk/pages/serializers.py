"""The schemas that the API docs show of withdrawing consent."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from flows.dialogue.visits import MOST_USER_ID


class WithdrawRequestSchema(serializers.Serializer[Any]):
    """POST withdraw."""

    user_id = serializers.CharField(max_length=MOST_USER_ID)
    hash = serializers.CharField(help_text="本次办理的令牌")


class WithdrawResponseSchema(serializers.Serializer[Any]):
    """The consent is withdrawn, and no face is kept."""

    user_id = serializers.CharField()
    type = serializers.ChoiceField(["withdraw"])
    hash = serializers.CharField()
