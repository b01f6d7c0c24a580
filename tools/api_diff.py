"""`make diff-spec OLD=… NEW=…`: what a change of the contract means for users of this client.

`redocly diff` compares what travels, griffe what Python users see; both judge, and this client's own knowledge is
applied to their verdicts. Each side is a path, a URL, or a git ref such as v1.2.0, at which openapi.yaml is taken. The
exit status is 1 for a breaking change unless the major version was raised since the last tag, and 2 where a document
cannot be read.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import griffe

from tools import generate, load, normalize, versions
from tools.load import CLIENTS, Data, SpecError, each_operation

REDOCLY = load.ROOT / "node_modules" / "@redocly" / "cli"
BREAKING, DANGEROUS, SAFE = SEVERITIES = ("breaking", "dangerous", "safe")

SURVIVED = {"enum-values-added": SAFE, "server-removed": DANGEROUS, "response-header-removed": SAFE}
"""Rules of redocly whose findings this client survives: unknown values stay strings, an address is a setting, and no
model has headers. Errors are typed by their status, so one that is no longer documented is safe, too."""

MATTERS = dict.fromkeys(
    ("maximum", "minimum", "exclusiveMaximum", "exclusiveMinimum", "multipleOf", "maxLength", "minLength", "maxItems",
     "minItems", "uniqueItems", "pattern", "type", "enum", "required", "format", "nullable"), SAFE,
) | {"deprecated": DANGEROUS, "default": DANGEROUS}  # fmt: skip
"""Keywords whose change matters where redocly has no verdict; the others are prose."""

PYTHON = {
    griffe.BreakageKind.PARAMETER_MOVED: DANGEROUS,
    griffe.BreakageKind.PARAMETER_CHANGED_DEFAULT: DANGEROUS,
}
"""What griffe calls a breakage and is less than that."""


class Change(NamedTuple):
    """One difference between two contracts; `names` are those in Python that it touches."""

    severity: str
    action: str
    where: str
    detail: str
    names: tuple[str, ...] = ()


def compare(old: Data, new: Data) -> list[Change]:
    """Return every change between two contracts, the gravest first.

    Raises:
        SpecError: if redocly is not installed in the pinned version or fails, or a contract does not generate.

    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with _redocly(folder, old, new) as process:
            python = list(_python_changes(folder, old, new))
            out, err = process.communicate()
        if process.returncode:
            raise SpecError(f"redocly diff failed: {' '.join(err.split())[-300:]}")
    found = [*_wire_changes(json.loads(out)["changes"], old, new), *_policy_changes(old, new), *python]
    return sorted(
        dict.fromkeys(found), key=lambda change: (SEVERITIES.index(change.severity), change.where, change.detail)
    )


def require_redocly() -> None:
    """Make sure that redocly is there in the version that package.json pins.

    Raises:
        SpecError: if it is not.

    """
    pinned = json.loads((load.ROOT / "package.json").read_text(encoding="utf-8"))["devDependencies"]["@redocly/cli"]
    manifest = REDOCLY / "package.json"
    found = json.loads(manifest.read_text(encoding="utf-8"))["version"] if manifest.exists() else "missing"
    if found != pinned:
        raise SpecError(f"documents are compared by @redocly/cli {pinned}, which is {found}; install it with `npm ci`")


