"""Providers for asyncio; `_sync` is derived from them."""
