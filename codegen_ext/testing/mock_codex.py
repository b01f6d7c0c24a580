"""Mock clients of Codex: the real clients on an app-server in memory; no CLI and no key are needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import count
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

from attrs import evolve

from codegen_ext.codex import AsyncCodexClient, CodexClient
from codegen_ext.codex._async.client import AsyncCompletions
from codegen_ext.codex._sync.client import Completions
from codegen_ext.codex.app_server import Message, Params, Receiver, ServerManager
from codegen_ext.codex.settings import CodexClientBase, Settings

MockCodexResponse = str | BaseException | type[BaseException] | Callable[..., Any] | Sequence[Any]
"""What `set_mock_response` takes."""
_ANSWER = "This is a mock answer."


class CodexCall(NamedTuple):
    """Call that reached the agent: its messages and its other arguments."""

    messages: list[Any]
    arguments: dict[str, Any]


class _Server:
    """App-server in memory for one call; answers every request at once."""

    pid = None

    def __init__(
        self, call: CodexCall, record: Callable[[CodexCall], None], answer: Callable[[CodexCall], Any]
    ) -> None:
        self._call = call
        self._record = record
        self._answer = answer
        self._ids = count(1)

    @property
    def running(self) -> _Server:
        return self

    def start(self) -> _Server:
        return self

    def request(self, method: str, params: Params, receiver: Receiver | None = None) -> None:
        if receiver is None:
            return
        if method == "model/list":
            receiver.receive({"method": method, "result": {"data": [{"id": "mock"}]}})
        elif method == "thread/start":
            self._record(self._call)
            thread = {"id": f"thread-{next(self._ids)}"}
            result = {"thread": thread, "model": params.get("model", "mock")}
            receiver.receive({"method": method, "result": result})
        elif method == "thread/inject_items":
            receiver.receive({"method": method, "result": {}})
        elif method == "turn/start":
            self._run(params, receiver)

    def _run(self, params: Params, receiver: Receiver) -> None:
        def notify(method: str, **more: Any) -> None:
            receiver.receive({"method": method, "params": {"threadId": params["threadId"], **more}})

        try:
            text = self._answer(self._call)
            if isinstance(text, BaseException):
                raise text
            if not isinstance(text, str):
                raise TypeError(f"a mock response must be a string or an exception, not {type(text).__name__}")
        except Exception as error:  # noqa: BLE001 - raised by the call
            receiver.fail(error)
            return
        item: Message = {"type": "agentMessage", "id": "item", "phase": "final_answer", "text": ""}
        counts = {"inputTokens": _tokens(str(self._call.messages)), "cachedInputTokens": 0}
        counts |= {"outputTokens": _tokens(text), "reasoningOutputTokens": 0}
        notify("turn/started", turn={"id": "turn"})
        notify("item/started", item=item)
        for piece in text.splitlines(keepends=True) if "\n" in text else text.partition(" "):
            notify("item/agentMessage/delta", itemId="item", delta=piece)
        notify("item/completed", item={**item, "text": text})
        notify("thread/tokenUsage/updated", tokenUsage={"last": counts})
        notify("turn/completed", turn={"id": "turn", "status": "completed"})

    def ignore(self, *arguments: object) -> None:
        pass

    close = send = subscribe = unsubscribe = ignore


def _tokens(text: str) -> int:
    return 1 + len(text) // 4


class _Mocking(CodexClientBase):
    """Constructor and methods of both mock clients; the constructor takes the settings of the real one."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._lock = threading.Lock()
        self.reset_mock()
        self._settings = self._settings_of({})
        chat = cast("Any", self).chat
        chat.completions = SimpleNamespace(create=partial(self._create, type(chat.completions)))

    def _create(self, kind: type[Completions | AsyncCompletions], **arguments: Any) -> Any:
        """Perform a call with a server of its own, which knows the arguments."""
        return kind(self._settings_of(arguments)).create(**arguments)

    def _settings_of(self, arguments: Mapping[str, Any]) -> Settings:
        others = {name: value for name, value in arguments.items() if name != "messages"}
        call = CodexCall(arguments.get("messages") or [], others)
        return evolve(self._settings, servers=cast("ServerManager", _Server(call, self._record, self._answer)))

    def _record(self, call: CodexCall) -> None:
        with self._lock:
            if not any(known is call for known in self._calls):
                self._calls.append(call)

    def _answer(self, call: CodexCall) -> Any:
        with self._lock:
            response = self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]
        if callable(response) and not isinstance(response, type):
            response = response(messages=call.messages, **call.arguments)
        return response() if isinstance(response, type) else response

    @property
    def calls(self) -> list[CodexCall]:
        """The calls that reached the agent, oldest first."""
        return list(self._calls)

    def set_mock_response(self, response: MockCodexResponse) -> None:
        """Answer with `response` from now on.

        A string is the agent's answer. An exception, or its class, is raised. Of a list each turn gets the next one,
        and the last one stays. A function is called with the arguments of `create` and returns one of these.
        """
        is_list = isinstance(response, Sequence) and not isinstance(response, str)
        self._responses = list[Any](response) if is_list else [response]  # type: ignore[arg-type]

    def reset_mock(self) -> None:
        """Forget calls and responses."""
        self._calls = list[CodexCall]()
        self._responses = list[Any]([_ANSWER])


class MockCodexClient(_Mocking, CodexClient):
    """A `CodexClient` without a CLI: arguments are checked, answers are typed, `stop` and `max_tokens` cut them."""


class AsyncMockCodexClient(_Mocking, AsyncCodexClient):
    """An `AsyncCodexClient` without a CLI; see `MockCodexClient`."""
