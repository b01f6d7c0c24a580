"""A service on loopback that speaks the part of the Responses API over SSE that the Codex CLI uses."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self
from uuid import uuid4

from ..support.serving import wsgi

WAIT = object()
"""A moment at which an answer waits until the test calls `go_on`."""


@dataclass(frozen=True)
class Asked:
    """One request of the CLI; names of headers are in lower case."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def texts(self) -> list[tuple[str, str]]:
        """Role and text of every message of the input."""
        return [
            (item["role"], part["text"])
            for item in self.body["input"]
            if item.get("type", "message") == "message"
            for part in item["content"]
            if "text" in part
        ]

    @property
    def prompt(self) -> str:
        """The last text of the user."""
        return next(text for role, text in reversed(self.texts) if role == "user")


@dataclass(frozen=True)
class Answer:
    """What the service sends: a status and a body, or a stream of events, whole or cut after the last."""

    events: Iterable[Any] = ()
    status: int = 200
    body: Any = None


def event(kind: str, **response: Any) -> dict[str, Any]:
    return {"type": f"response.{kind}", "response": {"id": f"resp_{uuid4().hex}", **response}}


CREATED = event("created")
USAGE = {
    "input_tokens": 11,
    "input_tokens_details": {"cached_tokens": 3},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 2},
    "total_tokens": 16,
}
COMPLETED = event("completed", usage=USAGE)
INCOMPLETE = event("incomplete", usage=USAGE, incomplete_details={"reason": "max_output_tokens"})


def message(*deltas: Any, phase: str | None = None) -> Iterator[Any]:
    """A message of the assistant in these pieces; `WAIT` among them waits."""
    item = {"type": "message", "role": "assistant", "id": f"msg_{uuid4().hex}", **({"phase": phase} if phase else {})}
    yield {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    for delta in deltas:
        yield delta if delta is WAIT else {"type": "response.output_text.delta", "delta": delta, **place}
    text = "".join(delta for delta in deltas if delta is not WAIT)
    yield done({**item, "content": [{"type": "output_text", "text": text}]})


def done(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "response.output_item.done", "output_index": 0, "item": item}


def does(command: str, *said: Any) -> Answer:
    """A response with which the agent says something and runs a command."""
    item = {"type": "function_call", "call_id": f"call_{uuid4().hex}", "name": "exec_command"}
    return says(*said, done({**item, "arguments": json.dumps({"cmd": command})}))


def says(*events: Any) -> Answer:
    """An answer of these messages and calls, complete."""
    return Answer([CREATED, *events, COMPLETED])


def say(*deltas: Any) -> Answer:
    """A whole answer in these pieces."""
    return says(*message(*deltas))


HALF = say("half", WAIT)
"""An answer that stops amid the text until the test goes on."""
CUT = Answer([CREATED, *[*message("Par", "tial")][:-1]])
"""An answer that breaks off."""


def echo(asked: Asked) -> Answer:
    return say("you said ", asked.prompt)


def failed(code: str) -> Answer:
    return Answer([CREATED, event("failed", error={"code": code, "message": "x"})])


def refuse(status: int, code: str | None = None, text: str = "the service says no") -> Answer:
    return Answer(status=status, body={"error": {"message": text, "type": code or "error", "code": code}})


class Responses:
    """Answers in the order given; the last answer repeats. An answer may be a function of the request."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._go_on = threading.Event()
        self.reset(say("Hello", " there", "."))

    def __enter__(self) -> Self:
        self._serving = wsgi(self)
        self.base_url = f"{self._serving.__enter__()}/v1"
        return self

    def __exit__(self, *exception: Any) -> None:
        self.go_on()
        self._serving.__exit__(*exception)

    def reset(self, *answers: Answer | Callable[[Asked], Answer]) -> None:
        """Forget what was asked, let go of what waits, and answer so from now on."""
        self.go_on()
        self._go_on = threading.Event()
        self._answers = list(answers)
        self.asked: list[Asked] = []

    def go_on(self) -> None:
        """Let the answers that wait go on."""
        self._go_on.set()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterator[bytes]:
        """Answer a request, as a WSGI application."""
        if environ["REQUEST_METHOD"] != "POST":
            start_response("404 X", [])
            return
        body = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))
        headers = {name[5:].lower().replace("_", "-"): environ[name] for name in environ if name[:5] == "HTTP_"}
        asked = Asked(environ["PATH_INFO"], headers, body)
        with self._lock:
            self.asked.append(asked)
            answer, go_on = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0], self._go_on
        answer = answer(asked) if callable(answer) else answer
        kind = "text/event-stream" if answer.body is None else "application/json"
        start_response(f"{answer.status} X", [("Content-Type", kind)])
        if answer.body is not None:
            yield json.dumps(answer.body).encode()
        for one in answer.events:
            if one is WAIT:
                go_on.wait()
            else:
                yield f"event: {one['type']}\ndata: {json.dumps(one)}\n\n".encode()
