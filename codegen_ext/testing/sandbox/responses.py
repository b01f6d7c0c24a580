"""Answers that a test sets, by operation."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeGuard

from codegen_api.operations import Operation

from codegen_ext.errors import CodegenAPIError, ConfigurationError

from . import schema
from .examples import Example, check
from .routing import Call

MockResponse = Mapping[str, Any] | Sequence[Any] | BaseException | type[BaseException] | Callable[..., Any]
"""What `set_mock_response` takes."""


class _Items(list[Any]):
    """The items of a list, on any number of pages."""


class Responses:
    """The responses that a test has set; may be shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._responses: dict[str, list[Any]] = {}

    def set(self, operation: Operation[Any], response: MockResponse | None) -> None:
        """Let an operation answer with `response`; None removes the earlier one."""
        is_list = operation.paging is not None or schema.type_names(schema.output(operation.id)) == ["array"]
        successive = [*response] if isinstance(response, list | tuple) and not is_list else [response]
        if not successive:
            raise ConfigurationError(f"the list of mock responses of {operation.id} is empty", config_key=operation.id)
        checked = [_checked(operation, one) for one in successive]
        with self._lock:
            self._responses[operation.id] = checked

    def clear(self) -> None:
        """Remove all responses."""
        with self._lock:
            self._responses.clear()

    def next(self, call: Call) -> Any:
        """Return the response for a call, or None; an async function's is its coroutine."""
        with self._lock:
            responses = self._responses.get(call.operation.id, [None])
            response = responses.pop(0) if len(responses) > 1 else responses[0]
        return response(**copy.deepcopy(call.given)) if _is_function(response) else response


def body(call: Call, response: Any, number: int) -> Any:
    """Return the body that answers a call with a response; None is an example. Raises a response that is an error."""
    if _is_exception(response):
        # The errors of this package cannot be made without a message.
        is_bare = isinstance(response, type) and issubclass(response, CodegenAPIError)
        raise response(f"mock response of {call.operation.id}") if is_bare else response
    example = Example(call, number)
    if response is None:
        return example.default()
    response = _checked(call.operation, response)  # as a copy, and what a function returned for the first time
    return example.page(response) if isinstance(response, _Items) else example.complete(response)


def _checked(operation: Operation[Any], response: Any) -> Any:
    if response is None or isinstance(response, _Items) or _is_function(response) or _is_exception(response):
        return response
    if hasattr(response, "to_dict"):
        response = response.to_dict()
    if isinstance(response, list | tuple) and operation.paging is not None:
        name = operation.paging.items
        return _Items(check(operation, {name: list(response)})[name])
    return check(operation, dict(response) if isinstance(response, Mapping) else response)


def _is_exception(response: object) -> bool:
    return isinstance(response, BaseException) or (isinstance(response, type) and issubclass(response, BaseException))


def _is_function(response: object) -> TypeGuard[Callable[..., Any]]:
    return callable(response) and not isinstance(response, type)
