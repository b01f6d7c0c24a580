"""One running app-server: its process, the threads that read and write, and where its messages go.

The server ends when its stdin closes, which the kernel does however this process ends.
"""

from __future__ import annotations

import atexit
import io
import json
import logging
import os
import subprocess
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from queue import Empty, SimpleQueue
from typing import IO, Any, Protocol, cast

from .. import _fork
from .._version import __version__
from .command import OLDEST_VERSION, Command, installed_version, kill_group, parse_version, too_old
from .errors import (
    INSTALL_COMMAND,
    CodexError,
    CodexNotFoundError,
    bad_request,
    connection_error,
    not_understood,
    rpc_error,
    timeout_error,
)
from .home import PrivateHome, sweep

logger = logging.getLogger(__name__)

Message = dict[str, Any]
Params = dict[str, Any]
Failure = Callable[[], Exception]
"""Makes a new error for each caller: a shared one would keep the frames of all of them."""

APPROVALS = {"item/commandExecution/requestApproval": "command", "item/fileChange/requestApproval": "file_change"}
"""The questions of the server that are answered, and what they are about."""
_QUIET = ("account/rateLimits/updated", "remoteControl/status/changed")
_POLL_SECONDS = 0.5
_GRACE_SECONDS = 0.5
"""How long the CLI has for ending its commands and itself before its process group is killed."""
_CLOSE_SECONDS = 1.0


class Receiver(Protocol):
    """Destination of replies, notifications and requests of the server; called by the thread that reads."""

    def receive(self, message: Message) -> None:
        """Take a reply, with the method of its request, or a notification or a question of this receiver's threads."""

    def fail(self, error: Exception) -> None:
        """Take the error of a request, or the one that ended the server."""


