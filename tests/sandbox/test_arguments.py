"""Wrong arguments of the sandbox, its faults and scripts, and the mocks are refused where they are given."""

from functools import partial

import pytest

from codegen_ext import ConfigurationError
from codegen_ext.testing import FakeClock, Fault, MockChatServerClient, MockCodegenClient, Sandbox, Script

NAN, INF = float("nan"), float("inf")

WRONG = [
    (Sandbox, {"rate_limits": ["yes"], "run_seconds": ["2", NAN], "token": [b"x"], "org_id": ["323", True]}),
    (Sandbox, {"host": [1], "port": [65536], "clock": ["now"], "speed": [0, INF], "seed": [1.5]}),
    (Sandbox, {"webhook_secret": [None]}),
    (Script, {"outcome": ["running"], "seconds": ["1"], "logs": [2.0, 10**9], "result": [5], "status": [5]}),
    (Script, {"pull_request": ["yes"], "states": [5, [], [("COMPLETE",)], [(5, 1)], [("COMPLETE", -1)]]}),
    (partial(Fault.latency, seconds=1), {"seconds": ["1"], "processed": ["no"]}),
    (partial(Fault.status, code=503), {"code": [42], "body": [object()], "headers": ["x", {"x": 1}]}),
    (partial(Fault.status, code=503), {"retry_after": [[1]], "processed": [1]}),
    (Fault.truncate, {"keep_bytes": [-1]}),
    (Fault.invalid_body, {"content": [{}]}),
    (partial(Fault.drip, chunk_bytes=1, pause_seconds=1), {"chunk_bytes": [0], "pause_seconds": [None]}),
    (Fault.slow_events, {"pause_seconds": [-0.1]}),
    (Fault.cut, {"after": ["1"]}),
    (Fault.stall, {"seconds": [NAN]}),
    (Fault.keep_alive, {"comments": [1.0], "pause_seconds": [-1]}),
    (Fault.malformed_event, {"data": [b"x"], "event": [1]}),
    (Fault.error_event, {"message": [None], "code": [1.5]}),
    (partial(Sandbox().inject, operation="*", fault=Fault.cut()), {"operation": ["nothing"], "fault": [503]}),
    (partial(Sandbox().inject, operation="*", fault=Fault.cut()), {"times": [0, "1"], "rate": [2]}),
    (Sandbox().script, {"times": [0], "seconds": [-1]}),
    (MockCodegenClient, {"config": [{"api_token": "x"}], "clock": [5]}),
    (MockChatServerClient, {"clock": [5]}),
    (FakeClock, {"start": ["now"]}),
    (FakeClock().advance, {"seconds": [-1]}),
]


@pytest.mark.parametrize(("use", "given"), WRONG)
def test_a_wrong_argument_is_named(use, given):
    for name, values in given.items():
        for value in values:
            with pytest.raises(ConfigurationError, match=name) as caught:
                use(**{name: value})
            assert caught.value.config_key == name
