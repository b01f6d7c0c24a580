"""A service on loopback that speaks the part of the Responses API over SSE that the Codex CLI uses."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from uuid import uuid4

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


def usage(input_tokens: int = 11, output_tokens: int = 5, cached: int = 3, reasoning: int = 2) -> dict[str, Any]:
    return {
        "input_tokens": input_tokens,
        "input_tokens_details": {"cached_tokens": cached},
        "output_tokens": output_tokens,
        "output_tokens_details": {"reasoning_tokens": reasoning},
        "total_tokens": input_tokens + output_tokens,
    }


def created() -> dict[str, Any]:
    return {"type": "response.created", "response": {"id": f"resp_{uuid4().hex}"}}


def completed(**counts: int) -> dict[str, Any]:
    return {"type": "response.completed", "response": {"id": f"resp_{uuid4().hex}", "usage": usage(**counts)}}


def incomplete(reason: str) -> dict[str, Any]:
    response = {"id": f"resp_{uuid4().hex}", "usage": usage(), "incomplete_details": {"reason": reason}}
    return {"type": "response.incomplete", "response": response}


def failed(code: str, message: str) -> dict[str, Any]:
    response = {"id": f"resp_{uuid4().hex}", "error": {"code": code, "message": message}}
    return {"type": "response.failed", "response": response}


def message(*deltas: Any, phase: str | None = None) -> Iterator[Any]:
    """A message of the assistant in these pieces; `WAIT` among them waits."""
    item = {"type": "message", "role": "assistant", "id": f"msg_{uuid4().hex}"}
    if phase:
        item["phase"] = phase
    yield {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}}
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    for delta in deltas:
        yield delta if delta is WAIT else {"type": "response.output_text.delta", "delta": delta, **place}
    text = "".join(delta for delta in deltas if delta is not WAIT)
    done = {**item, "content": [{"type": "output_text", "text": text}]}
    yield {"type": "response.output_item.done", "output_index": 0, "item": done}


def call(name: str, **arguments: Any) -> dict[str, Any]:
    item = {"type": "function_call", "call_id": f"call_{uuid4().hex}", "name": name, "arguments": json.dumps(arguments)}
    return {"type": "response.output_item.done", "output_index": 0, "item": item}


def reasoning(summary: str) -> Iterator[Any]:
    item = {"type": "reasoning", "id": f"rs_{uuid4().hex}", "summary": [{"type": "summary_text", "text": summary}]}
    yield {"type": "response.output_item.added", "output_index": 0, "item": {**item, "summary": []}}
    place = {"item_id": item["id"], "output_index": 0, "summary_index": 0}
    yield {"type": "response.reasoning_summary_text.delta", "delta": summary, **place}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}


def say(*deltas: Any, **counts: int) -> Answer:
    """A whole answer in these pieces."""
    return Answer([created(), *message(*deltas), completed(**counts)])


def half() -> Answer:
    """An answer that stops amid the text until the test goes on."""
    return Answer([created(), *message("half", WAIT), completed()])


def does(command: str) -> Answer:
    """A response with which the agent runs a command."""
    return Answer([created(), call("exec_command", cmd=command), completed()])


def echo(asked: Asked) -> Answer:
    return say("you said ", asked.prompt)


def refuse(status: int, code: str | None = None, text: str = "the service says no") -> Answer:
    return Answer(status=status, body={"error": {"message": text, "type": code or "error", "code": code}})


Chooser = Answer | Callable[[Asked], Answer]


class Responses:
    """Answers in the order given; the last answer repeats. An answer may be a function of the request."""

    def __init__(self, *answers: Chooser) -> None:
        self._lock = threading.Lock()
        self._go_on: threading.Event | None = None
        self.reset(*(answers or [say("Hello", " there", ".")]))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.005,), daemon=True)
        self.base_url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.go_on()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def reset(self, *answers: Chooser) -> None:
        """Forget what was asked, let go of what waits, and answer so from now on."""
        with self._lock:
            if self._go_on is not None:
                self._go_on.set()
            self._answers = list(answers)
            self.asked: list[Asked] = []
            self._go_on = threading.Event()

    def go_on(self) -> None:
        """Let the answers that wait go on."""
        assert self._go_on is not None
        self._go_on.set()

    def _choose(self, asked: Asked) -> tuple[Answer, threading.Event]:
        with self._lock:
            self.asked.append(asked)
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            assert self._go_on is not None
            return answer(asked) if callable(answer) else answer, self._go_on

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with suppress(ConnectionError):
                    super().handle()

            def do_GET(self) -> None:
                self._send(404, b"{}")

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                answer, go_on = service._choose(Asked(self.path, headers, json.loads(body)))
                if answer.status != 200:
                    self._send(answer.status, json.dumps(answer.body).encode())
                    return
                self.send_response(200)
                self.send_header("content-type", "text/event-stream")
                self.send_header("connection", "close")
                self.close_connection = True
                self.end_headers()
                for event in answer.events:
                    if event is WAIT:
                        self.wfile.flush()
                        go_on.wait()
                        continue
                    self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())

            def _send(self, status: int, content: bytes) -> None:
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *args: object) -> None:
                pass

        return Handler
