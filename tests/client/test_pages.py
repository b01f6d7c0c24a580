"""Pages by their number, as older clients ask for them."""

from typing import Any

import pytest

from codegen_ext import ValidationError


def test_a_page_by_its_number(client: Any) -> None:
    ids = [client.create_agent_run(323, f"run {number}").id for number in range(5)]
    pages = [client.get_agent_runs(323, page=page, per_page=2) for page in (1, 2, 3, 4)]
    assert [[run.id for run in page.items] for page in pages] == [ids[:2:-1], ids[2:0:-1], ids[:1], []]
    assert [page.page for page in pages] == [1, 2, 3, 4]
    assert [run.id for run in client.get_agent_runs("323").items] == ids[::-1]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"page": 0}, "page"), ({"page": "x"}, "page"), ({"per_page": 0}, "per_page"), ({"per_page": 101}, "limit")],
)
def test_a_page_that_is_none(client: Any, sandbox: Any, wrong: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        client.get_agent_runs(323, **wrong)
    assert caught.value.field == field
    assert caught.value.operation == "list_agent_runs"
    assert sandbox.requests == []
