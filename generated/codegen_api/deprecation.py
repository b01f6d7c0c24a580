"""Mark methods of operations that the service has deprecated."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["deprecated"]

if TYPE_CHECKING:
    from typing_extensions import deprecated
else:
    import functools
    import inspect
    import warnings

    def deprecated(message: str) -> Any:
        """Warn of a call with a DeprecationWarning, as `warnings.deprecated` of Python 3.13 does."""

        def mark(method: Any) -> Any:
            @functools.wraps(method)
            def call(*arguments: Any, **options: Any) -> Any:
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                return method(*arguments, **options)

            @functools.wraps(method)
            async def call_async(*arguments: Any, **options: Any) -> Any:
                warnings.warn(message, DeprecationWarning, stacklevel=2)
                return await method(*arguments, **options)

            marked = call_async if inspect.iscoroutinefunction(method) else call
            marked.__deprecated__ = message
            return marked

        return mark
