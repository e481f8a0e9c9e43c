"""docs/asyncapi.yaml is right in itself and about the product. That nothing else is said, tests/sockets.py checks."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator

from analytics.routing import EVENT_SOCKETS
from faces.frames import Progress
from faces.routing import TOOL_SOCKETS as FACE_TOOLS
from flows.routing import FLOW_SOCKETS
from flows.routing import TOOL_SOCKETS as SPEECH_TOOLS
from kiosk.environment import Environment, environment_name
from tests.asyncapi import PATH, document, is_documented, look_up, references, resolved

MESSAGES = document()["components"]["messages"]
EXAMPLES = [
    pytest.param(resolved(message)["payload"], example["payload"], id=f"{name}: {example['name']}")
    for name, message in MESSAGES.items()
    for example in message.get("examples", [])
]


def test_references_lead_somewhere():
    found = set(references(document()))
    assert found
    for reference in found:
        look_up(reference)


def test_is_complete():
    assert document()["asyncapi"] == "3.0.0"
    assert {"title", "version"} <= set(document()["info"])
    for server in document()["servers"].values():
        assert {"host", "protocol"} <= set(server)
    for channel in document()["channels"].values():
        assert {"address", "servers", "messages"} <= set(channel)


def test_every_message_is_used():
    used = {reference for operation in document()["operations"].values() for reference in references(operation)}
    offered = {
        f"#/channels/{name}/messages/{key}" for name, channel in document()["channels"].items() for key in channel["messages"]
    }
    assert {reference for reference in offered - used if "Root" not in reference} == set()
    assert {reference for reference in used if "/messages/" in reference} <= offered
    assert set(MESSAGES) == {reference.rpartition("/")[2] for reference in offered}


@pytest.mark.parametrize("name", MESSAGES)
def test_schemas(name):
    Draft202012Validator.check_schema(resolved(MESSAGES[name])["payload"])


@pytest.mark.parametrize(("schema", "payload"), EXAMPLES)
def test_examples(schema, payload):
    Draft202012Validator(schema).validate(payload)


def test_channels_are_the_routes():
    addresses = {channel["address"] for channel in document()["channels"].values()}
    assert addresses == {*FACE_TOOLS, *SPEECH_TOOLS, *FLOW_SOCKETS, *EVENT_SOCKETS, "/"}


def test_ports_are_the_defaults():
    ports = {name: int(server["host"].rpartition(":")[2]) for name, server in document()["servers"].items()}
    fields = Environment.model_fields
    assert ports == {
        name: fields[field].default
        for name, field in (("tools", "tool_port"), ("flow", "flow_socket_port"), ("events", "event_port"), ("web", "port"))
    }


def test_settings_exist():
    named = set(re.findall(r"KIOSK_[A-Z_]*[A-Z]", PATH.read_text(encoding="utf-8")))
    assert named
    assert named <= {environment_name(field) for field in Environment.model_fields}


def test_progress():
    for message in ("prediction", "training"):
        assert set(MESSAGES[message]["payload"]["properties"]["message"]["enum"]) - {"error"} == set(Progress)


@pytest.mark.parametrize(
    "body",
    [
        {"user_id": "", "type": "face_predict", "hash": "0" * 24, "message": "maybe"},
        {"user_id": "", "type": "face_predict", "hash": "0" * 24},
        {"user_id": "", "type": "face_predict", "hash": "0" * 24, "message": "fail", "name": "x"},
        {"type": "stt", "message": "error", "detail": "x"},
        "text",
    ],
    ids=["unknown message", "no message", "another key", "another socket's", "a text"],
)
def test_what_is_not_documented_is_noticed(body):
    assert not is_documented("/face_predict", body)
