"""Writes the modules of `compat/`, the distribution with the import names of older packages: `make generate`."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path

from tools.contract.document import ROOT

TREE = ROOT / "compat"
_EXT = "codegen_ext"
_WRAP = textwrap.TextWrapper(width=120, initial_indent=8 * " ", subsequent_indent=8 * " ")
_CHAT = "codegen_ext.chatserver"
_TESTING = "codegen_ext.testing"

_AGENT, _TASK = "Agent AsyncAgent", "AsyncTask Task"
_ENUMS = "AgentRunStatus MessageType SourceType"
_RESPONSES = (
    "AgentRunLogResponse AgentRunResponse AgentRunWithLogsResponse AgentRunsResponse GithubPullRequestResponse "
    "OrganizationResponse OrganizationsResponse RepoResponse RepositoriesResponse UserResponse UsersResponse"
)
_CONFIG = "ClientConfig CodegenConfig ConfigPresets"
_ERRORS = (
    "AuthenticationError BulkOperationError CodegenAPIError ConfigurationError ConflictError NetworkError "
    "NotFoundError PaymentRequiredError PermissionDeniedError RateLimitError ServerError TaskError TimeoutError "
    "ValidationError WebhookError"
)
_CLIENTS = "AsyncCodegenClient CodegenClient"
_UTILS = "CacheManager MetricsCollector RateLimiter"
_EVERYTHING = f"{_AGENT} {_TASK} {_CLIENTS} {_ENUMS} {_RESPONSES} {_CONFIG} {_ERRORS} {_UTILS}"
_OPTIONAL = ("get_async_codegen_client", "get_codegen_client")
_MOCKS = "AsyncMockCodegenClient MockCodegenClient"
_CHAT_RAISED = (
    "BadRequestError ChatServerError ConnectionError ForbiddenError InternalServerError InvalidResponseError "
    "NotFoundError RateLimitError StreamInterruptedError TimeoutError UnauthorizedError"
)
_CHAT_NAMES = (
    "AdminResponse AsyncChatServerClient AsyncChatSession AsyncChatStream AuditLogEntry AuditLogResponse "
    "ChatCompletionChoice ChatCompletionChunk ChatCompletionMessage ChatCompletionRequest ChatCompletionResponse "
    "ChatMessageRecord ChatServerClient ChatSession ChatSessionDetailResponse ChatSessionListResponse "
    "ChatSessionSummary ChatStream Message MessageRole ModelInfo ModelsResponse PlatformAdmin PlatformStats UsageInfo "
    "create_client"
)

MODULES: dict[str, dict[str, str]] = {
    "codegen": {_EXT: _EVERYTHING},
    "codegen.agent": {_EXT: _AGENT},
    "codegen.task": {_EXT: _TASK},
    "codegen.agents": {_EXT: f"{_AGENT} {_TASK}"},
    "codegen.agents.agent": {_EXT: _AGENT},
    "codegen.agents.task": {_EXT: _TASK},
    "codegen.client": {_EXT: _CLIENTS},
    "codegen.client.sync_client": {_EXT: "CodegenClient"},
    "codegen.client.async_client": {_EXT: "AsyncCodegenClient"},
    "codegen.models": {_EXT: f"{_ENUMS} {_RESPONSES}"},
    "codegen.models.enums": {_EXT: _ENUMS},
    "codegen.models.responses": {_EXT: _RESPONSES},
    "codegen.config": {_EXT: _CONFIG},
    "codegen.config.client_config": {_EXT: _CONFIG},
    "codegen.exceptions": {_EXT: _ERRORS},
    "codegen.exceptions.errors": {_EXT: _ERRORS},
    "codegen.utils": {_EXT: _UTILS},
    "codegen.utils.rate_limiter": {_EXT: "RateLimiter"},
    "codegen.utils.cache": {_EXT: "CacheManager"},
    "codegen.utils.metrics": {_EXT: "MetricsCollector"},
    "backend.api": {
        _EXT: f"{_EVERYTHING} WebhookHandler {' '.join(_OPTIONAL)} retry_on_error",
        _TESTING: _MOCKS,
    },
    "backend.api.testing": {_TESTING: f"{_MOCKS} CodegenTestCase"},
    "claif_cod": {"codegen_ext.codex": "AsyncCodexClient CodexClient"},
    "chatserver_sdk": {_CHAT: f"{_CHAT_NAMES} {_CHAT_RAISED}"},
    "chatserver_sdk.exceptions": {_CHAT: _CHAT_RAISED},
}
"""What each module offers: where the names live now, and the names."""

PACKAGES = sorted({name.partition(".")[0] for name in MODULES})


def files() -> dict[Path, str]:
    """Return the files below `compat/` that the table makes, by their paths there."""
    made: dict[Path, str] = {}
    for module, homes in MODULES.items():
        path = Path(*module.split("."))
        is_package = any(other.startswith(f"{module}.") for other in MODULES) or "." not in module
        made[path / "__init__.py" if is_package else path.with_suffix(".py")] = _source(homes)
    # `backend` stays open to other packages' modules: it is a common name for a folder of one's own.
    made |= {Path(*package.split("."), "py.typed"): "" for package in ("backend.api", *PACKAGES[1:])}
    return made


def _source(homes: dict[str, str]) -> str:
    targets = " and ".join(f"`{home}`" for home in homes)
    listed = {home: sorted(set(names.split())) for home, names in sorted(homes.items())}
    imports = "".join(f"    from {home} import {name} as {name}\n" for home, names in listed.items() for name in names)
    optional = [name for names in listed.values() for name in names if name in _OPTIONAL]
    table = "".join(f'    "{home}": """\n{_WRAP.fill(" ".join(names))}\n    """,\n' for home, names in listed.items())
    return (
        f'"""The old name of {targets}; written by tools/compat.py."""\n\n'
        "from typing import TYPE_CHECKING\n\n"
        "from codegen_ext.oldnames import moved\n\n"
        f"if TYPE_CHECKING:\n{imports}\n"
        f"_HOMES = {{\n{table}}}\n\n"
        "if not TYPE_CHECKING:\n"
        f"    __getattr__, __dir__, __all__ = moved(__name__, _HOMES{f', {optional}' if optional else ''})\n"
    )


def differences() -> list[str]:
    """Return the files below `compat/` that are not what the table makes."""
    made = files()
    found = {path.relative_to(TREE) for package in PACKAGES for path in (TREE / package).rglob("*") if path.is_file()}
    found = {path for path in found if path.suffix != ".pyc"}
    changed = {path for path in made.keys() & found if (TREE / path).read_text(encoding="utf-8") != made[path]}
    return sorted(str(path) for path in (made.keys() ^ found) | changed)


def main() -> int:
    """Write what differs."""
    made = files()
    for path in map(Path, differences()):
        if path in made:
            (TREE / path).parent.mkdir(parents=True, exist_ok=True)
            (TREE / path).write_text(made[path], encoding="utf-8")
        else:
            (TREE / path).unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
