"""A whole visit: python visit.py http://127.0.0.1:10925 ws://127.0.0.1:444 xiaofeng 我要办身份证, answers on standard input.

Needs: pip install websockets requests
"""
# ruff: noqa: INP001, T201

import json
import sys

import requests
from websockets.sync.client import connect

posts, socket_url, user_id, wish = sys.argv[1:]


def post(kind: str, **more: object) -> dict:
    answer = requests.post(posts, json={"user_id": user_id, "type": kind, **more}, timeout=30).json()
    if answer["type"] != kind:
        sys.exit(f"{answer['type']}: {answer['detail']}")
    return answer


hall = post("handshake", input={"type": "text", "text": wish})
print(hall["classify"], hall["flow"], sep="\n")

with connect(socket_url) as socket:
    socket.send(json.dumps({"user_id": user_id, "type": "qna", "hash": hall["hash"]}))
    while question := socket.recv():
        print(question)
        socket.send(input())

print(post("storage", hash=hall["hash"])["output"])
print(post("summary", hash=hall["hash"])["output"]["tables"])
