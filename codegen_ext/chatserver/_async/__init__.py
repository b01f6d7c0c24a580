"""What waits for a ChatServer, written for event loops; `make generate` derives `_sync` from it."""
