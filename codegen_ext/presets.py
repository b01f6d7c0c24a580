"""Configurations for common situations."""

from __future__ import annotations

from .config import ClientConfig


class ConfigPresets:
    """Configurations for common situations; credentials come from the environment or are set afterwards."""

    @staticmethod
    def development() -> ClientConfig:
        """Patient with a debugger, quick to show errors, and talkative."""
        return ClientConfig(
            timeout=60.0,
            max_retries=1,
            rate_limit_requests_per_period=30,
            cache_ttl_seconds=60.0,
            log_level="DEBUG",
            log_requests=True,
            log_responses=True,
        )

    @staticmethod
    def production() -> ClientConfig:
        """For services."""
        return ClientConfig(
            timeout=30.0, max_retries=3, rate_limit_requests_per_period=100, cache_ttl_seconds=300.0, log_level="INFO"
        )

    @staticmethod
    def high_performance() -> ClientConfig:
        """For many runs at once."""
        return ClientConfig(
            timeout=45.0,
            max_retries=5,
            rate_limit_requests_per_period=200,
            cache_ttl_seconds=600.0,
            cache_max_size=256,
            bulk_max_workers=10,
            bulk_batch_size=200,
            log_level="WARNING",
        )

    @staticmethod
    def testing() -> ClientConfig:
        """Without network: a sandbox in this process answers, for any token, without rate limits."""
        from .testing import Sandbox

        sandbox = Sandbox(rate_limits=False, run_seconds=0.05, token=None)
        return ClientConfig(
            base_url=sandbox.base_url,
            timeout=10.0,
            max_retries=1,
            rate_limits=False,
            enable_caching=False,
            log_level="DEBUG",
            transport=sandbox.transport(),
        )
