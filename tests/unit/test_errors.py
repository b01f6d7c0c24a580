"""The error tree: attributes, ancestry, text, and travel between processes."""

import copy
import pickle

import httpx
import pytest
from codegen_api.models import AgentRunResponse

import codegen_ext
from codegen_ext import (
    AmbiguousRequestError,
    CodegenAPIError,
    ConfigurationError,
    NetworkError,
    RateLimitError,
    TaskError,
    TimeoutError,
    ValidationError,
    WaitTimeoutError,
)

RUN = AgentRunResponse.from_dict({"id": 7, "organization_id": 323, "status": "EVALUATION", "new": [1]})
WITH_MORE = [
    ValidationError("bad", 422, "req-1", {"detail": []}, operation="x", field_errors={"f": ["no"]}, details=[1]),
    RateLimitError("slow down", 429, "req-1", {"m": 1}, operation="x", retry_after=2.5),
    ConfigurationError("wrong", config_key="timeout"),
    codegen_ext.MissingExtraError("missing", config_key="shared_state"),
    AmbiguousRequestError("unknown", "req-1", [RUN], operation="x"),
    NetworkError("broken", httpx.ReadError("reset"), operation="x"),
    TimeoutError("late", 30.0, operation="x"),
    WaitTimeoutError("late", 60.0, run_id=7, run=RUN),
    TaskError("failed", task_id=7, task_status="failed"),
]
KINDS = [getattr(codegen_ext, name) for name in codegen_ext.__all__ if name.endswith("Error")]
OF_A_RESPONSE = [kind for kind in KINDS if kind not in map(type, WITH_MORE)]
ERRORS = [*WITH_MORE, *(kind("it failed", 499, "req-1", {"a": [1]}, operation="get_user") for kind in OF_A_RESPONSE)]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("again", [lambda error: pickle.loads(pickle.dumps(error)), copy.copy, copy.deepcopy])
def test_an_error_survives_a_pickle_with_all_its_attributes(error, again):
    other = again(error)
    assert isinstance(error, CodegenAPIError)
    assert type(other) is type(error)
    assert (str(other), other.args) == (str(error), error.args)
    mine, theirs = dict(vars(error)), dict(vars(other))
    assert repr(theirs.pop("original_error", None)) == repr(mine.pop("original_error", None))
    assert theirs == mine
    assert {"message", "status_code", "request_id", "response_data", "operation"} <= set(mine)
    assert error.message in str(error)


def test_a_validation_error_names_its_first_field():
    error = ValidationError("bad", field_errors={"prompt": ["blank"], "images": ["odd"]})
    assert error.field == "prompt"
    assert error.details == {"prompt": ["blank"], "images": ["odd"]}
    bare = ValidationError("bad")
    assert (bare.field, bare.field_errors, bare.details) == (None, {}, {})
