"""`make generate`: write generated/codegen_api from openapi.yaml with openapi-python-client's parser and our templates.

Nothing is written when the contract is refused or when what was generated cannot be imported.
"""

from __future__ import annotations

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

from tools import adapter, load, make_sync, normalize
from tools.load import Data, SpecError

TEMPLATES = load.ROOT / "tools" / "templates"
STATIC = TEMPLATES / "static"
"""Modules of the generated package that are the same for every contract; they are copied."""

SERVICES = {"codegen": ("Codegen", "AsyncClient"), "chatserver": ("Chatserver", "AsyncChatServerClient")}
"""How the classes with the methods of a service are called, and its client over bare httpx."""

RUFF = (
    "check . --fix-only --isolated --target-version=py311 --line-length=120 --select=F401,F841,I",
    "format . --isolated --target-version=py311 --line-length=120",
)

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


def generate(target: Path, contract: Data) -> None:
    """Write the package for a contract to the folder `target`, which must not exist; its name is that of the package.

    Raises:
        SpecError: when the contract is refused, or the generated package cannot be imported.

    """
    _check_versions()
    write(target, contract)
    for command in RUFF:  # -P, because modules here are called like those of the library
        _run([sys.executable, "-P", "-m", "ruff", *command.split()], target, "what was generated cannot be formatted")
    shutil.rmtree(target / ".ruff_cache", ignore_errors=True)
    arguments = ["-c", _IMPORTS, str(target.parent), target.name]
    _run([sys.executable, *arguments], target.parent, "what was generated cannot be imported")


def _run(command: list[str], folder: Path, failure: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SpecError(f"{failure}: {(done.stderr or done.stdout).strip().splitlines()[-1]}")


def _check_versions() -> None:
    """Refuse to generate with other tools than pyproject.toml pins, whose output would differ."""
    groups = tomllib.loads((load.ROOT / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    for requirement in groups["generate"]:
        package, _, pinned = requirement.partition("==")
        if (found := version(package)) != pinned:
            raise SpecError(f"{package} is {found}, but {pinned} is pinned; run `make setup`")


def _docstring(text: str, indent: int, width: int = 112) -> str:
    lines = [
        line
        for part in safe_for_docstring(text).split("\n")
        for line in textwrap.wrap(part, width, break_on_hyphens=False) or [""]
    ]
    shown = f"\n{' ' * indent}".join(lines).replace(f"\n{' ' * indent}\n", "\n\n")
    return f'{shown[:-1]}\\"' if shown.endswith('"') else shown


def write(target: Path, contract: Data) -> None:
    """Write the package as the templates give it, neither formatted nor tried, which is enough for reading it.

    Raises:
        SpecError: when the contract is refused.

    """
    package = adapter.read(contract)
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.globals |= {"package": package, "services": {name: SERVICES[name] for name in package.services}}
    environment.filters |= {
        "docstring": _docstring,
        "snakecase": snake_case,
        "source": lambda value: repr(tuple(value) if isinstance(value, list) else value),
        "qualified": lambda text: re.sub(
            r"\w+", lambda word: f"models.{word[0]}" if word[0] in package.modules else word[0], text
        ),
    }

    def render(name: str, template: str, **values: Any) -> None:
        path = target / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(environment.get_template(template).render(values), encoding="utf-8")

    shutil.copytree(STATIC, target, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("enums", "parameters", "operations"):
        render(f"{name}.py", f"{name}.py.jinja")
    render("__init__.py", "package_init.py.jinja")
    render("models/__init__.py", "models_init.py.jinja")
    for model in package.models:
        render(f"models/{model.module}.py", "model.py.jinja", model=model)
    render("_async/__init__.py", "folder_init.py.jinja")
    render("_async/client.py", "client.py.jinja")
    for service in package.services:
        members = [operation for operation in package.operations if operation.service == service]
        render(f"_async/{service}.py", "methods.py.jinja", service=service, title=SERVICES[service][0], members=members)
    (target / "_sync").mkdir()
    for path in (target / "_async").glob("*.py"):
        text = make_sync.derive(path.read_text(encoding="utf-8"))
        (target / "_sync" / path.name).write_text(text, encoding="utf-8")
    (target / "py.typed").touch()
    text = json.dumps(contract, ensure_ascii=False, separators=(",", ":")) + "\n"
    (target / "contract.json").write_text(text, encoding="utf-8")


def stale_files(contract: Data) -> list[str]:
    """Generate into a temporary folder and name the files of generated/ that differ."""
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder) / "codegen_api"
        generate(fresh, contract)
        return differences(fresh, load.GENERATED)


def differences(left: Path, right: Path) -> list[str]:
    """Name the files that are not the same, byte by byte, in two trees; caches do not count."""
    trees = [
        {
            str(path.relative_to(root)): path.read_bytes()
            for path in root.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and ".ruff_cache" not in path.parts
        }
        for root in (left, right)
    ]
    return sorted(name for name in trees[0].keys() | trees[1].keys() if trees[0].get(name) != trees[1].get(name))


def prepare(normalized: normalize.Normalized, folder: Path) -> None:
    """Write openapi.yaml and the package for a contract to a folder.

    Raises:
        SpecError: when the contract is refused, with all reasons.

    """
    from tools import validate  # a build does not need its libraries

    if problems := [*normalized.problems, *validate.problems(normalized.data)]:
        try:
            adapter.read(normalized.data)
        except SpecError as error:
            problems += error.problems
        except (AttributeError, LookupError, StopIteration, TypeError, ValueError):
            pass  # it has no form that could be looked into, which is said already
        raise SpecError(*problems)
    text = normalize.text(normalized.data)
    (folder / load.CONTRACT.name).write_text(text, encoding="utf-8")
    generate(folder / load.GENERATED.name, load.parse(text))


def replace(folder: Path) -> None:
    """Put what lies in a folder on the same file system in place of what is there."""
    load.GENERATED.parent.mkdir(exist_ok=True)
    for target in (load.GENERATED, load.CONTRACT, load.CHANGELOG, load.FACTS):
        if (fresh := folder / target.name).exists():
            if target.is_dir():
                target.rename(folder / "replaced")
            elif target.exists():
                fresh.chmod(target.stat().st_mode)
            fresh.replace(target)


def main() -> int:
    """Run the command; returns the exit status."""
    try:
        with tempfile.TemporaryDirectory(dir=load.ROOT, prefix=".generate-") as name:
            prepare(normalize.contract(), Path(name))
            replace(Path(name))
    except SpecError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
