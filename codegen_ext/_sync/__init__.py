# Generated from codegen_ext/_async/__init__.py by make generate; edit there.
"""What waits, written for event loops; `make generate` derives `_sync` from it."""
