# Generated from codegen_ext/providers/_async/__init__.py by make generate; edit there.
"""Providers for asyncio; `_sync` is derived from them."""
