"""One running app-server: its process, the threads that read and write, and who gets which message.

The server ends when its stdin closes, which the kernel does however this process ends.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import count
from queue import SimpleQueue
from typing import IO, Any, cast

from attrs import define

from .._version import __version__
from .errors import INSTALL_COMMAND, CodexNotFoundError, connection_error
from .launch import OLDEST_VERSION, Launch
from .protocol import Frames, Message, Params, encode, is_reply, thread_of

logger = logging.getLogger(__name__)

Deliver = Callable[[Message | Exception], object]
"""Takes a message, or the error that ended the server, from the reading thread."""

_QUIET = ("account/rateLimits/updated", "remoteControl/status/changed")
_GRACE_SECONDS = 5.0


@define
class _Pending:
    """A request that is not answered yet; without `deliver` its sender is gone."""

    method: str
    params: Params
    deliver: Deliver | None


class Server:
    """Starts the CLI; may be used by threads and event loops at once, since nothing here waits for the CLI.

    Raises:
        CodexNotFoundError: when the CLI is not there.

    """

    def __init__(self, launch: Launch, home: str) -> None:
        command = launch.command()
        self._secret = launch.api_key
        try:
            os.makedirs(home, mode=0o700, exist_ok=True)
            self._process = subprocess.Popen(  # noqa: S603 - the program that the user chose
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=launch.environment(home),
                start_new_session=True,  # Ctrl-C is for us, and tells it to end by closing its stdin
            )
        except OSError as error:
            raise CodexNotFoundError(
                f"{command[0]} cannot be started ({error.strerror}); install it with: {INSTALL_COMMAND}"
            ) from error
        self._ids = count(1)
        self._lock = threading.RLock()  # garbage collection may close a server amid its own bookkeeping
        self._waiting: dict[int, _Pending] = {}
        self._listening: dict[str, Deliver] = {}
        self._awaited: set[str] = set()  # threads whose turn is asked for and has not begun
        self._turns: dict[str, str] = {}  # and those with one that goes on
        self._doomed: dict[str, bool] = {}  # what is to be left then, and whether it is to be unloaded
        self._outgoing: SimpleQueue[bytes | None] = SimpleQueue()
        self._last_words: deque[bytes] = deque(maxlen=20)
        self._failure: Callable[[], Exception] | None = None  # an error for each: a traceback would hold its raiser
        self._closing = self._has_answered = False
        self._threads = [
            threading.Thread(target=target, name=f"codex-{name}", daemon=True)
            for name, target in (("write", self._write), ("log", self._collect), ("read", self._read))
        ]
        for thread in self._threads:  # the one that reads comes last, for it joins the others when all is over at once
            thread.start()
        information = {"name": "codegen_sdk", "title": "codegen-sdk", "version": __version__}
        capabilities = {"experimentalApi": False, "requestAttestation": False, "optOutNotificationMethods": _QUIET}
        # Its answer is not waited for: the CLI takes requests in order, and a version that is too old fails them all.
        self.request("initialize", {"clientInfo": information, "capabilities": capabilities}, self._check_version)
        self.answer({"method": "initialized"})

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can take requests."""
        return self._failure is None and not self._closing and self._process.poll() is None

    def request(self, method: str, params: Params, deliver: Deliver | None = None) -> int:
        """Send a request whose reply `deliver` gets, and return its id."""
        request_id = next(self._ids)
        data = encode({"id": request_id, "method": method, "params": params})
        with self._lock:
            failure = self._failure
            if method == "turn/start":
                self._awaited.add(params["threadId"])
            elif method == "thread/unsubscribe":
                self._turns.pop(params["threadId"], None)  # nobody will be told that it ended
            if deliver is not None and failure is None:
                self._waiting[request_id] = _Pending(method, params, deliver)
        if failure is None:
            self._outgoing.put(data)
        elif deliver is not None:
            deliver(failure())
        return request_id

    def answer(self, message: Message) -> None:
        """Send what needs no reply, such as the answer to a request of the server."""
        self._outgoing.put(encode(message))

    def refuse(self, message: Message, why: str) -> None:
        """Answer a request of the server with an error."""
        self.answer({"id": message["id"], "error": {"code": -32601, "message": f"{message['method']} {why}"}})

    def listen(self, thread_id: str, deliver: Deliver) -> None:
        """Let `deliver` get what concerns a thread."""
        with self._lock:
            self._listening[thread_id] = deliver

    def leave(self, thread_id: str, *, unload: bool) -> None:
        """Interrupt the turn of a thread, if there is one, and with `unload` let go of the thread.

        Where a turn is asked for, both wait until it has begun: before, the CLI refuses to interrupt it, and it would
        not tell a thread's former subscriber that it began.
        """
        if not self.is_alive:
            return
        with self._lock:
            if thread_id in self._awaited:
                self._doomed[thread_id] = unload
                return
            if thread_id in self._turns:
                self.request("turn/interrupt", {"threadId": thread_id, "turnId": self._turns[thread_id]})
            if unload:
                self.request("thread/unsubscribe", {"threadId": thread_id})

    def forget(self, deliver: Deliver) -> None:
        """Deliver nothing more to `deliver`; what its unanswered requests still begin is ended at once."""
        with self._lock:
            for pending in self._waiting.values():
                if pending.deliver == deliver:
                    pending.deliver = None
            self._listening = {key: taker for key, taker in self._listening.items() if taker != deliver}

    def close(self) -> None:
        """End the server and wait until it is gone."""
        self._closing = True
        self._outgoing.put(None)
        self._reap()
        self._fail(partial(connection_error, "the client was closed while this call went on"))

    def abandon(self) -> None:
        """In a forked child: let go of the parent's server without ending it."""
        self._closing = True
        self._process.returncode = 0
        self._outgoing = SimpleQueue()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            _pipe(pipe).close()

    def _reap(self) -> None:
        try:
            self._process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(_GRACE_SECONDS)
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            _pipe(pipe).close()

    def _write(self) -> None:
        pipe = _pipe(self._process.stdin)
        with suppress(OSError), pipe:  # the reading thread finds out why nobody reads
            while (data := self._outgoing.get()) is not None:
                left = memoryview(data)
                while left:
                    left = left[pipe.write(left) :]

    def _collect(self) -> None:
        pipe = _pipe(self._process.stderr)
        self._last_words.extend(pipe)

    def _read(self) -> None:
        pipe = _pipe(self._process.stdout)
        frames = Frames()
        try:
            while data := os.read(pipe.fileno(), 1 << 16):
                for message in frames.feed(data):
                    self._dispatch(message)
                for line in frames.strange:
                    logger.warning("the codex app-server wrote a line of %d bytes that is no message", len(line))
                frames.strange.clear()
        finally:  # whatever happened, nobody may wait for what does not come
            if not self._closing:
                self._outgoing.put(None)
                self._reap()
                self._fail()

    def _redact(self, text: str) -> str:
        return text.replace(self._secret, "[key]") if self._secret else text

    def _redact_errors(self, message: Message) -> None:
        """Take the key out of what the service said, for some repeat the key that they refuse."""
        params = message.get("params") or {}
        for error in (params.get("error"), (params.get("turn") or {}).get("error")):
            for name in ("message", "additionalDetails"):
                if error and error.get(name):
                    error[name] = self._redact(error[name])

    def _dispatch(self, message: Message) -> None:
        self._redact_errors(message)
        deliver: Deliver | None = None
        with self._lock:
            if is_reply(message):
                pending, result = self._waiting.pop(message["id"], None), message.get("result") or {}
                if pending is not None and pending.method == "turn/start" and "turn" not in result:
                    self._settle(pending.params["threadId"])
                if pending is not None and pending.deliver is None:
                    self._undo(pending, result)
                elif pending is not None:
                    deliver = pending.deliver
                    if deliver is not None and "thread" in result:
                        self._listening[result["thread"]["id"]] = deliver
            else:
                if message["method"] == "thread/started":
                    self._adopt(message["params"]["thread"])
                elif message["method"] == "turn/started":
                    self._turns[message["params"]["threadId"]] = message["params"]["turn"]["id"]
                    self._settle(message["params"]["threadId"])
                elif message["method"] == "turn/completed":
                    self._turns.pop(message["params"]["threadId"], None)
                deliver = self._listening.get(thread_of(message) or "")
        if deliver is not None:
            deliver(message)
        elif "method" in message and "id" in message:
            logger.warning("nobody answers the codex app-server's %s", message["method"])
            self.refuse(message, "finds nobody to answer")

    def _undo(self, pending: _Pending, result: dict[str, Any]) -> None:
        if pending.method == "thread/start" and "thread" in result:
            self.request("thread/unsubscribe", {"threadId": result["thread"]["id"]})

    def _settle(self, thread_id: str) -> None:
        """A turn that was asked for has begun or was refused."""
        self._awaited.discard(thread_id)
        unload = self._doomed.pop(thread_id, None)
        if unload is not None:
            self.leave(thread_id, unload=unload)

    def _adopt(self, thread: dict[str, Any]) -> None:
        parent = self._listening.get(thread.get("parentThreadId") or "")
        if parent is not None:  # a sub-agent asks whoever started its parent
            self._listening.setdefault(thread["id"], parent)

    def _check_version(self, reply: Message | Exception) -> None:
        if isinstance(reply, Exception):
            return
        self._has_answered = True
        found = re.search(r"/(\d+)\.(\d+)\.(\d+)", str((reply.get("result") or {}).get("userAgent")))
        version = tuple(map(int, found.groups())) if found else (0,)
        if version < OLDEST_VERSION:
            self._fail(partial(_too_old, ".".join(map(str, version))))

    def _fail(self, failure: Callable[[], Exception] | None = None) -> None:
        """Tell everybody who waits that the server is gone."""
        if failure is None:
            words = self._redact(b"".join(self._last_words).decode(errors="replace").strip())
            if "unrecognized subcommand" in words or "unexpected argument" in words:
                failure = partial(_too_old, "this one")
            else:
                how = f"the codex app-server ended (exit code {self._process.returncode})"
                if not self._has_answered:
                    how += f" before it said anything; where the Codex CLI is too old: {INSTALL_COMMAND}"
                failure = partial(connection_error, f"{how} {words[-500:]}".rstrip())
        with self._lock:
            self._failure = self._failure or failure
            takers = {pending.deliver for pending in self._waiting.values()} | {*self._listening.values()}
            self._waiting.clear()
            self._listening.clear()
        for deliver in takers:
            if deliver is not None:
                deliver(self._failure())


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    return cast("IO[bytes]", pipe)  # all three were asked for


def _too_old(version: str) -> CodexNotFoundError:
    oldest = ".".join(map(str, OLDEST_VERSION))
    return CodexNotFoundError(
        f"the Codex CLI is too old: {oldest} or newer is needed, not {version}; install it with: {INSTALL_COMMAND}"
    )
