"""The program `codegen-sandbox`."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence

from .sandbox import Sandbox
from .state import WEBHOOK_SECRET


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; print one line of JSON that says where and with which token, when ready."""
    parser = argparse.ArgumentParser("codegen-sandbox", description=main.__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on; 0 is any free one")
    parser.add_argument("--no-rate-limits", action="store_true", help="never answer 429")
    parser.add_argument("--run-seconds", type=float, default=2.0, metavar="S", help="how long an agent run takes")
    parser.add_argument("--seed", type=int, default=0, help="decides ids and chances")
    parser.add_argument("--webhook-secret", default=WEBHOOK_SECRET, metavar="SECRET", help="what signs webhook calls")
    options = parser.parse_args(arguments)
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    try:
        sandbox = Sandbox(
            host=options.host,
            port=options.port,
            rate_limits=not options.no_rate_limits,
            run_seconds=options.run_seconds,
            seed=options.seed,
            webhook_secret=options.webhook_secret,
        ).start()
    except (OSError, ValueError) as error:
        parser.exit(1, f"codegen-sandbox: {error}\n")
    with sandbox:
        ready = {"base_url": sandbox.base_url, "token": sandbox.token, "org_id": sandbox.org_id}
        sys.stdout.write(json.dumps(ready) + "\n")
        sys.stdout.flush()
        stopped.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
