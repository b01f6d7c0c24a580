"""The old name of `codegen_ext`; written by tools/compat.py."""

from typing import TYPE_CHECKING

from codegen_ext.oldnames import moved

if TYPE_CHECKING:
    from codegen_ext import AuthenticationError as AuthenticationError
    from codegen_ext import BulkOperationError as BulkOperationError
    from codegen_ext import CodegenAPIError as CodegenAPIError
    from codegen_ext import ConfigurationError as ConfigurationError
    from codegen_ext import ConflictError as ConflictError
    from codegen_ext import NetworkError as NetworkError
    from codegen_ext import NotFoundError as NotFoundError
    from codegen_ext import PaymentRequiredError as PaymentRequiredError
    from codegen_ext import PermissionDeniedError as PermissionDeniedError
    from codegen_ext import RateLimitError as RateLimitError
    from codegen_ext import ServerError as ServerError
    from codegen_ext import TaskError as TaskError
    from codegen_ext import TimeoutError as TimeoutError
    from codegen_ext import ValidationError as ValidationError
    from codegen_ext import WebhookError as WebhookError

_NAMES = {
    "AuthenticationError": "codegen_ext",
    "BulkOperationError": "codegen_ext",
    "CodegenAPIError": "codegen_ext",
    "ConfigurationError": "codegen_ext",
    "ConflictError": "codegen_ext",
    "NetworkError": "codegen_ext",
    "NotFoundError": "codegen_ext",
    "PaymentRequiredError": "codegen_ext",
    "PermissionDeniedError": "codegen_ext",
    "RateLimitError": "codegen_ext",
    "ServerError": "codegen_ext",
    "TaskError": "codegen_ext",
    "TimeoutError": "codegen_ext",
    "ValidationError": "codegen_ext",
    "WebhookError": "codegen_ext",
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _NAMES)
