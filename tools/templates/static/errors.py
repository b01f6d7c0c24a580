"""Errors of the generated client; codegen_ext turns them into its own, which name the operation."""


class UnexpectedStatus(Exception):
    """The response has no status of success.

    `status_code` and `content` (bytes) are the response's; the message leaves the content out, it may hold secrets.
    """

    def __init__(self, status_code: int, content: bytes) -> None:
        self.status_code = status_code
        self.content = content
        super().__init__(f"unexpected status {status_code}")

    def __reduce__(self) -> tuple[type, tuple[int, bytes]]:
        return type(self), (self.status_code, self.content)


class InvalidModel(Exception):
    """A JSON value does not fit the model that the contract promises; `model` names it, `problem` says why."""

    def __init__(self, model: str, problem: str) -> None:
        self.model = model
        self.problem = problem
        super().__init__(f"{model}: {problem}")

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.model, self.problem)
