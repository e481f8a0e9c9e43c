"""The websockets of this app, by their paths."""

from flows.consumers import FlowConsumer, SpeakConsumer, TranscribeConsumer

TOOL_SOCKETS = {"/stt": TranscribeConsumer.as_asgi(), "/tts": SpeakConsumer.as_asgi()}
FLOW_SOCKETS = {"/flow": FlowConsumer.as_asgi()}