def _redocly(folder: Path, old: Data, new: Data) -> subprocess.Popen[str]:
    require_redocly()
    for name, data in (("old.json", old), ("new.json", new)):
        (folder / name).write_text(json.dumps(data), encoding="utf-8")
    quiet = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_NOTIFICATIONS": "true"}
    command = ["node", str(REDOCLY / "bin" / "cli.js"), "diff", "old.json", "new.json", "--format=json"]
    try:
        return subprocess.Popen(
            [*command, "--fail-on=none"],
            cwd=folder,
            env=quiet,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
    except OSError as error:
        raise SpecError(f"documents are compared by @redocly/cli, which node runs: {error.strerror}") from error


# What travels


def _wire_changes(changes: list[Data], old: Data, new: Data) -> Iterator[Change]:
    for change in changes:
        verdicts = {_severity(verdict["ruleId"], verdict["impact"], change, old) for verdict in change["verdicts"]}
        keyword = str(change.get("property"))
        if change["impact"] == "minor" or (change["typeName"] == "Schema" and change["kind"] == "removed"):
            verdicts.add(SAFE)
        elif change["kind"] == "modified" and not verdicts and keyword in MATTERS:
            verdicts.add(MATTERS[keyword])
        if verdicts:
            side = change.get("revision") or change["base"]
            contract = new if "revision" in change else old
            where, names = _place(contract, change["path"], side.get("pointer", change["path"]))
            severity = min(verdicts, key=SEVERITIES.index)
            action = "changed" if change["kind"] == "modified" else str(change["kind"])
            yield Change(severity, action, where, _detail(change), names)


def _severity(rule: str, impact: str, change: Data, old: Data) -> str:
    """Apply to a verdict of redocly what this client survives."""
    if rule == "response-removed" and not re.search(r"/responses/2\d\d$", change["path"]):
        return SAFE
    if rule == "required-properties-removed" and _were_nullable(change, old):
        return SAFE
    return SURVIVED.get(rule, {"major": BREAKING, "minor": SAFE}.get(impact, SAFE))


def _were_nullable(change: Data, old: Data) -> bool:
    """Say whether the fields that may be absent now could be null before, which is None in Python as well."""
    fields = load.at(old, change["base"]["pointer"].removesuffix("/required")).get("properties", {})
    lost = set(change["base"]["value"]) - set(change.get("revision", {}).get("value") or ())
    return all(_is_nullable(old, fields.get(name, {})) for name in lost)


def _is_nullable(contract: Data, schema: Data) -> bool:
    schema = load.resolve(contract, schema)
    branches = schema.get("anyOf", ())
    return "null" in schema.get("type", ()) or any(branch.get("type") == "null" for branch in branches)


def _detail(change: Data) -> str:
    if messages := [verdict["message"] for verdict in change["verdicts"]]:
        return " ".join(messages)
    kind = change["typeName"]
    if "property" not in change:
        return f"{kind} {change['kind']}"
    before, after = (change.get(side, {}).get("value") for side in ("base", "revision"))
    return f"{change['property']}: {_short(before)} -> {_short(after)}"


def _short(value: object) -> str:
    text = "none" if value is None else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else f"{text[:77]}..."


def _place(contract: Data, path: str, pointer: str) -> tuple[str, tuple[str, ...]]:
    """Return where a change is, for people, and the names in Python of what is there."""
    where, names = path, list[str]()
    parts = [part.replace("~1", "/").replace("~0", "~") for part in path.split("/")[1:]]
    if len(parts) > 1 and parts[0] == "paths":
        where = parts[1]
        for method, operation in contract["paths"].get(parts[1], {}).items():
            if method in load.METHODS and (len(parts) < 3 or method == parts[2]):
                where = f"{method.upper()} {parts[1]}" if len(parts) > 2 else where
                names += _methods(contract, operation, parts[3:5])
    if shared := re.match(r"#/components/parameters/[^/]+", pointer):
        names = []
        for _, _, operation in each_operation(contract):
            for index, parameter in enumerate(operation.get("parameters", ())):
                if parameter == {"$ref": shared[0]}:
                    names += _methods(contract, operation, ["parameters", str(index)])
    if found := re.fullmatch(r"#/components/schemas/([^/]+)(?:/properties/([^/]+))?.*", pointer):
        where = f"{found[1]}.{found[2]}" if found[2] else found[1]
        names = [f"{found[1]}.{python_name(found[2])}" if found[2] else found[1], *names]
    return where, tuple(dict.fromkeys(names))


def _methods(contract: Data, operation: Data, rest: list[str]) -> list[str]:
    """Return the methods of an operation, with the argument where `rest` leads to a parameter."""
    client = CLIENTS[operation["x-codegen"]["service"]]
    stream = operation["x-codegen"].get("stream")
    names = [operation["operationId"], *([stream["method"]] if stream else [])]
    argument = ""
    if len(rest) == 2 and rest[0] == "parameters" and rest[1].isdigit():
        parameter = load.resolve(contract, operation["parameters"][int(rest[1])])
        argument = f"({python_name(parameter['name'])})"
    return [f"{prefix}{client}.{name}{argument}" for name in names for prefix in ("", "Async")]


def python_name(name: str) -> str:
    """Return the name of a field or a parameter in Python."""
    from openapi_python_client.strings import PythonIdentifier

    return str(PythonIdentifier(name, "field_"))


# The policy beside each operation, which only this client knows


def _policy_changes(old: Data, new: Data) -> Iterator[Change]:
    before = {(path, method): operation for path, method, operation in each_operation(old)}
    for path, method, operation in each_operation(new):
        policies = [item.get("x-codegen", {}) for item in (before.get((path, method), operation), operation)]
        for key in sorted((policies[0].keys() | policies[1].keys()) - {"stream"}):
            was, now = policies[0].get(key), policies[1].get(key)
            if was != now:
                severity = SAFE if key in {"cache-seconds", "invalidates"} else DANGEROUS
                if key == "rate-limit" and not _is_lower(was, now):
                    severity = SAFE
                if key == "service":
                    severity = BREAKING
                names = tuple(_methods(new, operation, []))
                detail = f"{key}: {_short(was)} -> {_short(now)}"
                yield Change(severity, "changed", f"{method.upper()} {path}", detail, names)


def _is_lower(was: Data, now: Data) -> bool:
    rates = [(limit["requests"], limit["requests"] / limit["seconds"]) for limit in (was, now)]
    return any(after < before for before, after in zip(*rates, strict=True))


# What Python users see


def _python_changes(folder: Path, old: Data, new: Data) -> Iterator[Change]:
    modules: list[griffe.Module] = []
    for side, contract in (("old", old), ("new", new)):
        generate.write(folder / side / "codegen_api", contract)
        module = read_package(folder / side, "codegen_api")
        models = module["models"]  # which computes its `__all__`
        models.exports = [name for name, member in models.members.items() if member.is_alias]
        modules.append(module)
    services = [name for name in CLIENTS if all(name in module["_sync"].members for module in modules)]
    breakages = [
        breakage
        for name in ("models", "enums", "parameters", *(f"_sync.{service}" for service in services))
        for breakage in griffe.find_breaking_changes(*(module[name] for module in modules))
    ]
    for breakage in breakages:
        if name := _public_name(breakage):
            names = (name, f"Async{name}") if "Client." in name else (name,)
            action = "removed" if breakage.kind.value.endswith("removed") else "changed"
            yield Change(PYTHON.get(breakage.kind, BREAKING), action, name, breakage.kind.value.lower(), names)


def read_package(folder: Path, name: str) -> griffe.Module:
    """Read a package in a folder without running it."""
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    # griffe would look into the working directory first.
    module = griffe.GriffeLoader(search_paths=[folder], allow_inspection=False).load(name, try_relative_path=False)
    assert isinstance(module, griffe.Module)
    return module


def _public_name(breakage: griffe.Breakage) -> str | None:
    """Return the name under which users know what broke; None for what they do not see."""
    parts = breakage.obj.path.split(".")[1:]
    if parts[0] == "_sync":
        changed = breakage.old_value or breakage.new_value
        argument = f"({changed.name})" if isinstance(changed, griffe.Parameter) else ""
        is_method = len(parts) == 4 and not parts[2].startswith("Raw") and not parts[3].startswith("_")
        return f"{CLIENTS[parts[1]]}.{parts[3]}{argument}" if is_method else None
    if breakage.kind is griffe.BreakageKind.ATTRIBUTE_CHANGED_VALUE and parts[0] != "enums":
        return None  # redocly compares defaults
    names = [part for part in parts[1:] if not part.islower() or part == parts[-1]]
    return ".".join(names) if names[0][0].isupper() else None


# The report

SECTIONS = {"added": "Added", "changed": "Changed", "removed": "Removed"}


def summary(changes: Iterable[Change]) -> dict[str, int]:
    """Count the changes of each severity."""
    counted = Counter(change.severity for change in changes)
    return {severity: counted[severity] for severity in SEVERITIES}


def as_json(changes: list[Change]) -> str:
    """Return the report for machines."""
    touched = sorted({name for change in changes for name in change.names})
    report = {"summary": summary(changes), "changes": [change._asdict() for change in changes], "names": touched}
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def as_markdown(changes: list[Change], notes: list[str]) -> str:
    """Return the report for people; what a document says is shown as code, so that it stays text."""
    counts = summary(changes)
    lines = ["# Changes of the contract", "", ", ".join(f"{counts[item]} {item}" for item in SEVERITIES) + "."]
    for severity in SEVERITIES:
        chosen = [change for change in changes if change.severity == severity]
        if chosen:
            lines += ["", f"## {severity.capitalize()}", "", "| where | change | in Python |", "|---|---|---|"]
        for change in chosen:
            cells = (_code(change.where), _code(change.detail), ", ".join(map(_code, change.names)))
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
    if notes:
        lines += ["", "## To read", "", *(f"- {_code(note)}" for note in notes)]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return "`" + re.sub(r"[`\s]+", " ", text).strip() + "`"


def changelog_entry(changes: list[Change]) -> dict[str, list[str]]:
    """Return lines for Added, Changed and Removed in the changelog, one for each thing that users notice."""
    entry: dict[str, dict[str, str]] = {title: {} for title in SECTIONS.values()}
    for change in changes:
        if change.names and (change.severity != SAFE or change.action == "added"):
            verb = {"added": "is new", "removed": "is gone"}.get(change.action)
            said = f" {verb}." if verb else f": {change.detail.rstrip('.')}."
            mark = "**Breaking:** " if change.severity == BREAKING else ""
            entry[SECTIONS[change.action]].setdefault(change.names[0], f"- {mark}{_code(change.names[0])}{said}")
    return {title: list(lines.values()) for title, lines in entry.items() if lines}


# The command


def read(source: str) -> Data:
    """Return the contract at a path, URL or git ref; a document of the service is normalized first.

    Raises:
        SpecError: if there is no such thing, or it cannot be used.

    """
    if not Path(source).exists() and "://" not in source:
        text = versions.at(source, load.CONTRACT.name)
        if text is None:
            raise SpecError(f"{source} is no file, no URL and no git ref that has openapi.yaml")
        data = load.parse(text, source)
    else:
        data = load.read(source)
    if all("x-codegen" in operation for _, _, operation in each_operation(data)):
        return data
    return normalize.contract(load.facts(data)[0]).data


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", help="path, URL or git ref")
    parser.add_argument("new", nargs="?", default=str(load.CONTRACT), help="the same; openapi.yaml if left out")
    parser.add_argument("--json", metavar="FILE", help="write the report for machines there")
    given = parser.parse_args()
    try:
        require_redocly()
        changes = compare(read(given.old), read(given.new))
    except SpecError as error:
        print(error, file=sys.stderr)
        return 2
    if given.json:
        Path(given.json).write_text(as_json(changes), encoding="utf-8")
    print(as_markdown(changes, []), end="")
    if summary(changes)[BREAKING] and not versions.major_raised():
        print("breaking changes need a higher major version than the last tag has", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
