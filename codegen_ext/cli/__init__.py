"""The program `codegen-sdk`: agent runs from a shell."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from .._version import __version__

USAGE, REFUSED, INTERNAL, INTERRUPTED = 2, 4, 70, 130
"""Exit statuses besides those of a run; docs/command-line.md lists all."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    from . import output

    output.replace_unencodable()
    try:
        if list(arguments) == ["--version"]:  # without the 0.2 s that importing the commands takes
            output.write(f"codegen-sdk {__version__}")
            return 0
        return _run(arguments)
    except output.Closed:
        return 141  # what a shell reports of a program that a closed pipe ended
    except OSError as error:
        return _failed(f"cannot write the output: {error.strerror}", INTERNAL)


def _run(arguments: Sequence[str]) -> int:
    from . import output

    try:
        from .commands import app
    except ImportError as error:
        return _failed(f"this needs more: pip install 'codegen-sdk[cli]' ({error})", USAGE)
    from ..errors import CodegenAPIError, ConfigurationError, ValidationError

    try:
        app(args=arguments, prog_name="codegen-sdk")
    except CodegenAPIError as error:
        if isinstance(error, ConfigurationError):
            return _failed(_with_options(str(error), error.config_key), USAGE)
        return _failed(str(error), USAGE if isinstance(error, ValidationError) else REFUSED)
    except SystemExit as stopped:
        if isinstance(stopped.__context__, BrokenPipeError):  # for which click has the status of a failed run
            raise output.Closed from stopped
        raise
    except (OSError, output.Closed):
        raise
    except Exception as error:  # noqa: BLE001 - a traceback would have the exit status of a failed run
        return _failed(f"internal error: {type(error).__name__}: {error}", INTERNAL)
    return 0


def _with_options(problem: str, setting: str | None) -> str:
    """Return what is wrong with a setting, which is called by its option where it has one."""
    option = {"org_id": "--org", "base_url": "--base-url"}.get(setting or "")
    return problem.replace(setting, option) if setting and option else problem


def _failed(problem: str, status: int) -> int:
    from . import output

    output.note(f"codegen-sdk: {problem}")
    return status
