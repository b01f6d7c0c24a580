"""`make generate`: write generated/codegen_api from openapi.yaml with openapi-python-client and our templates.

Nothing is written on any warning of the generator; `make check` says whether what is there is up to date.
"""

from __future__ import annotations

import contextlib
import copy
import filecmp
import io
import itertools
import json
import os
import shutil
import sys
import tempfile
import tomllib
from importlib.metadata import version
from pathlib import Path
from typing import Any

import openapi_python_client
from attrs import define, field
from openapi_python_client import strings
from openapi_python_client.config import Config, ConfigFile, MetaType
from openapi_python_client.parser import GeneratorData
from openapi_python_client.parser.errors import GeneratorError
from openapi_python_client.parser.openapi import Endpoint
from openapi_python_client.parser.properties import ModelProperty
from openapi_python_client.parser.properties.protocol import PropertyProtocol
from ruamel.yaml.error import YAMLError

from tools import load, normalize
from tools.contract import document, rendering

# Names that hide a builtin are fine as fields and arguments, and users know them from the API: `object`, `type`.
strings.RESERVED_WORDS -= {"object", "type"}
# What the body of a generated model needs itself.
strings.RESERVED_WORDS |= {"additional_properties", "field", "from_dict", "to_dict"}


POLICY_KEYS = {"service", "rate-limit", "idempotent", "reconcile", "cache-seconds", "invalidates", "paginate", "stream"}
"""What the `x-codegen` extension of an operation may say; docs/contract.md explains each."""


STATIC = document.ROOT / "tools" / "templates" / "static"
"""Modules of the generated package that are the same for every contract; they are copied."""


RESERVED_ARGUMENTS = {"self", "timeout", "extra_headers"}
"""What every method of the facade takes besides the arguments of its operation."""


TAKEN_CLASSES = {
    "ABC", "Any", "Argument", "AsyncIterator", "Client", "Generic", "HTTPStatus", "InvalidModel", "Iterator", "Literal",
    "M", "Mapping", "Model", "NamedTuple", "Operation", "Paging", "RateLimit", "Response", "Self", "Sequence", "T",
    "TypeVar", "Unset",
}  # fmt: skip
"""Names that the generated modules use for something else than a schema."""


class GenerationError(Exception):
    """The contract cannot be turned into a client; the message has one line for each cause."""


@define
class Argument:
    """One argument of a facade method."""

    name: str
    python_name: str
    location: str
    type: str
    required: bool
    annotation: str
    default: str | None
    description: str
    minimum: float | None = None
    maximum: float | None = None


@define
class Stream:
    """The answer of an operation as server-sent events."""

    method: str
    field: str
    event: str
    description: str


@define
class OperationView:
    """What the templates of the table and of the facade need to know about one operation."""

    id: str
    constant: str
    method: str
    path: str
    tag: str
    service: str
    description: str
    policy: dict[str, Any]
    result: str
    result_models: list[str]
    module: str
    body: str | None
    arguments: list[Argument] = field(factory=list)
    stream: Stream | None = None

    @property
    def signature(self) -> list[Argument]:
        """The arguments in the order of the method: what must be given first, path before body before query.

        A field that only chooses the streamed answer is not an argument; the stream has a method of its own.
        """
        order = {"path": 0, "body": 1, "query": 2}
        shown = [item for item in self.arguments if self.stream is None or item.name != self.stream.field]
        return sorted(shown, key=lambda item: (item.default is not None, order[item.location]))


@define
class Result:
    """What an endpoint module returns: the annotation and the statement that decodes the response."""

    annotation: str
    statement: str


def _success(endpoint: Endpoint) -> PropertyProtocol | None:
    for response in endpoint.responses.patterns:
        if response.status_code.range and 200 <= response.status_code.range[0] < 300:
            return response.prop
    return None


def result_of(endpoint: Endpoint) -> Result:
    """Describe what an endpoint returns."""
    prop = _success(endpoint)
    if prop is None or (annotation := rendering.annotation(prop)) == "Any":
        return Result("Any", "return response.json() if response.content else None")
    expression = rendering.decode(prop, "response.json()")
    if expression == "response.json()":
        expression = f"cast({annotation!r}, response.json())"
    return Result(annotation, f"return {expression}")


