"""`make generate`: write generated/codegen_api from openapi.yaml with openapi-python-client's parser and our templates.

Nothing is written when the contract is refused or when what was generated cannot be imported.
"""

from __future__ import annotations

import filecmp
import json
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from openapi_python_client.strings import safe_for_docstring, snake_case
from ruamel.yaml import YAML

from tools import adapter, load, make_sync, normalize

TEMPLATES = load.ROOT / "tools" / "templates"
STATIC = TEMPLATES / "static"
"""Modules of the generated package that are the same for every contract; they are copied."""

TITLES = {"codegen": "Codegen", "chatserver": "Chatserver"}
"""How the classes with the methods of a service are called."""

CLIENTS = {"codegen": "AsyncClient", "chatserver": "AsyncChatServerClient"}
"""How the clients over bare httpx are called."""

_IMPORTS = """
import importlib, pkgutil, sys
sys.path.insert(0, sys.argv[1])
package = importlib.import_module(sys.argv[2])
for module in pkgutil.walk_packages(package.__path__, f"{sys.argv[2]}."):
    importlib.import_module(module.name)
codec, models = package.codec, package.models
for name in models.__all__:
    value = getattr(models, name)
    if isinstance(value, type) and issubclass(value, codec.Model):
        codec.decoder(value)
"""


class GenerationError(Exception):
    """The contract cannot be turned into a client; the message has one line for each cause."""


