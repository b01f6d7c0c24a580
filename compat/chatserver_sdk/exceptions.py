from codegen_ext.chatserver import (
    BadRequestError, ChatServerError, ConnectionError, ForbiddenError, InternalServerError, InvalidResponseError,
    NotFoundError, RateLimitError, StreamInterruptedError, TimeoutError, UnauthorizedError,
)

__all__ = [
    "BadRequestError", "ChatServerError", "ConnectionError", "ForbiddenError", "InternalServerError",
    "InvalidResponseError", "NotFoundError", "RateLimitError", "StreamInterruptedError", "TimeoutError",
    "UnauthorizedError",
]
