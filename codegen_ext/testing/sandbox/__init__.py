"""An in-memory, stateful imitation of the Codegen and ChatServer APIs, served over HTTP or in process."""

from .faults import Fault
from .script import Script
from .service import Sandbox

__all__ = ["Fault", "Sandbox", "Script"]