class AppServer:
    """Process of the CLI; may be used by threads and event loops at once, since no method waits for the CLI."""

    def __init__(self, command: Command) -> None:
        self._executable = command.executable()
        home = command.login_home()
        self._home = None if home else PrivateHome()
        self._secret = command.api_key
        self._environment = command.environment(self._home.path if self._home else str(home))
        try:
            if home:
                os.makedirs(home, mode=0o700, exist_ok=True)
            self._process = subprocess.Popen(  # noqa: S603 - the program that the user chose
                [self._executable, "app-server", *command.arguments()],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                bufsize=0,
                env=self._environment,
                start_new_session=True,  # a process group of its own, which Ctrl-C does not reach
            )
        except OSError as error:
            if self._home:
                self._home.remove()
            problem = f"{self._executable} cannot be started ({error.strerror}); install it with: {INSTALL_COMMAND}"
            raise CodexNotFoundError(problem) from error
        self.pid = self._process.pid
        self._start_timeout = command.start_timeout
        self._start_deadline = time.monotonic() + command.start_timeout
        self._ids = count(_INITIALIZE_ID + 1)
        self._pending: dict[int, tuple[str, Receiver]] = {}
        self._receivers: dict[str, Receiver] = {}
        # SimpleQueue.put may be called amid itself, as a finalizer does.
        self._outgoing: SimpleQueue[bytes | None] = SimpleQueue()
        self._signals: SimpleQueue[Failure | None] = SimpleQueue()
        self._last_lines: deque[bytes] = deque(maxlen=20)
        self._failure: Failure | None = None
        self._has_answered = False
        # The CLI takes requests in order: the reply is not waited for.
        self.send({"id": _INITIALIZE_ID, "method": "initialize", "params": _INITIALIZE})
        self.send({"method": "initialized"})
        _servers.add(self)
        _start(self._write)
        self._readers = [_start(self._read), _start(self._collect)]
        self._ended = threading.Event()  # CPython 3.11 takes a thread for ended when Ctrl-C interrupts its join
        _start(self._watch)
        if self._home:
            _start(sweep)

    @property
    def is_alive(self) -> bool:
        """Whether it takes requests."""
        return self._failure is None and self._process.returncode is None

    def request(self, method: str, params: Params, receiver: Receiver | None = None) -> None:
        """Send a request whose reply the receiver gets."""
        request_id = next(self._ids)
        data = encode({"id": request_id, "method": method, "params": params})
        if receiver is not None:
            self._pending[request_id] = method, receiver
        self._outgoing.put(data)
        if receiver is not None and self._failure is not None and self._pending.pop(request_id, None) is not None:
            receiver.fail(self._failure())

    def send(self, message: Message) -> None:
        """Send a notification, or the answer to a question of the server; raises as `encode` does."""
        self._outgoing.put(encode(message))

    def subscribe(self, thread_id: str, receiver: Receiver) -> None:
        """Let the receiver get what concerns a thread."""
        self._receivers[thread_id] = receiver

    def unsubscribe(self, thread_id: str, receiver: Receiver) -> None:
        """Deliver nothing more of a thread, and let the server unload it."""
        for key in [key for key, other in self._receivers.copy().items() if other is receiver]:
            self._receivers.pop(key, None)
        self.request("thread/unsubscribe", {"threadId": thread_id})

    def end(self) -> None:
        """Begin to end the server; may be called by a finalizer, since it takes no lock and does not wait."""
        self._signals.put(_closed)

    def join(self, seconds: float = _CLOSE_SECONDS) -> None:
        """Wait until the server has ended and its private folder is removed."""
        self._ended.wait(seconds)

    def abandon(self) -> None:
        """In a forked child: let go of the parent's server without ending it."""
        _servers.discard(self)
        self._failure = _closed
        self._process.returncode = 0
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            cast("IO[bytes]", pipe).close()
        if self._home:
            self._home.release()

    def _write(self) -> None:
        with suppress(OSError), cast("IO[bytes]", self._process.stdin) as pipe:  # `_watch` finds out why
            while (data := self._outgoing.get()) is not None:
                left = memoryview(data)
                while left:
                    left = left[pipe.write(left) :]

    def _collect(self) -> None:
        with suppress(OSError), io.BufferedReader(cast("io.FileIO", self._process.stderr)) as lines:
            self._last_lines.extend(lines)

    def _read(self) -> None:
        try:
            with suppress(OSError), io.BufferedReader(cast("io.FileIO", self._process.stdout)) as lines:
                for line in lines:
                    self._dispatch(line)
        finally:
            self._signals.put(None)

    def _dispatch(self, line: bytes) -> None:
        receiver: Receiver | None = None
        try:
            message = json.loads(line)
            _redact_errors(message, self._secret)
            if "method" in message:
                receiver = self._receiver_of(message)
                if "id" in message and (receiver is None or message["method"] not in APPROVALS):
                    error = {"code": -32601, "message": f"{message['method']} is not offered by this client"}
                    self.send({"id": message["id"], "error": error})
                    return
            elif message["id"] == _INITIALIZE_ID:
                self._check_version(message)
            else:
                message["method"], receiver = self._pending.pop(message["id"], ("", None))
            if receiver is not None and "error" in message:
                receiver.fail(rpc_error(message["error"], message["method"]))
            elif receiver is not None:
                receiver.receive(message)
        except Exception as error:  # noqa: BLE001 - one message must not end the thread that all calls depend on
            logger.warning("an unexpected message of the codex app-server (%d bytes): %r", len(line), type(error))
            if receiver is not None:  # which would wait for what it has got already
                receiver.fail(not_understood(error))

    def _check_version(self, reply: Message) -> None:
        version = parse_version(str((reply.get("result") or {}).get("userAgent")))
        self._has_answered = True
        if version is None or version < OLDEST_VERSION:
            self._signals.put(lambda: too_old(version))

    def _receiver_of(self, message: Message) -> Receiver | None:
        params = message.get("params") or {}
        thread = params.get("thread") or {}
        parent = self._receivers.get(thread.get("parentThreadId") or "")
        if message["method"] == "thread/started" and parent is not None:
            self._receivers.setdefault(thread["id"], parent)  # a sub-agent asks the caller of its parent
        return self._receivers.get(params.get("threadId") or thread.get("id") or "")

    def _watch(self) -> None:
        """End the server once it has failed or is to end; no wait is without a limit, whatever its processes do."""
        failure = self._next_failure()
        if failure is not None:
            self._fail(failure)
        self._outgoing.put(None)  # closes stdin: the CLI ends its commands and itself
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS)
        code = self._process.returncode
        kill_group(self._process)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_GRACE_SECONDS)
        for reader in self._readers:  # a process that left the group may hold the pipes
            reader.join(_GRACE_SECONDS / 4)
        if failure is None:
            self._fail(self._explain(code))
        if self._home:
            self._home.remove()
        self._ended.set()

    def _next_failure(self) -> Failure | None:
        """Wait for the end; return its cause, None where the process ended or closed its output by itself."""
        while True:
            with suppress(Empty):
                return self._signals.get(timeout=_POLL_SECONDS)
            if self._process.poll() is not None:
                return None
            if not self._has_answered and time.monotonic() > self._start_deadline:
                message = f"{self._executable} did not answer within {self._start_timeout:g} s of its start"
                return lambda: timeout_error(message)

    def _explain(self, code: int | None) -> Failure:
        """Return the error for a process that ended by itself, or of which only the output ended."""
        lines = _redact(b"".join(self._last_lines.copy()).decode(errors="replace").strip(), self._secret)
        message = "the codex app-server " + ("closed its output" if code is None else f"ended (exit code {code})")
        if not self._has_answered:
            version = installed_version(self._executable, self._environment)
            if version is not None and version < OLDEST_VERSION:
                return lambda: too_old(version)
            message += f" before it answered; install the Codex CLI with: {INSTALL_COMMAND}"
        return lambda: connection_error(f"{message} {lines[-500:]}".rstrip())

    def _fail(self, failure: Failure) -> None:
        """Give every call that is under way the error."""
        self._failure = self._failure or failure
        pending = [self._pending.pop(request_id, None) for request_id in list(self._pending)]
        receivers = {item[1] for item in pending if item} | {*self._receivers.copy().values()}
        self._receivers.clear()
        for receiver in receivers:
            receiver.fail(self._failure())


