"""Wrong arguments of the sandbox, its faults and scripts, and the mocks are refused where they are given."""

from typing import Any

import pytest

from codegen_ext import ConfigurationError
from codegen_ext.testing import FakeClock, Fault, MockChatServerClient, MockCodegenClient, Sandbox, Script

NAN = float("nan")
WRONG: list[tuple[Any, dict[str, Any]]] = [
    (Sandbox, {"rate_limits": "yes"}),
    (Sandbox, {"run_seconds": "2"}),
    (Sandbox, {"run_seconds": NAN}),
    (Sandbox, {"org_id": "323"}),
    (Sandbox, {"org_id": True}),
    (Sandbox, {"host": 1}),
    (Sandbox, {"port": 65536}),
    (Sandbox, {"clock": "now"}),
    (Sandbox, {"speed": float("inf")}),
    (Sandbox, {"seed": 1.5}),
    (Sandbox, {"webhook_secret": None}),
    (Script, {"outcome": "running"}),
    (Script, {"seconds": "1"}),
    (Script, {"logs": 2.0}),
    (Script, {"logs": 10**9}),
    (Script, {"result": 5}),
    (Script, {"status": 5}),
    (Script, {"pull_request": "yes"}),
    (Script, {"states": 5}),
    (Script, {"states": []}),
    (Script, {"states": [("COMPLETE",)]}),
    (Script, {"states": [(5, 1)]}),
    (Script, {"states": [("COMPLETE", -1)]}),
    (Fault.latency, {"seconds": "1"}),
    (Fault.latency, {"seconds": 1, "processed": "no"}),
    (Fault.status, {"code": 42}),
    (Fault.status, {"code": 503, "body": object()}),
    (Fault.status, {"code": 503, "headers": "x"}),
    (Fault.status, {"code": 503, "headers": {"x": 1}}),
    (Fault.status, {"code": 503, "retry_after": [1]}),
    (Fault.truncate, {"keep_bytes": -1}),
    (Fault.invalid_body, {"content": {}}),
    (Fault.invalid_body, {"content": "", "content_type": None}),
    (Fault.drip, {"pause_seconds": 1, "chunk_bytes": 0}),
    (Fault.cut, {"after": "1"}),
    (Fault.stall, {"seconds": NAN}),
    (Fault.keep_alive, {"comments": 1.0}),
    (Fault.malformed_event, {"data": b"x"}),
    (Fault.error_event, {"message": None}),
    (MockCodegenClient, {"config": {"api_token": "x"}}),
    (MockCodegenClient, {"clock": 5}),
    (MockChatServerClient, {"clock": 5}),
    (FakeClock, {"start": "now"}),
    (FakeClock().advance, {"seconds": -1}),
]
INJECT: list[dict[str, Any]] = [{"operation": "nothing"}, {"fault": 503}, {"times": 0}, {"times": "1"}, {"rate": 2}]
WRONG += [(lambda **given: Sandbox().inject(**{"operation": "*", "fault": Fault.cut()} | given), one) for one in INJECT]
WRONG += [(Sandbox().script, {"times": 0}), (Sandbox().script, {"seconds": -1})]


@pytest.mark.parametrize(
    ("use", "arguments"), WRONG, ids=lambda one: one.__qualname__ if callable(one) else list(one)[-1]
)
def test_a_wrong_argument_is_named(use: Any, arguments: dict[str, Any]) -> None:
    name = list(arguments)[-1]
    with pytest.raises(ConfigurationError, match=name) as caught:
        use(**arguments)
    assert caught.value.config_key == name
