# Generated from codegen_ext/codex/_async/__init__.py by make generate; edit there.
"""The synchronous client."""
