"""Follows recognition events, and misses none: python events.py ws://127.0.0.1:5679 [event_id of the last one seen]

Needs: pip install websockets
"""
# ruff: noqa: INP001, T201

import json
import sys

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

server, last = sys.argv[1], sys.argv[2] if sys.argv[2:] else None
wanted = {"with_face_image": False, "user_types": [], "heartbeat": 30}
# With a token: additional_headers={"Authorization": "Bearer TOKEN"}
with connect(server, max_size=None) as socket:
    socket.send(json.dumps(wanted if last is None else {**wanted, "since": last}))
    try:
        for message in socket:
            event = json.loads(message)
            if event.get("message") == "heartbeat":
                print("following", flush=True)
            elif event.get("message") == "lost":
                # Ask again from the last one that came.
                socket.send(json.dumps({**wanted, "since": event["after"] or last}))
            elif "type" in event:
                sys.exit(event["detail"])
            else:
                last = event["event_id"]
                print(event["timestamp"], event["user_type"], event["identity_name"] or event["identity_id"], last, flush=True)
    except (ConnectionClosed, KeyboardInterrupt):
        print("last seen:", last)
