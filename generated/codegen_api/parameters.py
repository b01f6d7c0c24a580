"""The values that callers may give instead of enums and models: literals, and mappings with these keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypedDict

if TYPE_CHECKING:
    from .enums import ChatRole

AgentTypeLiteral = Literal["claude_code", "codegen"]
ChatRoleLiteral = Literal["assistant", "system", "user"]
PullRequestStateLiteral = Literal["closed", "draft", "open", "ready_for_review"]
SourceTypeLiteral = Literal[
    "API",
    "CHAT",
    "CLICKUP",
    "GITHUB",
    "GITHUB_CHECK_SUITE",
    "GITHUB_PR_REVIEW",
    "JIRA",
    "LINEAR",
    "LOCAL",
    "MONDAY",
    "SETUP_COMMANDS",
    "SLACK",
]


class ChatMessageParam(TypedDict):
    """`ChatMessage` as a mapping."""

    role: ChatRole | ChatRoleLiteral
    content: str
