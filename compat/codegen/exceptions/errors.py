from codegen_ext import (
    AuthenticationError, BulkOperationError, CodegenAPIError, ConfigurationError, ConflictError, NetworkError,
    NotFoundError, PaymentRequiredError, PermissionDeniedError, RateLimitError, ServerError, TaskError,
    TimeoutError, ValidationError, WebhookError,
)

__all__ = [
    "AuthenticationError", "BulkOperationError", "CodegenAPIError", "ConfigurationError", "ConflictError",
    "NetworkError", "NotFoundError", "PaymentRequiredError", "PermissionDeniedError", "RateLimitError", "ServerError",
    "TaskError", "TimeoutError", "ValidationError", "WebhookError",
]
