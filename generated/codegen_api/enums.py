"""Sets of values: closed ones, whose unknown values stay plain, and open ones, whose words are normalized."""

from __future__ import annotations

from enum import StrEnum
from typing import Any


class AgentType(StrEnum):
    """Kind of agent that carries out a run."""

    CLAUDE_CODE = "claude_code"
    CODEGEN = "codegen"


class ChatRole(StrEnum):
    """Author of a chat message."""

    ASSISTANT = "assistant"
    SYSTEM = "system"
    USER = "user"


class PullRequestState(StrEnum):
    """State to which a pull request can be set."""

    CLOSED = "closed"
    DRAFT = "draft"
    OPEN = "open"
    READY_FOR_REVIEW = "ready_for_review"


class SourceType(StrEnum):
    """Place from which a run was started."""

    API = "API"
    CHAT = "CHAT"
    CLICKUP = "CLICKUP"
    GITHUB = "GITHUB"
    GITHUB_CHECK_SUITE = "GITHUB_CHECK_SUITE"
    GITHUB_PR_REVIEW = "GITHUB_PR_REVIEW"
    JIRA = "JIRA"
    LINEAR = "LINEAR"
    LOCAL = "LOCAL"
    MONDAY = "MONDAY"
    SETUP_COMMANDS = "SETUP_COMMANDS"
    SLACK = "SLACK"


class MessageType(StrEnum):
    """Word for the kind of a log entry, from an open set to which the service may add words."""

    ACTION = "ACTION"
    PLAN_EVALUATION = "PLAN_EVALUATION"
    FINAL_ANSWER = "FINAL_ANSWER"
    ERROR = "ERROR"
    USER_MESSAGE = "USER_MESSAGE"
    USER_GITHUB_ISSUE_COMMENT = "USER_GITHUB_ISSUE_COMMENT"
    INITIAL_PR_GENERATION = "INITIAL_PR_GENERATION"
    DETECT_PR_ERRORS = "DETECT_PR_ERRORS"
    FIX_PR_ERRORS = "FIX_PR_ERRORS"
    PR_CREATION_FAILED = "PR_CREATION_FAILED"
    PR_EVALUATION = "PR_EVALUATION"
    COMMIT_EVALUATION = "COMMIT_EVALUATION"
    AGENT_RUN_LINK = "AGENT_RUN_LINK"


def to_message_type(word: str | None) -> MessageType | str | None:
    """Return the member that a word of the service means; an unknown word and null are returned as they are."""
    return NORMALISED["MessageType"].get(word.upper(), word) if isinstance(word, str) else word


class AgentRunStatus(StrEnum):
    """State word of a run in the upper case that the service sends; new words appear without notice, and clients see
    the normalized words listed in x-codegen."""

    PENDING = "pending"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"

    def __eq__(self, other: object) -> bool:
        """Compare with a string, also with the words of the service that mean this member."""
        return str.__eq__(self, other) is True or (
            type(other) is str and NORMALISED["AgentRunStatus"].get(other) is self
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = StrEnum.__hash__

    @property
    def is_terminal(self) -> bool:
        """Whether a run in this state has ended for good."""
        return self in _AGENT_RUN_STATUS_TERMINAL


_AGENT_RUN_STATUS_TERMINAL = frozenset(
    {
        AgentRunStatus.COMPLETED,
        AgentRunStatus.FAILED,
        AgentRunStatus.CANCELLED,
    }
)


def to_agent_run_status(word: str | None) -> AgentRunStatus | str | None:
    """Return the member that a word of the service means; an unknown word and null are returned as they are."""
    return NORMALISED["AgentRunStatus"].get(word.upper(), word) if isinstance(word, str) else word


NORMALISED: dict[str, dict[str, Any]] = {
    "MessageType": {
        "ACTION": MessageType.ACTION,
        "PLAN_EVALUATION": MessageType.PLAN_EVALUATION,
        "FINAL_ANSWER": MessageType.FINAL_ANSWER,
        "ERROR": MessageType.ERROR,
        "USER_MESSAGE": MessageType.USER_MESSAGE,
        "USER_GITHUB_ISSUE_COMMENT": MessageType.USER_GITHUB_ISSUE_COMMENT,
        "INITIAL_PR_GENERATION": MessageType.INITIAL_PR_GENERATION,
        "DETECT_PR_ERRORS": MessageType.DETECT_PR_ERRORS,
        "FIX_PR_ERRORS": MessageType.FIX_PR_ERRORS,
        "PR_CREATION_FAILED": MessageType.PR_CREATION_FAILED,
        "PR_EVALUATION": MessageType.PR_EVALUATION,
        "COMMIT_EVALUATION": MessageType.COMMIT_EVALUATION,
        "AGENT_RUN_LINK": MessageType.AGENT_RUN_LINK,
    },
    "AgentRunStatus": {
        "PENDING": AgentRunStatus.PENDING,
        "QUEUED": AgentRunStatus.PENDING,
        "RUNNING": AgentRunStatus.RUNNING,
        "ACTIVE": AgentRunStatus.RUNNING,
        "EVALUATION": AgentRunStatus.RUNNING,
        "COMPLETE": AgentRunStatus.COMPLETED,
        "COMPLETED": AgentRunStatus.COMPLETED,
        "FAILED": AgentRunStatus.FAILED,
        "ERROR": AgentRunStatus.FAILED,
        "TIMEOUT": AgentRunStatus.FAILED,
        "MAX_ITERATIONS_REACHED": AgentRunStatus.FAILED,
        "OUT_OF_TOKENS": AgentRunStatus.FAILED,
        "CANCELLED": AgentRunStatus.CANCELLED,
        "STOPPED": AgentRunStatus.CANCELLED,
        "PAUSED": AgentRunStatus.PAUSED,
    },
}
"""The members of open enums by the words that the service sends, in upper case."""
