"""A fake of `codex app-server`, run as a program: each turn it does the steps that its next argument lists in JSON."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

THREAD = "thread-1"
TURNS: list[list[Any]] = [json.loads(argument) for argument in sys.argv[1:]]


def send(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def notify(method: str, **params: Any) -> None:
    send({"method": method, "params": {"threadId": THREAD, **params}})


def do(step: Any) -> None:
    if step == "answer":
        item = {"type": "agentMessage", "id": "item", "text": "Hello there."}
        notify("turn/started", turn={"id": "turn"})
        notify("item/started", item={**item, "text": ""})
        notify("item/completed", item=item)
        notify("turn/completed", turn={"id": "turn", "status": "completed"})
    elif step == "close":
        os.close(1)
    elif step == "exit":
        sys.exit(3)
    elif step in ("child", "child of another group"):  # which has our pipes
        child = subprocess.Popen(["sleep", "60"], start_new_session="another" in step)
        with open(os.environ["CHILD"], "w") as file:
            file.write(str(child.pid))
    else:
        send(step)


for line in sys.stdin:
    request = json.loads(line)
    method, reply = request.get("method"), {"id": request.get("id"), "result": {}}
    if method == "initialize":
        send({**reply, "result": {"userAgent": "codex/0.169.0"}})
    elif method == "thread/start" and TURNS:
        send({**reply, "result": {"model": "m", "thread": {"id": THREAD}} if TURNS[0] else {}})
    elif method == "turn/start":
        send(reply)
        for step in TURNS[0] if len(TURNS) == 1 else TURNS.pop(0):
            do(step)
    elif request.get("result") == {"decision": "accept"} or "error" in request:  # the answer to a question
        do("answer")
# It lives on although its input has ended, for longer than a test takes.
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(60)
