"""Edits of a contract, each with what it means for users of this client: the matrix that the diff is held to."""

import copy
import json
import re
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

Data = dict[str, Any]


class Edit(NamedTuple):
    """One edit of edits.yaml: the right verdict on it, that of the first version where it was another, what changes."""

    name: str
    right: str
    first: str = ""
    remove: tuple[str, ...] = ()
    update: tuple[tuple[str, Any], ...] = ()
    rename: tuple[str, str] = ("", "")


def _read(name: str) -> Data:
    found: Data = YAML(typ="safe", pure=True).load(Path(__file__).with_name(name))
    return found


EDITS = [
    Edit(name, **{**fields, "update": tuple(fields.get("update", {}).items())})
    for name, fields in _read("edits.yaml").items()
]

REVISIONS = [
    ("01-5e160952", "05-bf5f7a08", "0 / 0 / 17", "0 / 0 / 11", "both; redocly counts a schema once"),
    ("05-bf5f7a08", "16-736a31da", "5 / 0 / 34", "5 / 0 / 23",
     "both: two arguments became integers, two attributes may be None"),
    ("16-736a31da", "codegen", "0 / 0 / 17", "0 / 0 / 11", "both"),
]  # fmt: skip
"""Pairs of published documents: breaking, dangerous and safe changes as the first version counted, as now, and why."""


def pair(contract: Data) -> tuple[Data, Data]:
    """Return a contract with one unit for each edit, before and after all edits."""
    from tools import overlay  # which docs/hooks.py does without

    template = _read("unit.yaml")
    old, new = copy.deepcopy(contract), copy.deepcopy(contract)
    for number, edit in enumerate(EDITS):
        edited = copy.deepcopy(template)
        actions: list[Data] = [{"target": _target(place), "remove": True} for place in edit.remove]
        actions += [{"target": _target(place), "update": update} for place, update in edit.update]
        assert overlay.apply(edited, overlay.parse({"overlay": "1.0.0", "actions": actions})) == []
        for whole, unit, change in ((old, template, ("", "")), (new, edited, edit.rename)):
            named = json.loads(json.dumps(unit).replace(*change).replace("NUMBER", str(number)))
            whole["paths"] |= named["paths"]
            whole["components"]["schemas"] |= named["components"]["schemas"]
    return old, new


def _target(place: str) -> str:
    start, rest = re.fullmatch(r"(\w+)(.*)", place).groups()  # type: ignore[union-attr]
    return ("$.paths.*.*" if start == "operation" else f"$.components.schemas.UnitNUMBER{start}") + rest
