"""A fake of `codex app-server`, run as a program, that is as unkind as its argument says."""

import json
import os
import signal
import subprocess
import sys
import time
from typing import Any

MODE = sys.argv[1]
THREAD = "thread-1"
TURNS: list[int] = []


def send(message: dict[str, Any]) -> None:
    os.write(1, json.dumps(message).encode() + b"\n")


def notify(method: str, **params: Any) -> None:
    send({"method": method, "params": {"threadId": THREAD, **params}})


def answer() -> None:
    item = {"type": "agentMessage", "id": "item", "text": "Hello there."}
    notify("turn/started", turn={"id": "turn"})
    notify("item/started", item={**item, "text": ""})
    notify("item/completed", item=item)
    notify("turn/completed", turn={"id": "turn", "status": "completed"})


def live_on() -> None:
    """Live on, whatever becomes of the pipes, for longer than a test takes."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(60)


def hold_the_pipes(*, leave_the_group: bool) -> None:
    """Start a child that has our pipes."""
    child = subprocess.Popen(["sleep", "20"], start_new_session=leave_the_group)
    with open(os.environ["CHILD"], "w") as file:
        file.write(str(child.pid))


def turn(request_id: int) -> None:
    TURNS.append(request_id)
    if MODE == "dies at its second turn" and len(TURNS) == 2:
        sys.exit(3)
    send({"id": request_id, "result": {}})
    if MODE == "closes its output but lives":
        os.close(1)
        live_on()
    elif MODE in ("ends while a child holds the pipes", "ends while a child of another group holds the pipes"):
        hold_the_pipes(leave_the_group="another" in MODE)
        sys.exit(3)
    elif MODE == "answers and ends at once":
        answer()
        sys.exit(0)
    elif MODE == "sends a delta without text":
        notify("item/agentMessage/delta", itemId="item")
    elif MODE == "starts a turn without an id":
        notify("turn/started", turn={})
    elif MODE == "asks without naming what for":
        send({"id": "a", "method": "item/commandExecution/requestApproval", "params": {"threadId": THREAD}})
    elif MODE == "asks what no client answers":
        send({"id": "b", "method": "item/tool/requestUserInput", "params": {"threadId": THREAD}})
    elif MODE == "asks for a sub-agent":
        notify("thread/started", threadId="", thread={"id": "child", "parentThreadId": THREAD})
        params = {"threadId": "child", "turnId": "turn", "itemId": "item", "command": "ls"}
        send({"id": "a", "method": "item/commandExecution/requestApproval", "params": params})
    elif MODE in ("answers, and lives on", "dies at its second turn"):
        answer()


def main() -> None:
    for line in sys.stdin:
        message = json.loads(line)
        method, request_id = message.get("method"), message.get("id")
        if method == "initialize":
            send({"id": request_id, "result": {"userAgent": "codex/0.169.0"}})
        elif method == "thread/start" and MODE == "names no thread":
            send({"id": request_id, "result": {}})
        elif method == "thread/start" and MODE != "says nothing":
            send({"id": request_id, "result": {"model": "m", "thread": {"id": THREAD}}})
        elif method == "turn/start":
            turn(request_id)
        elif message.get("result") == {"decision": "accept"} or "error" in message:  # the answer to a question
            answer()
    live_on()  # although its input has ended


main()
