"""Operations of the contract as the command `api` names, lists and calls them."""

import inspect
import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from difflib import get_close_matches
from typing import Any

from codegen_api.operations import OPERATIONS, Operation

from .. import AsyncChatServerClient, AsyncCodegenClient, ValidationError
from ..redact import shown


def named(name: str) -> Operation[Any]:
    """Return the operation with this id; raises ValidationError for another name."""
    if name not in OPERATIONS:
        raise ValidationError(f"there is no operation {name}; {_closest(name, OPERATIONS)}")
    return OPERATIONS[name]


def usage(operation: Operation[Any]) -> str:
    """Return an operation with its arguments, such as `get_users [org_id] [skip] [limit]`."""
    arguments = (name if is_needed else f"[{name}]" for name, is_needed in _parameters(operation).items())
    return " ".join([operation.id, *arguments])


def summary(operation: Operation[Any]) -> str:
    """Return the first line of the method's docstring."""
    return (inspect.getdoc(_method_of(operation)) or "").partition("\n")[0]


def arguments(operation: Operation[Any], given: Iterable[str], **defaults: Any) -> dict[str, Any]:
    """Return the arguments of a call from NAME=VALUE; where no string is expected, a value is JSON if it can be.

    Raises:
        ValidationError: when one is missing, or the operation does not have it.

    """
    parameters = _parameters(operation)
    strings = {argument.python_name for argument in operation.arguments if argument.type == "string"}
    values = {name: value for name, value in defaults.items() if name in parameters}
    for text in given:
        name, separator, value = text.partition("=")
        if not separator:
            raise ValidationError(f"expected NAME=VALUE, got {shown(text)}")
        if name not in parameters:
            raise ValidationError(f"{operation.id} has no argument {name}; {_closest(name, parameters)}")
        values[name] = value
        if name not in strings:
            with suppress(ValueError):
                values[name] = json.loads(value)
    if "org_id" in parameters and not values.get("org_id"):
        raise ValidationError(f"{operation.id} needs an organization: pass --org, or set CODEGEN_ORG_ID")
    if missing := [name for name, is_needed in parameters.items() if is_needed and name not in values]:
        raise ValidationError(f"{operation.id} needs {' and '.join(missing)}: {usage(operation)}")
    return values


def _method_of(operation: Operation[Any]) -> Callable[..., Any]:
    client = AsyncCodegenClient if operation.service == "codegen" else AsyncChatServerClient
    method: Callable[..., Any] = getattr(client, operation.id)
    return method


def _parameters(operation: Operation[Any]) -> dict[str, bool]:
    """Return the arguments of an operation, and whether each must be given; org_id is filled in."""
    _, *parameters = inspect.signature(_method_of(operation)).parameters.values()
    own = (parameter for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY)
    return {parameter.name: parameter.default is parameter.empty and parameter.name != "org_id" for parameter in own}


def _closest(name: str, names: Iterable[str]) -> str:
    close = get_close_matches(name, names, 1)
    return f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(names))}"
