"""TCP and TLS connections of sockets for httpcore; `asynchronous_tcp` has the same name for event loops."""

from __future__ import annotations

import httpcore

connect_tcp = httpcore.SyncBackend().connect_tcp
