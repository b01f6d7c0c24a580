"""The errors."""

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