def _argument(prop: PropertyProtocol, location: str, node: dict[str, Any]) -> Argument:
    schema = node.get("schema", node)
    types = schema.get("type")
    default: str | None = None
    annotation = rendering.annotation(prop, argument=True)
    if prop.default is not None:
        default = prop.default.python_code.as_unembedded_code()
    elif not prop.required:
        default = "None"
    if (not prop.required and default == "None") or rendering.is_nullable(prop):
        annotation = annotation if annotation in {"Any", "None"} else f"{annotation} | None"
    return Argument(
        name=prop.name.get_untrusted_value(),
        python_name=str(prop.python_name),
        location=location,
        type=next((kind for kind in types if kind != "null"), "null")
        if isinstance(types, list)
        else (types or "object"),
        required=prop.required,
        annotation=annotation,
        default=default,
        description=str(node.get("description", "")).strip(),
        minimum=schema.get("minimum"),
        maximum=schema.get("maximum"),
    )


def _view(contract: dict[str, Any], tag: str, endpoint: Endpoint) -> OperationView:
    operation, path = _find(contract, str(endpoint.name))
    policy = operation.get("x-codegen", {})
    if missing := {"service", "rate-limit", "idempotent"} - policy.keys():
        raise GenerationError(f"{endpoint.name}: x-codegen lacks {', '.join(sorted(missing))}")
    if unknown := policy.keys() - POLICY_KEYS:
        raise GenerationError(f"{endpoint.name}: x-codegen has unknown keys: {', '.join(sorted(unknown))}")
    nodes = {
        (node["in"], node["name"]): {**node, "schema": document.resolve(contract, node["schema"])}
        for node in (document.resolve(contract, raw) for raw in operation.get("parameters", ()))
    }
    arguments = [
        _argument(prop, "path", nodes["path", prop.name.get_untrusted_value()]) for prop in endpoint.path_parameters
    ]
    body: str | None = None
    if endpoint.bodies:
        model = endpoint.bodies[0].prop
        if not isinstance(model, ModelProperty):
            raise GenerationError(f"{endpoint.name}: the request body must be a named object")
        body = str(model.class_info.name)
        properties = contract["components"]["schemas"].get(body, {}).get("properties")
        if not properties:
            raise GenerationError(f"{endpoint.name}: the request body must be a named object with fields of its own")
        arguments += [
            _argument(prop, "body", document.resolve(contract, properties[prop.name.get_untrusted_value()]))
            for prop in rendering.fields(model)
        ]
    arguments += [
        _argument(prop, "query", nodes["query", prop.name.get_untrusted_value()]) for prop in endpoint.query_parameters
    ]
    names = [argument.python_name for argument in arguments]
    for name in names:
        if name in RESERVED_ARGUMENTS or names.count(name) > 1:
            raise GenerationError(f"{endpoint.name}: two arguments of its method would be called {name}")
    success = _success(endpoint)
    stream = policy.get("stream")
    return OperationView(
        id=str(endpoint.name),
        constant=str(endpoint.name).upper(),
        method=endpoint.method.upper(),
        path=path,
        tag=str(endpoint.tags[0]),
        service=policy["service"],
        description=str(operation["description"]).strip(),
        policy=policy,
        result=result_of(endpoint).annotation,
        result_models=[str(item.class_info.name) for item in rendering.referenced(success)],
        module=f".api.{tag}.{endpoint.name}",
        body=body,
        arguments=arguments,
        stream=Stream(**stream) if stream else None,
    )


def _find(contract: dict[str, Any], operation_id: str) -> tuple[dict[str, Any], str]:
    for path, _, operation in document.each_operation(contract):
        if operation["operationId"] == operation_id:
            return operation, path
    raise GenerationError(f"{operation_id}: the generator made up an operation that the contract does not have")