class ServerManager:
    """Keeps one app-server for a client: started on first use and when it has died, ended with the client."""

    def __init__(self, command: Command) -> None:
        self._command = command
        self._lock = threading.Lock()
        self._server: AppServer | None = None
        self._is_closed = False
        _fork.register(self)

    @property
    def running(self) -> AppServer | None:
        """The running server, None without one; raises CodexError after `close`."""
        if self._is_closed:
            raise CodexError("this client is closed")
        server = self._server
        return server if server is not None and server.is_alive else None

    def start(self) -> AppServer:
        """Return the running server; start one where there is none. Raises CodexError or a subclass."""
        with self._lock:
            server = self.running
            if server is None:
                server = self._server = AppServer(self._command)
            return server

    def close(self) -> None:
        """End the server, within a second; calls that are under way fail."""
        self._is_closed = True
        with self._lock:
            server = self._server
        if server is not None:
            server.end()
            server.join()

    def after_fork(self) -> None:
        """Let go of the parent's server."""
        self._lock = threading.Lock()
        if self._server is not None:
            self._server.abandon()
        self._server = None

    def __del__(self) -> None:
        if self._server is not None:
            self._server.end()


_servers: weakref.WeakSet[AppServer] = weakref.WeakSet()


@atexit.register
def _end_all() -> None:
    servers = list(_servers)
    for server in servers:
        server.end()
    deadline = time.monotonic() + _CLOSE_SECONDS
    for server in servers:
        server.join(max(0.0, deadline - time.monotonic()))


_INITIALIZE_ID = 1
_INITIALIZE: Params = {
    "clientInfo": {"name": "codegen_sdk", "title": "codegen-sdk", "version": __version__},
    "capabilities": {"experimentalApi": False, "requestAttestation": False, "optOutNotificationMethods": _QUIET},
}


def _start(run: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=run, name=f"codex-{run.__name__.strip('_')}", daemon=True)
    thread.start()
    return thread


def _closed() -> Exception:
    return connection_error("the client was closed while this call went on")


def encode(message: Message) -> bytes:
    """Return a message as a line of JSON; raises openai.BadRequestError for what JSON cannot hold."""
    try:
        return json.dumps(message, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode() + b"\n"
    except (TypeError, ValueError, RecursionError) as error:  # among them a lone surrogate, which the CLI cannot read
        raise bad_request(f"an argument cannot be sent as JSON: {error}") from error


def _redact(text: str, secret: str | None) -> str:
    return text.replace(secret, "[key]") if secret else text


def _redact_errors(message: Message, secret: str | None) -> None:
    """Take the key out of what the service said: some services repeat the key that they refuse."""
    params = message.get("params") or {}
    for error in (params.get("error"), (params.get("turn") or {}).get("error")):
        for name in ("message", "additionalDetails"):
            if error and error.get(name):
                error[name] = _redact(error[name], secret)
