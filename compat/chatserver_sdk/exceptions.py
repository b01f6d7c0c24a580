"""The old name of `codegen_ext.chatserver`; written by tools/compat.py."""

from typing import TYPE_CHECKING

from codegen_ext.oldnames import moved

if TYPE_CHECKING:
    from codegen_ext.chatserver import BadRequestError as BadRequestError
    from codegen_ext.chatserver import ChatServerError as ChatServerError
    from codegen_ext.chatserver import ConnectionError as ConnectionError
    from codegen_ext.chatserver import ForbiddenError as ForbiddenError
    from codegen_ext.chatserver import InternalServerError as InternalServerError
    from codegen_ext.chatserver import InvalidResponseError as InvalidResponseError
    from codegen_ext.chatserver import NotFoundError as NotFoundError
    from codegen_ext.chatserver import RateLimitError as RateLimitError
    from codegen_ext.chatserver import StreamInterruptedError as StreamInterruptedError
    from codegen_ext.chatserver import TimeoutError as TimeoutError
    from codegen_ext.chatserver import UnauthorizedError as UnauthorizedError

_NAMES = {
    "BadRequestError": "codegen_ext.chatserver",
    "ChatServerError": "codegen_ext.chatserver",
    "ConnectionError": "codegen_ext.chatserver",
    "ForbiddenError": "codegen_ext.chatserver",
    "InternalServerError": "codegen_ext.chatserver",
    "InvalidResponseError": "codegen_ext.chatserver",
    "NotFoundError": "codegen_ext.chatserver",
    "RateLimitError": "codegen_ext.chatserver",
    "StreamInterruptedError": "codegen_ext.chatserver",
    "TimeoutError": "codegen_ext.chatserver",
    "UnauthorizedError": "codegen_ext.chatserver",
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _NAMES)
