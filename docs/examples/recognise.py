"""Who is on these pictures? python recognise.py ws://127.0.0.1:3304 frame1.jpg frame2.jpg …

Needs: pip install websockets
"""
# ruff: noqa: INP001, T201

import json
import sys
from pathlib import Path

from websockets.sync.client import connect

server, *pictures = sys.argv[1:]
with connect(f"{server}/face_predict", max_size=None) as socket:
    for picture in pictures:
        socket.send(Path(picture).read_bytes())
        answer = json.loads(socket.recv())
        print(answer["message"], answer["user_id"], answer.get("detail", ""))
        if answer["message"] in {"success", "fail"}:
            break
