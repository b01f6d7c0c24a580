# Generated from codegen_ext/chatserver/_async/__init__.py by make generate; edit there.
"""What waits for a ChatServer, written for event loops; `make generate` derives `_sync` from it."""
