"""TCP and TLS connections of sockets for httpcore; `asynchronous_tcp` has the same name for event loops."""

from __future__ import annotations

import httpcore

MOST_WRITTEN = 65_536
"""Bytes that one time-out is for: it begins again whenever the socket has taken some, and so would never end."""
connect_tcp = httpcore.SyncBackend().connect_tcp
