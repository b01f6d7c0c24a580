"""Whatever no client can be made of is one line with its place and what to write where, and all lines come at once."""

import copy
from pathlib import Path

import pytest

from tools import adapter, generate, load, normalize, overlay, validate

from .documents import KITCHEN_SINK, actions

GOLDEN = Path(__file__).with_name("refusals")
PUBLISHED, CONTRACT = (
    (GOLDEN / name).read_text(encoding="utf-8").splitlines() for name in ("published.txt", "contract.txt")
)


def normalized(*more):
    published, _ = load.facts(load.read(str(GOLDEN / "published.yaml")))
    chatserver = load.load(GOLDEN / "chatserver.yaml")
    return normalize.normalize(published, chatserver, [*overlay.read(GOLDEN / "overlay.yaml"), *more])


def refused(made, folder):
    with pytest.raises(load.SpecError) as caught:
        generate.prepare(made, folder)
    assert not list(folder.iterdir())
    return caught.value.problems


def test_each_reason_has_its_place_and_what_to_write(tmp_path):
    assert refused(normalized(), tmp_path) == PUBLISHED


def test_what_is_written_mends_everything_but_what_people_wrote():
    (written,) = (line for line in PUBLISHED if line.endswith("; mend it in spec/chatserver.yaml"))
    entries = [line.partition("; mend it in spec/overlay.yaml: ")[2] for line in PUBLISHED if line != written]
    made = normalized(*actions("\n".join(entries)))
    adapter.read(made.data)
    assert [*made.problems, *validate.problems(made.data)] == [written]


def test_an_operation_says_what_it_lacks():
    path, operation_id, parameter, *found = validate.problems(load.load(GOLDEN / "contract.yaml"))
    assert "'no-slash' was unexpected" in path
    assert "'list_things'" in operation_id
    assert "'undeclared'" in parameter
    assert found == CONTRACT


def test_a_policy_that_leads_nowhere_is_refused_though_nothing_can_be_read_of_it(tmp_path):
    contract = copy.deepcopy(KITCHEN_SINK)
    contract["paths"]["/v1/things"]["get"]["x-codegen"]["paginate"]["items"] = "nothing"
    (line,) = refused(normalize.Normalized(contract, [], [], []), tmp_path)
    assert line.startswith("GET /v1/things/x-codegen/paginate: items names nothing, which is no field of the answer")
