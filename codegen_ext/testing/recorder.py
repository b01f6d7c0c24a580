"""Real traffic as scripts for the sandbox: what the runs of a service did, they do again in tests."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from attrs import define, field
from codegen_api import operations

from codegen_ext._request import CALL
from codegen_ext.errors import ConfigurationError
from codegen_ext.redact import MASK, PIECE, Redactor

from .sandbox.contract import load_contract
from .sandbox.script import Script

if TYPE_CHECKING:
    from codegen_ext import AsyncCodegenClient, CodegenClient

    from .sandbox import Sandbox

_KNOWN_TOKENS = re.compile(r"\b(?:sk|gh[opusr]|github_pat|glpat|xox[abeprs]|AKIA|eyJ)[-_]?[\w.-]{12,}")
_CREATE, _READ = operations.CREATE_AGENT_RUN, operations.GET_AGENT_RUN
_ONE_RUN = {_CREATE.id, _READ.id, operations.RESUME_AGENT_RUN.id, operations.GET_AGENT_RUN_LOGS.id}


@define
class RecordedRun:
    """What was seen of one run, without credentials."""

    prompt: str = ""
    seen: list[tuple[str | None, float]] = field(factory=list)
    """Each status word as it stood on the wire, and the moment at which it was first seen, in seconds."""
    result: str | None = None
    logs: int | None = None
    pull_request: bool = False
    refused: bool = False
    """Whether the service said that there are no runs left (402)."""

    @property
    def script(self) -> Script:
        """What a run of the sandbox must do to look the same."""
        if self.refused:
            return Script("limit_reached")
        ends = [moment for _, moment in self.seen[1:]]
        states = [(word, round(end - start, 3)) for (word, start), end in zip(self.seen, ends, strict=False)]
        states.append((self.seen[-1][0] if self.seen else None, 0.0))
        return Script(states=states, result=self.result, logs=self.logs, pull_request=self.pull_request)


class Recorder:
    """Watches clients, and remembers what their runs did.

    Nothing is kept but prompts, status words, results, and how many log entries and pull requests there were; tokens
    of the watched clients, the `secrets`, and what looks like a credential are taken out of them.
    """

    def __init__(self, *, secrets: Iterable[str] = ()) -> None:
        """Raise ConfigurationError for a secret that is too short to be told from other text."""
        self._secrets = list(secrets)
        if any(len(secret) < PIECE for secret in self._secrets):
            raise ConfigurationError(f"a secret must have at least {PIECE} characters", config_key="secrets")
        self._redactors = [Redactor(secret) for secret in self._secrets]
        self._runs: dict[tuple[int, int], RecordedRun] = {}

    def __repr__(self) -> str:
        return f"Recorder(runs={len(self._runs)})"

    def watch(self, client: CodegenClient | AsyncCodegenClient) -> None:
        """Listen to what a client receives, from now on until it is closed."""
        self._redactors.append(Redactor(client.config.api_token))
        clock = client._clock

        def hear(response: httpx.Response) -> None:
            response.read()
            self._hear(response, clock.monotonic())

        async def hear_async(response: httpx.Response) -> None:
            await response.aread()
            self._hear(response, clock.monotonic())

        hook = hear_async if isinstance(client.session, httpx.AsyncClient) else hear
        client.session.event_hooks = {
            **client.session.event_hooks,
            "response": [*client.session.event_hooks["response"], hook],
        }

    @property
    def runs(self) -> list[RecordedRun]:
        """The runs so far, in the order in which they were created, as far as that was seen."""
        return list(self._runs.values())

    def save(self, path: str | PathLike[str]) -> None:
        """Write the runs to a JSON file, which `replay` reads."""
        runs = [{"prompt": run.prompt, **_as_json(run.script)} for run in self.runs]
        Path(path).write_text(json.dumps({"runs": runs}, indent=2) + "\n", encoding="utf-8")

    def _hear(self, response: httpx.Response, moment: float) -> None:
        call = response.request.extensions.get(CALL)
        operation = call.operation.id if call is not None and call.operation is not None else None
        if operation == _CREATE.id and response.status_code == 402:
            self._runs[-1, len(self._runs)] = RecordedRun(self._prompt(response.request), refused=True)
        if not response.is_success or operation not in {*_ONE_RUN, operations.LIST_AGENT_RUNS.id}:
            return
        try:
            body = response.json()
        except ValueError:
            return
        contract = load_contract()
        if any(contract.problems(contract.output(operations.OPERATIONS[operation]), body, ())):
            return  # whoever called gets an error, which must not be one of the recorder
        # The newest run comes first in a list.
        for data in [body] if operation in _ONE_RUN else reversed(body["items"]):
            run = self._runs.setdefault((data["organization_id"], data["id"]), RecordedRun())
            self._take(run, data, moment)
            if operation == _CREATE.id:
                run.prompt = self._prompt(response.request)

    def _take(self, run: RecordedRun, data: dict[str, Any], moment: float) -> None:
        word = data.get("status")
        if not run.seen or run.seen[-1][0] != word:
            run.seen.append((word, moment))
        if data.get("result") is not None:
            run.result = self._clean(data["result"])
        if data.get("total_logs") is not None:
            run.logs = data["total_logs"]
        run.pull_request = run.pull_request or bool(data.get("github_pull_requests"))

    def _prompt(self, request: httpx.Request) -> str:
        return self._clean(str(json.loads(request.content).get("prompt", "")))

    def _clean(self, text: str) -> str:
        text = _KNOWN_TOKENS.sub(MASK, text)
        for redact in self._redactors:
            text = redact.body(text)
        return text


def replay(path: str | PathLike[str], sandbox: Sandbox) -> list[str]:
    """Let the next runs of a sandbox do what a recording's runs did, in its order; return their prompts.

    Raises:
        ConfigurationError: when the file is no recording.

    """
    try:
        runs = json.loads(Path(path).read_text(encoding="utf-8"))["runs"]
        prompts = [run.pop("prompt") for run in runs]
        for run in runs:
            sandbox.script(**{**run, "states": _states(run.get("states"))})
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"{path} is no recording: {error}", config_key="path") from error
    return prompts


def _as_json(script: Script) -> dict[str, Any]:
    return {name: value for name in Script.__slots__ if (value := getattr(script, name)) is not None}


def _states(states: Any) -> list[tuple[str | None, float]] | None:
    return None if states is None else [(word, float(seconds)) for word, seconds in states]
