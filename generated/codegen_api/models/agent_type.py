from enum import StrEnum


class AgentType(StrEnum):
    CLAUDE_CODE = "claude_code"
    CODEGEN = "codegen"

    def __str__(self) -> str:
        return str(self.value)
