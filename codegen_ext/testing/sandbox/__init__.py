"""An in-memory, stateful imitation of the Codegen and ChatServer APIs, served over HTTP or in process."""

from .faults import Fault
from .sandbox import Sandbox
from .script import Script

__all__ = ["Fault", "Sandbox", "Script"]
