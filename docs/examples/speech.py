"""Says a text, and writes down what it hears: python speech.py ws://127.0.0.1:3304 您好 spoken.mp3

Needs: pip install websockets
"""
# ruff: noqa: INP001, T201

import json
import sys
from pathlib import Path

from websockets.sync.client import connect

server, text, path = sys.argv[1:]
with connect(f"{server}/tts", max_size=None) as socket:
    socket.send(text)
    sound = socket.recv()
if isinstance(sound, str):
    sys.exit(json.loads(sound)["detail"])
Path(path).write_bytes(sound)

with connect(f"{server}/stt") as socket:
    socket.send(sound)
    heard = json.loads(socket.recv())
print(heard if isinstance(heard, str) else heard["detail"])
