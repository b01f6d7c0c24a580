"""Redis state that the workers of a fleet share: list pages for a moment, and which worker creates a run."""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from http import HTTPStatus
from typing import Any

from codegen_api import codec, operations
from codegen_api.errors import InvalidModel
from codegen_api.types import Response

from .._sync.client import CodegenClient
from ..claims import open_claims
from ..storage import StoreUnavailable, open_redis

FRESH = 1.5
"""Seconds for which a page serves others: less than any pause between two polls of a run."""
LEASE = 30.0
"""Seconds after which the claim of a worker that died is over."""
_READING = 5.0
"""Seconds for which one worker waits for the page that another is reading."""
_LOOK = 0.05


class Fleet:
    """State of the workers that share a Redis, a service and a credential; may be used by several threads.

    While Redis does not answer, each worker reads and creates for itself.

    Raises:
        ConfigurationError: when the extra `redis` is missing, or the address cannot be used.

    """

    def __init__(self, address: str, client: CodegenClient) -> None:
        config = client.config
        identity = json.dumps([config.service_url, config.api_token])
        # Only a digest of the credential stands in keys.
        self._prefix = f"codegen:fleet:{sha256(identity.encode()).hexdigest()[:32]}"
        self._client = client
        self._claims = open_claims(address, client.clock)
        self._redis = open_redis(address)

    def close(self) -> None:
        """Close the connections."""
        self._claims.close()
        self._redis.close()

    def read_page(self, arguments: Mapping[str, Any]) -> Response[Any]:
        """Return a page of the list of runs that some worker has just read; read it where there is none."""
        with suppress(StoreUnavailable):
            return self._shared_page(arguments)
        return self._read(arguments)

    def _shared_page(self, arguments: Mapping[str, Any]) -> Response[Any]:
        generation = self._redis.command("GET", f"{self._prefix}:generation") or b""
        key = f"{self._prefix}:page:{generation.decode('latin-1')}:{json.dumps(dict(arguments), sort_keys=True)}"
        owner, patience = os.urandom(8).hex(), time.monotonic() + _READING
        while True:
            page = self._page(key)
            if page is not None:
                return page
            is_reader = self._claims.claim(f"{key}:reading", owner, _READING) == owner
            if is_reader or time.monotonic() > patience:
                try:
                    return self._page(key) or self._read_for_all(key, arguments)
                finally:
                    with suppress(StoreUnavailable):
                        self._claims.release(f"{key}:reading", owner)
            time.sleep(_LOOK)

    def _read_for_all(self, key: str, arguments: Mapping[str, Any]) -> Response[Any]:
        page = self._read(arguments)
        with suppress(StoreUnavailable):
            self._redis.command("SET", key, page.content, "PX", int(FRESH * 1000))
        return page

    def _page(self, key: str) -> Response[Any] | None:
        body = self._redis.command("GET", key)
        if body is None:
            return None
        try:
            return Response(HTTPStatus.OK, body, {}, codec.decode(operations.LIST_AGENT_RUNS, 200, body))
        except InvalidModel:  # a damaged page is read again
            return None

    def _read(self, arguments: Mapping[str, Any]) -> Response[Any]:
        return self._client.perform(operations.LIST_AGENT_RUNS, arguments)

    def forget_pages(self) -> None:
        """Have no page served that was read, or is being read, before now."""
        with suppress(StoreUnavailable):
            self._redis.command("SET", f"{self._prefix}:generation", os.urandom(8).hex(), "PX", int(10 * FRESH * 1000))

    @contextmanager
    def creating(self, request_id: str) -> Iterator[bool]:
        """Claim the run of a request id; yields whether no other worker is creating it.

        The claim is renewed while the block lasts, and is over soon after its worker has died.
        """
        key, owner = f"{self._prefix}:creating:{request_id}", os.urandom(8).hex()
        try:
            is_free = self._claims.claim(key, owner, LEASE) == owner
        except StoreUnavailable:
            yield True
            return
        if not is_free:
            yield False
            return
        over = threading.Event()
        threading.Thread(target=self._renew, args=(key, owner, over), name="codegen-lease", daemon=True).start()
        try:
            yield True
        finally:
            over.set()
            with suppress(StoreUnavailable):
                self._claims.release(key, owner)

    def _renew(self, key: str, owner: str, over: threading.Event) -> None:
        while not over.wait(LEASE / 3):
            with suppress(StoreUnavailable):
                self._claims.keep(key, owner, LEASE)
