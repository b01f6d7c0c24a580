"""Cross-cutting concerns, each an httpx transport that wraps another and works alone."""