def check_versions() -> None:
    """Refuse to generate with another generator or formatter than pyproject.toml pins, whose output would differ."""
    project = tomllib.loads((document.ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for requirement in project["dependency-groups"]["generate"]:
        package, _, pinned = requirement.partition("==")
        if (found := version(package)) != pinned:
            raise GenerationError(f"{package} is {found}, but {pinned} is pinned; run `make setup`")


def generate(target: Path, source: Path = document.CONTRACT) -> None:
    """Write the package `codegen_api` to `target`, which must not exist.

    Raises:
        GenerationError: on any warning or error of the generator; what was written until then is of no use.

    """
    check_versions()
    try:
        contract = document.load(source)
    except YAMLError as error:
        raise GenerationError(f"{source.name} is not YAML: {' '.join(str(error).split())[:200]}") from error
    config = Config.from_sources(
        ConfigFile.load_from_path(document.CONFIG),
        meta_type=MetaType.NONE,
        document_source=source,
        file_encoding="utf-8",
        overwrite=False,
        output_path=target,
    )
    data = GeneratorData.from_dict(copy.deepcopy(contract), config=config)
    if isinstance(data, GeneratorError):
        raise GenerationError(f"{data.header}: {data.detail}")
    project = openapi_python_client.Project(openapi=data, config=config, custom_template_path=document.TEMPLATES)
    _extend(project, contract)
    path = os.environ.get("PATH", "")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{path}"
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            problems = project.build()
    finally:
        os.environ["PATH"] = path
    if problems:
        raise GenerationError("\n".join(f"{item.header} {item.detail or ''}".strip() for item in problems))


def _extend(project: openapi_python_client.Project, contract: dict[str, Any]) -> None:
    """Give the templates what the generator drops, and let it render our own files before it formats everything."""
    models = rendering.Models(contract, list(project.openapi.models))
    taken = TAKEN_CLASSES | {schema["x-codegen"]["enum"] for schema in models.open_enums}
    for item in (*project.openapi.models, *project.openapi.enums):
        if item.class_info.name in taken:
            raise GenerationError(
                f"{item.class_info.name}: generated modules use this name; give the schema another one in the overlay"
            )
    views = [
        _view(contract, str(tag), endpoint)
        for tag, collection in project.openapi.endpoint_collections_by_tag.items()
        for endpoint in collection.endpoints
    ]
    project.env.filters.update(pystr=repr, pytuple=lambda items: repr(tuple(items)))
    project.env.globals.update(
        models=models,
        is_mapping=rendering.is_mapping,
        mapping_annotation=rendering.mapping_annotation,
        result_of=result_of,
    )
    package = project._build_api

    def build_api() -> None:
        package()
        _render(project, contract, views)

    project._build_api = build_api  # type: ignore[method-assign]


def _render(project: openapi_python_client.Project, contract: dict[str, Any], views: list[OperationView]) -> None:
    def write(name: str, template: str, **values: Any) -> None:
        path = project.package_dir / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(project.env.get_template(template).render(**values), encoding="utf-8")

    write("decoding.py", "decoding.py.jinja")
    write("enums.py", "enums.py.jinja")
    results = sorted({name for view in views for name in view.result_models})
    write("operations.py", "operations.py.jinja", operations=views, result_imports=results)
    write("facade/__init__.py", "facade_init.py.jinja")
    names = {str(model.class_info.name) for model in project.openapi.models if not rendering.is_mapping(model)}
    names |= {str(enum.class_info.name) for enum in project.openapi.enums}
    for service in sorted({view.service for view in views}):
        members = [view for view in views if view.service == service]
        title = {"codegen": "Codegen", "chatserver": "ChatServer"}[service]
        for asynchronous, raw in itertools.product((False, True), repeat=2):
            write(
                f"facade/{service}{'_async' if asynchronous else ''}{'_raw' if raw else ''}.py",
                "facade.py.jinja",
                service=service,
                members=members,
                asynchronous=asynchronous,
                raw=raw,
                prefix=("Async" if asynchronous else "") + ("Raw" if raw else "") + title,
                streams=any(view.stream for view in members),
                model_imports=sorted(names),
            )
    shutil.copytree(STATIC, project.package_dir, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    (project.package_dir / "py.typed").touch()
    (project.package_dir / "contract.json").write_text(
        json.dumps(contract, ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )


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
        return differences(fresh, document.GENERATED)


def install(fresh: Path) -> None:
    """Put a generated package, which must lie on the same file system, in place of generated/codegen_api."""
    shutil.rmtree(fresh / ".ruff_cache", ignore_errors=True)
    document.GENERATED.parent.mkdir(exist_ok=True)
    old = fresh.with_name("replaced")
    if document.GENERATED.exists():
        document.GENERATED.rename(old)
    fresh.rename(document.GENERATED)
    shutil.rmtree(old, ignore_errors=True)


def main() -> int:
    """Run the command; returns the exit status."""
    from tools import validate  # a build needs neither it nor its libraries

    try:
        normalized = normalize.contract()
        if problems := [*normalized.problems, *validate.problems(normalized.data)]:
            raise load.SpecError(*problems)
        with tempfile.TemporaryDirectory(dir=document.ROOT) as folder:
            contract = Path(folder) / document.CONTRACT.name
            contract.write_text(normalize.text(normalized.data), encoding="utf-8")
            fresh = Path(folder) / "codegen_api"
            generate(fresh, contract)
            install(fresh)
            shutil.copyfile(contract, document.CONTRACT)
    except (GenerationError, load.SpecError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
