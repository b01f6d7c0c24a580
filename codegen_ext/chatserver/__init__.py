"""The ChatServer client."""

from .client import AsyncChatServerClient, ChatServerClient

__all__ = ["AsyncChatServerClient", "ChatServerClient"]
