"""How the CLI is found and started: its arguments, its environment, its folder."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from attrs import field, frozen

from .errors import INSTALL_COMMAND, CodexConfigurationError, CodexNotFoundError

DEFAULT_BASE_URL = "https://api.openai.com/v1"
OLDEST_VERSION = (0, 160)
"""What is driven here: the feature switches, `thread/inject_items` and paginated threads of this version."""
_KEY_VARIABLE = "CODEGEN_CODEX_API_KEY"
# The CLI takes no key from these in app-server mode; without them, commands that the agent runs cannot read it there.
_OTHER_KEYS = ("OPENAI_API_KEY", "CODEX_API_KEY")


def _stripped(key: str | None) -> str | None:
    return key.strip() if isinstance(key, str) else key  # a file's last line break makes a header that is not sent


@frozen
class Launch:
    """What a server needs to start."""

    codex_path: str | None
    codex_home: str | None
    """None for a private folder that ends with the client."""
    base_url: str | None
    api_key: str | None = field(repr=False, converter=_stripped)
    """Empty to use the login that `codex_home` holds."""
    max_retries: int

    def __attrs_post_init__(self) -> None:
        if not isinstance(self.max_retries, int) or self.max_retries < 0:
            raise CodexConfigurationError(f"max_retries must be a whole number of at least 0, not {self.max_retries!r}")
        if self.api_key is not None and not (isinstance(self.api_key, str) and self.api_key.isprintable()):
            raise CodexConfigurationError("api_key must be a text without line breaks or other control characters")
        if self.base_url is None:
            return
        address = urlsplit(str(self.base_url))
        if address.scheme not in ("http", "https") or not address.hostname:
            raise CodexConfigurationError("base_url must be an http or https address")
        if address.username or address.password or address.query:
            raise CodexConfigurationError("base_url must hold no credential: the command line shows it; use api_key")

    def command(self) -> list[str]:
        """Return the command line, which holds no secret.

        Raises:
            CodexNotFoundError: when the CLI is not there.
            CodexConfigurationError: when there is neither a credential nor a service that may need none.

        """
        executable = find_executable(self.codex_path)
        if not (self.api_key or self.base_url or self.codex_home):
            raise CodexConfigurationError(
                "no credential: pass api_key or set OPENAI_API_KEY, or pass the codex_home of a `codex login`"
            )
        settings = {
            "analytics.enabled": False,
            "allow_login_shell": False,
            "thread_unload_delay_secs": 0,
            "shell_environment_policy.exclude": [_KEY_VARIABLE, *_OTHER_KEYS],
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
        switches = [
            argument
            for feature in ("plugins", "shell_snapshot", "unbounded_connection_retries")
            for argument in ("--disable", feature)
        ]
        # JSON's strings, numbers and lists of strings are TOML's too.
        values = [argument for name, value in settings.items() for argument in ("-c", f"{name}={json.dumps(value)}")]
        return [executable, "app-server", *switches, *values]

    def environment(self, codex_home: str) -> dict[str, str]:
        """Return the environment of the server, the only place where the key stands."""
        variables = {name: value for name, value in os.environ.items() if name not in _OTHER_KEYS}
        variables["CODEX_HOME"] = codex_home
        if self.api_key:
            variables[_KEY_VARIABLE] = self.api_key
        return variables


def find_executable(codex_path: str | None) -> str:
    """Return the program to run: the native one behind npm's launcher, which would only wait beside it.

    Raises:
        CodexNotFoundError: when there is none.

    """
    found = shutil.which(os.path.expanduser(codex_path or "codex"))
    if found is None:
        where = f"at {codex_path}" if codex_path else "on PATH"
        raise CodexNotFoundError(f"the Codex CLI is not {where}; install it with: {INSTALL_COMMAND}")
    launcher = Path(found).resolve()
    natives = [*launcher.parents[2].glob("codex-*/vendor/*/bin/codex")] if launcher.name == "codex.js" else []
    return str(natives[0]) if len(natives) == 1 else found
