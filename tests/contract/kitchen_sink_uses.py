"""Uses of the client that kitchen_sink.yaml generates; type checkers accept every line but those marked."""

import datetime
import uuid
from typing import assert_type

from sink_api import Client  # type: ignore[import-not-found, unused-ignore]
from sink_api.models import Cat, Colour, Dog, Everything, Level  # type: ignore[import-not-found, unused-ignore]


def use(client: Client) -> None:
    thing = client.show_thing(
        1,
        ["a"],
        day=datetime.date(2026, 1, 2),
        moment="2026-01-02T03:04:05Z",
        key=uuid.UUID(int=1),
        level=2,
        colours=["red", Colour.RED],
        filter_={"a": "x"},
        timeout_="an argument of the operation",
        timeout=5,
    )
    assert_type(thing, Everything)
    assert_type(thing.shape, Cat | Dog | None)
    assert_type(thing.level, Level | int | None)
    assert_type(thing.days, list[datetime.date] | None)
    assert_type(client.with_raw_response.show_thing(1, ["a"]).parsed, Everything)
    made = client.make_thing(
        datetime.date(2026, 1, 2),
        None,
        "red",
        shape={"kind": "dog", "bark": 1},
        node={"name": "a", "children": [{"name": "b"}]},
    )
    if made is not None:
        print(made["unknown"])
    assert_type(client.send_list([{"kind": "cat", "meow": 1}, Dog("hound", 1)]), list[Cat | Dog])
    client.show_thing(1, ["a"], level=7)  # type: ignore[arg-type]
    client.send_list([{"kind": "cat", "moo": 1}])  # type: ignore[list-item, typeddict-item, arg-type, unused-ignore]
