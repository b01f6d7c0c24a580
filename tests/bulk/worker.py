"""A process that works on a journal: python -m tests.bulk.worker JOURNAL COUNT BASE_URL TOKEN."""

import json
import sys

from codegen_ext import BulkInterrupted, ClientConfig, CodegenClient


def main(journal: str, count: str, base_url: str, token: str) -> None:
    config = ClientConfig(
        api_token=token,
        base_url=base_url,
        max_retries=2,
        retry_delay=0.05,
        create_settle_seconds=1.0,
        rate_limits=False,
    )
    with CodegenClient(config) as client:
        try:
            results = client.bulk_create_agent_runs(
                323, [{"prompt": f"job {number}"} for number in range(int(count))], max_concurrent=8, journal=journal
            )
        except BulkInterrupted as stopped:
            print(json.dumps({"interrupted": [result.data.id for result in stopped.results if result.data]}))
        else:
            print(json.dumps([result.data.id if result.data else str(result.error) for result in results]))


if __name__ == "__main__":
    main(*sys.argv[1:])
