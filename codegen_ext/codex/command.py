"""How the CLI is found and started: program, arguments, environment."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from attrs import field, frozen

from ..redact import shown
from .errors import INSTALL_COMMAND, CodexConfigurationError, CodexNotFoundError

logger = logging.getLogger(__name__)

DEFAULT_BASE_URL = "https://api.openai.com/v1"
OLDEST_VERSION = (0, 160, 0)
"""The oldest version with the requests and notifications that are used here."""
_KEY_VARIABLE = "CODEGEN_CODEX_API_KEY"
# The commands that the agent runs see the environment of the server: no credential belongs in it but the one it needs.
_PRIVATE_PREFIXES = ("CODEGEN_", "CHATSERVER_", "OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "CODEX_API_KEY")
_SWITCHED_OFF = ("plugins", "shell_snapshot", "unbounded_connection_retries")
_NATIVE = ("node_modules/@openai/codex-*/vendor/*/bin/codex*", "../codex-*/vendor/*/bin/codex*")
"""The native program below npm's package: nested, as `npm install -g` makes it, or beside it."""


def _strip(key: str | None) -> str | None:
    return key.strip() if isinstance(key, str) else key  # a file's last line break makes a header that is not sent


@frozen
class Command:
    """What an app-server needs to start; raises CodexConfigurationError for a value that cannot be used."""

    codex_path: str | None
    codex_home: str | None
    base_url: str | None
    api_key: str | None = field(repr=False, converter=_strip)
    max_retries: int
    start_timeout: float
    """Seconds until the server has to have answered for the first time."""

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.max_retries, int) or self.max_retries < 0:
            raise CodexConfigurationError(
                f"max_retries must be a whole number of at least 0, not {shown(self.max_retries)}"
            )
        if not isinstance(self.start_timeout, int | float) or not self.start_timeout > 0:
            raise CodexConfigurationError(f"start_timeout must be a positive number, not {shown(self.start_timeout)}")
        if self.api_key is not None and not (isinstance(self.api_key, str) and self.api_key.isprintable()):
            raise CodexConfigurationError("api_key must be a string without line breaks or other control characters")
        if self.base_url is None:
            return
        address = urlsplit(str(self.base_url))
        if address.scheme not in ("http", "https") or not address.hostname:
            raise CodexConfigurationError("base_url must be an http or https address")
        if address.username or address.password or address.query:
            raise CodexConfigurationError("base_url must hold no credential: the command line shows it; use api_key")

    def executable(self) -> str:
        """Return the program to run: the native one behind npm's launcher, which takes longer to start."""
        found = shutil.which(os.path.expanduser(self.codex_path or "codex"))
        if found is None:
            where = f"at {self.codex_path}" if self.codex_path else "on PATH"
            raise CodexNotFoundError(f"the Codex CLI is not {where}; install it with: {INSTALL_COMMAND}")
        launcher = Path(found).resolve()
        if launcher.name == "codex.js":
            for pattern in _NATIVE:
                natives = [path for path in launcher.parents[1].glob(pattern) if path.stem == "codex"]
                if len(natives) == 1:
                    return str(natives[0].resolve())
        return found

    def login_home(self) -> str | None:
        """Return the folder whose settings and login are used, None for a private one.

        Raises CodexConfigurationError without a key, a service that may need none, and a login.
        """
        if self.codex_home:
            return os.path.abspath(os.path.expanduser(self.codex_home))
        if self.api_key or self.base_url:
            return None
        home = cli_home()
        if home is None:
            raise CodexConfigurationError(
                "no credential: pass api_key, set OPENAI_API_KEY, or log in with `codex login` "
                f"({_default_home()} has no login)"
            )
        logger.info("no api_key: the Codex CLI uses its own login and settings in %s", home)
        return home

    def arguments(self) -> list[str]:
        """Return the arguments of the CLI, which hold no secret."""
        settings: dict[str, object] = {
            "analytics.enabled": False,
            "allow_login_shell": False,
            "thread_unload_delay_secs": 0,
            "shell_environment_policy.exclude": [_KEY_VARIABLE],
            # Not by --disable, which fails for a feature that a version does not have.
            **{f"features.{feature}": False for feature in _SWITCHED_OFF},
        }
        if self.api_key or self.base_url:
            # The built-in provider ignores keys from the environment and its number of retries cannot be set.
            provider = "model_providers.codegen"
            settings |= {
                "model_provider": "codegen",
                f"{provider}.name": "codegen",
                f"{provider}.base_url": self.base_url or DEFAULT_BASE_URL,
                f"{provider}.wire_api": "responses",
                f"{provider}.supports_websockets": False,
                f"{provider}.request_max_retries": 0,  # those of the stream repeat a request that failed as well
                f"{provider}.stream_max_retries": self.max_retries,
            }
            if self.api_key:
                settings[f"{provider}.env_key"] = _KEY_VARIABLE
        # JSON's strings, numbers and lists of strings are TOML's too.
        return [argument for name, value in settings.items() for argument in ("-c", f"{name}={json.dumps(value)}")]

    def environment(self, home: str) -> dict[str, str]:
        """Return the environment of the CLI, the only place where the key is."""
        variables = {name: value for name, value in os.environ.items() if not name.startswith(_PRIVATE_PREFIXES)}
        variables["CODEX_HOME"] = home
        if self.api_key:
            variables[_KEY_VARIABLE] = self.api_key
        return variables


def parse_version(text: str) -> tuple[int, ...] | None:
    """Return the first version in a text."""
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", text)
    return tuple(map(int, found.groups())) if found else None


def installed_version(executable: str, environment: dict[str, str]) -> tuple[int, ...] | None:
    """Ask the CLI for its version; None where it does not say it within two seconds."""
    ask = [executable, "--version"]
    try:
        done = subprocess.run(ask, stdin=subprocess.DEVNULL, capture_output=True, env=environment, timeout=2)  # noqa: S603, PLW1510
    except (OSError, subprocess.TimeoutExpired):
        return None
    return parse_version(done.stdout.decode(errors="replace"))


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that leads a group of its own, and what it started."""
    if os.name == "nt":
        kill = ["taskkill", "/F", "/T", "/PID", str(process.pid)]
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run(kill, capture_output=True, timeout=5)  # noqa: S603, PLW1510
        return
    with suppress(ProcessLookupError, PermissionError):  # it has ended
        os.killpg(process.pid, signal.SIGKILL)


def too_old(version: tuple[int, ...] | None) -> CodexNotFoundError:
    """Return the error for a CLI of this version."""
    found = ".".join(map(str, version)) if version else "an older version"
    oldest = ".".join(map(str, OLDEST_VERSION))
    return CodexNotFoundError(
        f"the Codex CLI is too old: {found} was found, {oldest} or newer is needed; install it with: {INSTALL_COMMAND}"
    )


def cli_home() -> str | None:
    """Return the folder of the CLI's own login, None where there is none."""
    home = _default_home()
    # A login may also be in the system's keyring; then the settings say so.
    has_login = any(os.path.exists(os.path.join(home, name)) for name in ("auth.json", "config.toml"))
    return home if has_login else None


def _default_home() -> str:
    return os.path.abspath(os.path.expanduser(os.environ.get("CODEX_HOME") or "~/.codex"))
