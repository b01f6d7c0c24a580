"""The errors of providers: one tree, whichever service failed."""

from __future__ import annotations

from typing import Any

from ..errors import CodegenAPIError


class AIProviderError(CodegenAPIError):
    """Base of every error of a provider, and the error of a request that is itself wrong.

    `provider_name` names the provider that failed. `may_have_effect` says whether the request may have done something
    that lasts, such as creating a run (`run_id`); such a request is never handed to another provider. `partial` is the
    text that a stream had yielded. `tried` lists, as in an answer's metadata, the providers before. The service's own
    exception is not chained, because services repeat parts of credentials in their messages.
    """

    hands_over = False
    """Whether the next provider may be asked in place of the one that failed so; an unknown model sets it too."""

    def __init__(
        self,
        message: str,
        *args: Any,
        provider_name: str | None = None,
        may_have_effect: bool = False,
        run_id: int | None = None,
        **details: Any,
    ) -> None:
        super().__init__(message, *args, **details)
        self.provider_name = provider_name
        self.may_have_effect = may_have_effect
        self.run_id = run_id
        self.partial = ""
        self.tried: list[dict[str, Any]] = []


class ProviderUnavailableError(AIProviderError):
    """The provider cannot answer now: no credentials, not reachable, failing, or its answer makes no sense."""

    hands_over = True


class ProviderAuthenticationError(AIProviderError):
    """The provider does not accept the credential (401), or the credential does not give the access (403)."""

    hands_over = True


class ProviderRateLimitError(AIProviderError):
    """Too many requests; `retry_after` is the number of seconds to wait, None where the service does not say."""

    hands_over = True

    def __init__(self, *args: Any, retry_after: float | None = None, **details: Any) -> None:
        super().__init__(*args, **details)
        self.retry_after = retry_after


class ProviderTimeoutError(AIProviderError, TimeoutError):
    """No whole answer in time; `timeout_duration` is the limit in seconds, None for one that is not the caller's."""

    hands_over = True

    def __init__(self, *args: Any, timeout_duration: float | None = None, **details: Any) -> None:
        super().__init__(*args, **details)
        self.timeout_duration = timeout_duration
