"""What all tests share: a clean environment, a fake clock, a sandbox on loopback, and clients of both kinds."""

import asyncio
import gc
import inspect
import logging
import os
import re
import signal
import sys
import threading
import warnings
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import settings

from codegen_ext import (
    Agent,
    AsyncAgent,
    AsyncChatServerClient,
    AsyncCodegenClient,
    ChatServerClient,
    ClientConfig,
    CodegenClient,
)
from codegen_ext.rate_limits import registry
from codegen_ext.testing import FakeClock, Sandbox

from .support.blocking import Blocking, finish, real
from .support.loopback import Loopback
from .support.programs import RedisServer

# A busy machine is no failure, and whether a change passes depends on the change: `make fuzz` draws new examples.
settings.register_profile("codegen", deadline=None, derandomize="CODEGEN_TEST_FUZZ" not in os.environ)
settings.load_profile("codegen")

# A shell starts what it puts into the background with SIGINT ignored, and what is ignored stays so in children.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No settings from outside, and no proxy between a test and its server. With REQUEST_METHOD, as in CGI, HTTP_PROXY may
# come from a request.
OUTSIDE = r"(CODEGEN(?!_TEST)|CHATSERVER|CODEX|OPENAI)_|((HTTP|HTTPS|ALL|NO)_PROXY|REQUEST_METHOD|LOG_LEVEL)$"
for variable in list(os.environ):
    if re.match(OUTSIDE, variable, re.IGNORECASE):
        del os.environ[variable]

TOKEN = "sk-SECRET-0123456789-SECRET"
COMPAT = Path(__file__).parents[1] / "compat"

# Garbage collections while tests are imported and collected take a third of that time.
gc.disable()


def pytest_collection_finish():
    """Leave what has been imported and collected out of later garbage collections, each of which would take 0.3 s."""
    gc.freeze()
    gc.enable()


@pytest.fixture(autouse=True)
def environment():
    """Logger and rate limits as they were."""
    logger = logging.getLogger("codegen_ext")
    level = logger.level
    yield
    if logger.level != level:  # setting it empties the caches of all loggers
        logger.setLevel(level)
    registry.reset()


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """Run a test that is a coroutine function on an event loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = pyfuncitem._fixtureinfo.argnames
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


ABOUT_WAITING = ("bulk", "io", "limits", "streams", "waiting")
"""Folders of tests whose subjects suspend, cancel or cross loops."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Leave to `make test-all` what starts the Codex CLI, and the async kind where it only repeats the sync one."""
    for item in items:
        if "codex" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.slow)
        kind = getattr(item, "callspec", None) and item.callspec.params.get("flavour")
        if kind == "async" and item.path.parent.name not in ABOUT_WAITING:
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def workers():
    """Return the running threads of ours; others, which an earlier test has left, do not count."""
    others = threading.enumerate()
    return lambda: [each for each in threading.enumerate() if each.name == "codegen-worker" and each not in others]


class ImpatientClock(FakeClock):
    """Fails a test that would wait for ever, which takes no time on a fake clock."""

    def __init__(self):
        super().__init__()
        self._left = 5_000

    def sleep(self, seconds):
        self._left -= 1
        assert self._left, "this test sleeps without end"
        super().sleep(seconds)


@pytest.fixture
def clock():
    """One clock for client and sandbox."""
    return ImpatientClock()


@pytest.fixture
def sandbox(clock):
    """A sandbox on loopback without rate limits, whose runs take 10 s of the fake clock."""
    with Sandbox(rate_limits=False, run_seconds=10, clock=clock, token=TOKEN) as running:
        yield running


@pytest.fixture
def serve():
    """Start servers that give written answers."""
    with ExitStack() as stack:
        yield lambda *answers: stack.enter_context(Loopback(*answers))


class Flavour:
    """Builds the sync clients, or the async ones behind a blocking front."""

    def __init__(self, runner):
        self._runner = runner
        self.is_async = runner is not None

    def client(self, config=None, **options):
        return self._wrap((AsyncCodegenClient if self.is_async else CodegenClient)(config, **options))

    def chat(self, *args, **options):
        return self._wrap((AsyncChatServerClient if self.is_async else ChatServerClient)(*args, **options))

    def agent(self, *args, client=None, **options):
        return self._wrap((AsyncAgent if self.is_async else Agent)(*args, client=real(client), **options))

    def settle(self, value):
        """Await what an async client returned."""
        return finish(value, self._runner) if self.is_async else value

    def _wrap(self, built):
        return Blocking(built, self._runner) if self.is_async else built


once = pytest.mark.parametrize("flavour", ["sync"], indirect=True)
"""For long tables of what both kinds of client share to the letter: the sync one alone."""
async_repeats = pytest.mark.parametrize(
    "flavour", ["sync", pytest.param("async", marks=pytest.mark.slow)], indirect=True
)
"""For what suspends in the same way in both kinds, in folders that are about waiting: the async one is slow."""


@pytest.fixture(params=["sync", "async"])
def flavour(request):
    """Both kinds of client, one after the other."""
    if request.param == "sync":
        yield Flavour(None)
        return
    with asyncio.Runner() as runner:
        yield Flavour(runner)


@pytest.fixture
def connect(flavour, serve, clock, request):
    """Build clients whose every call travels, by default to the sandbox; they are closed after the test.

    With `transport=httpx.MockTransport(function)` the function answers.
    """
    with ExitStack() as stack:

        def build(base_url=None, **settings):
            if base_url is None:
                mocked = "transport" in settings
                base_url = "http://mock.invalid" if mocked else request.getfixturevalue("sandbox").base_url
            plain = {"api_token": TOKEN, "base_url": base_url, "max_retries": 0, "enable_caching": False}
            # A wait for a limit would move the clock that a test looks at.
            config = ClientConfig(**{**plain, "rate_limits": False, **settings})
            return stack.enter_context(flavour.client(config, clock=clock))

        yield build


@pytest.fixture
def client(sandbox, connect):
    """A client of the sandbox."""
    return connect()


@pytest.fixture
def agent(client, flavour):
    """An agent of the sandbox's organization."""
    return flavour.agent(323, client=client)


@pytest.fixture
def old_names(monkeypatch):
    """Import names of older packages, from the tree as if they were installed, without warnings."""
    monkeypatch.syspath_prepend(COMPAT)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".* is an old name", DeprecationWarning)
        yield
    packages = {"graph_sitter", *(folder.name for folder in COMPAT.iterdir())}
    for name in [name for name in sys.modules if name.partition(".")[0] in packages]:
        del sys.modules[name]


@pytest.fixture(scope="session")
def lasting_redis(tmp_path_factory):
    """The one Redis that tests share; use `redis_server`, which empties it first."""
    with RedisServer(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def patience(monkeypatch):
    """Let a Redis take its time on a busy machine."""
    for name in ("CONNECT_SECONDS", "ANSWER_SECONDS"):
        monkeypatch.setattr(f"codegen_ext.storage.{name}", 30)


@pytest.fixture
def redis_server(lasting_redis, patience):
    """An empty Redis that stays up."""
    lasting_redis.client.flushall()
    return lasting_redis


@pytest.fixture
def mortal_redis(tmp_path, patience):
    """A Redis that the test may pause, kill and start again."""
    with RedisServer(tmp_path) as server:
        yield server
