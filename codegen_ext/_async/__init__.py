"""What waits, written for event loops; `make generate` derives `_sync` from it."""
