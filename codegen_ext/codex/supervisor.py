"""Keeps one app-server for a client: started on first use, anew when it died, ended with the client or the process."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import weakref

from .errors import CodexError
from .launch import Launch
from .process import Server


class Supervisor:
    """Gives everybody the same server, and each process its own."""

    def __init__(self, launch: Launch) -> None:
        self._launch = launch
        self._lock = threading.Lock()
        self._server: Server | None = None
        self._home: str | None = None
        self._endings: list[weakref.finalize[..., Supervisor]] = []
        self._is_closed = False
        _SUPERVISORS.add(self)

    @property
    def pid(self) -> int | None:
        """The process number of the running server, None without one."""
        server = self._server
        return server.pid if server is not None and server.is_alive else None

    def server(self) -> Server:
        """Return the running server; start one if there is none.

        Raises:
            CodexNotFoundError: when the CLI is missing.
            CodexConfigurationError: when there is no credential.
            CodexError: after `close`.

        """
        with self._lock:
            if self._is_closed:
                raise CodexError("this client is closed")
            if self._server is None or not self._server.is_alive:
                self._server = self._start()
            return self._server

    def _start(self) -> Server:
        if self._server is not None:  # it died; its folder and the threads in it stay
            self._endings.pop()()
            self._server = None
        if self._home is None:
            self._home = os.path.abspath(os.path.expanduser(self._launch.codex_home or self._private_home()))
        server = Server(self._launch, self._home)
        self._endings.append(weakref.finalize(self, server.close))
        return server

    def _private_home(self) -> str:
        home = tempfile.mkdtemp(prefix="codegen-codex-")
        self._endings.append(weakref.finalize(self, shutil.rmtree, home, ignore_errors=True))
        return home

    def close(self) -> None:
        """End the server; calls that are under way fail."""
        with self._lock:
            self._is_closed = True
            endings, self._endings, self._server = self._endings, [], None
        while endings:
            endings.pop()()  # the server before its folder, as finalizers too run in this order

    def _forget(self) -> None:
        self._lock = threading.Lock()
        for ending in self._endings:
            ending.detach()
        if self._server is not None:
            self._server.abandon()
        self._server, self._home, self._endings = None, None, []


_SUPERVISORS: weakref.WeakSet[Supervisor] = weakref.WeakSet()


def _forget_all() -> None:
    for supervisor in list(_SUPERVISORS):
        supervisor._forget()


if hasattr(os, "register_at_fork"):
    # A copy of the pipe in a forked child would keep the server alive after its owner.
    os.register_at_fork(after_in_child=_forget_all)
