"""Creating many runs: as many at a time as the limit allows, each of them once, also when the process dies."""

from .async_operations import AsyncBulkOperations as AsyncBulkOperations
from .journal import BulkJob as BulkJob
from .operations import BulkOperations as BulkOperations
from .results import BulkInterrupted as BulkInterrupted
from .results import BulkResult as BulkResult
