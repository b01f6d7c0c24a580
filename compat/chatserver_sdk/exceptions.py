"""The errors."""

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
