"""An in-memory, stateful imitation of the Codegen and ChatServer APIs, served over HTTP or in process.

`handler` turns a request into a call (`routing`, `schema`), which a response of the test, an operation of `codegen` or
`chat`, or an example (`responses`) answers; `faults` change what is sent; `server` and `transport` send it.
"""

from .faults import Fault
from .sandbox import Sandbox
from .script import Script

__all__ = ["Fault", "Sandbox", "Script"]
