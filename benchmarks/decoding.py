"""What decoding a page of runs costs beside parsing its JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

from codegen_api import codec, operations

from benchmarks.measure import compare, row


def page(count: int = 100) -> bytes:
    """Return a page of runs as the service sends it."""
    runs = [
        {
            "id": number,
            "organization_id": 323,
            "status": "COMPLETE",
            "created_at": "2026-01-01T00:00:00Z",
            "web_url": f"https://codegen.com/agent/trace/{number}",
            "result": f"Run {number} did what it was asked to do, and said so in a sentence.",
            "summary": "Did it.",
            "source_type": "API",
            "github_pull_requests": [],
            "metadata": {"codegen_sdk": {"request_id": f"{number:032x}"}},
        }
        for number in range(count)
    ]
    return json.dumps({"items": runs, "total": count, "page": 1, "size": count, "pages": 1}).encode()


def report() -> Iterator[str]:
    """Yield the lines of the report."""
    body = page()
    data = json.loads(body)
    decode = codec.decoder(type(codec.decode(operations.LIST_AGENT_RUNS, 200, body)))
    result = compare(lambda: json.loads(body), lambda: decode(data))
    yield row("decode a page of 100 runs / json.loads of it", *result, 1.0)