def check_versions() -> None:
    """Refuse to generate with another generator or formatter than pyproject.toml pins, whose output would differ."""
    groups = tomllib.loads((load.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    for requirement in groups["generate"]:
        package, _, pinned = requirement.partition("==")
        if (found := version(package)) != pinned:
            raise GenerationError(f"{package} is {found}, but {pinned} is pinned; run `make setup`")


def generate(target: Path, source: Path = load.CONTRACT) -> None:
    """Write the package to the folder `target`, which must not exist; its name is that of the package.

    Raises:
        GenerationError: when the contract is refused, or the generated package cannot be imported.

    """
    try:
        contract = load.load(source)
    except load.SpecError as error:
        raise GenerationError(str(error)) from error
    render(target, contract)


def render(target: Path, contract: dict[str, Any]) -> None:
    """Write the package for a contract to the folder `target`; raises as `generate`."""
    check_versions()
    write(target, contract)
    _tidy(target)
    checked = subprocess.run(
        [sys.executable, "-c", _IMPORTS, str(target.parent), target.name], capture_output=True, text=True, check=False
    )
    if checked.returncode:
        last = checked.stderr.strip().splitlines()[-1]
        raise GenerationError(f"what was generated cannot be imported: {last}")


def write(target: Path, contract: dict[str, Any]) -> None:
    """Write the package as the templates give it, neither formatted nor tried, which is enough for reading it.

    Raises:
        GenerationError: when the contract is refused.

    """
    try:
        _write(target, adapter.read(contract), contract)
    except adapter.RefusedError as error:
        raise GenerationError(str(error)) from error


def _docstring(text: str, indent: int, width: int = 112) -> str:
    lines = [
        line
        for part in safe_for_docstring(text).split("\n")
        for line in textwrap.wrap(part, width, break_on_hyphens=False) or [""]
    ]
    shown = f"\n{' ' * indent}".join(lines).replace(f"\n{' ' * indent}\n", "\n\n")
    return f'{shown[:-1]}\\"' if shown.endswith('"') else shown


def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(
        docstring=_docstring,
        snakecase=snake_case,
        source=lambda value: repr(tuple(value) if isinstance(value, list) else value),
    )
    return environment


def _write(target: Path, package: adapter.Package, contract: dict[str, Any]) -> None:
    environment = _environment()
    modules = {model.name: model.module for model in package.models}

    def write(name: str, template: str, **values: Any) -> None:
        path = target / name
        path.parent.mkdir(exist_ok=True, parents=True)
        text = environment.get_template(template).render(package=package, **values)
        path.write_text(text, encoding="utf-8")

    def qualified(annotation: str) -> str:
        names = "|".join(map(re.escape, sorted(modules, key=len, reverse=True)))
        return re.sub(rf"\b({names})\b", r"models.\1", annotation) if modules else annotation

    shutil.copytree(STATIC, target, ignore=shutil.ignore_patterns("__pycache__"))
    titles = {service: TITLES[service] for service in package.services}
    write("__init__.py", "package_init.py.jinja", titles=titles, names=CLIENTS)
    for model in package.models:
        mentioned = package.mentioned(*(f"{field.annotation} {field.options}" for field in model.fields))
        converters = [options["converter"] for field in model.fields if "converter" in (options := field.options)]
        write(
            f"models/{model.module}.py",
            "model.py.jinja",
            model=model,
            modules=modules,
            models=[name for name in mentioned["models"] if name != model.name],
            enums=sorted({*mentioned["enums"], *converters}),
        )
    exported = {name: f".{module}" for name, module in modules.items()}
    exported |= {enum.name: "..enums" for enum in package.enums}
    write(
        "models/__init__.py",
        "models_init.py.jinja",
        modules=dict(sorted(exported.items())),
        discriminators=package.discriminators,
    )
    write("enums.py", "enums.py.jinja")
    annotations = [annotation for item in package.parameters for annotation, _ in item.fields.values()]
    write("parameters.py", "parameters.py.jinja", imports=package.mentioned(*annotations))
    write("operations.py", "operations.py.jinja", qualified=qualified)
    write("_async/__init__.py", "folder_init.py.jinja")
    write("_async/client.py", "client.py.jinja", titles=titles, names=CLIENTS)
    for service, title in titles.items():
        members = [operation for operation in package.operations if operation.service == service]
        annotations = [operation.result for operation in members]
        annotations += [argument.annotation for operation in members for argument in operation.arguments]
        annotations += [operation.stream.event for operation in members if operation.stream]
        write(
            f"_async/{service}.py",
            "methods.py.jinja",
            service=service,
            title=title,
            members=members,
            imports=package.mentioned(*annotations),
        )
    (target / "_sync").mkdir()
    for path in (target / "_async").glob("*.py"):
        text = make_sync.derive(path.read_text(encoding="utf-8"))
        (target / "_sync" / path.name).write_text(text, encoding="utf-8")
    (target / "py.typed").touch()
    (target / "contract.json").write_text(
        json.dumps(contract, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )


def _tidy(target: Path) -> None:
    """Run the commands that generator-config.yml has for what was generated."""
    config = YAML(typ="safe", pure=True).load(adapter.CONFIG.read_text(encoding="utf-8"))
    for command in config["post_hooks"]:
        words = [sys.executable, "-P", "-m", *command.split()]  # modules here are called like those of the library
        done = subprocess.run(words, cwd=target, capture_output=True, text=True, check=False)
        if done.returncode:
            raise GenerationError(f"{command}: {' '.join((done.stderr or done.stdout).split())[:300]}")
    shutil.rmtree(target / ".ruff_cache", ignore_errors=True)


def differences(left: Path, right: Path) -> list[str]:
    """Name the files that are not the same, byte by byte, in two trees; caches do not count."""

    def files(root: Path) -> set[str]:
        return {
            str(path.relative_to(root))
            for path in root.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and ".ruff_cache" not in path.parts
        }

    names = files(left) | files(right)
    _, mismatched, missing = filecmp.cmpfiles(left, right, sorted(names), shallow=False)
    return sorted([*mismatched, *missing])


def stale_files() -> list[str]:
    """Generate into a temporary folder and name the files of generated/ that differ."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "codegen_api"
        generate(fresh)
        return differences(fresh, load.GENERATED)


def install(fresh: Path) -> None:
    """Put a generated package, which must lie on the same file system, in place of generated/codegen_api."""
    load.GENERATED.parent.mkdir(exist_ok=True)
    old = fresh.with_name("replaced")
    if load.GENERATED.exists():
        load.GENERATED.rename(old)
    fresh.rename(load.GENERATED)
    shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    """Run the command; returns the exit status."""
    from tools import validate  # a build needs neither it nor its libraries

    try:
        normalized = normalize.contract()
        if problems := [*normalized.problems, *validate.problems(normalized.data)]:
            raise load.SpecError(*problems)
        with tempfile.TemporaryDirectory(dir=load.ROOT) as folder:
            fresh = Path(folder) / "codegen_api"
            render(fresh, load.parse(text := normalize.text(normalized.data)))
            install(fresh)
        load.CONTRACT.write_text(text, encoding="utf-8")
    except (GenerationError, load.SpecError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
