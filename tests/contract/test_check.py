"""`make check` bites on every link of the chain, and says which file to edit, each problem in one line."""

import shutil

import pytest

from tools import check, generate, load

from .checkout import make, make_copy, without_npm, write

pytestmark = pytest.mark.slow


def replacing(old, new):
    def change(text):
        assert old in text
        return text.replace(old, new, 1)

    return change


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Copies of the files of the chain, which the checks read instead of those of the repository."""
    for name in ("FACTS", "CHATSERVER", "OVERLAY", "CONTRACT", "GENERATED"):
        place = tmp_path / getattr(load, name).relative_to(load.ROOT)
        place.parent.mkdir(exist_ok=True)
        (shutil.copytree if name == "GENERATED" else shutil.copy)(getattr(load, name), place)
        monkeypatch.setattr(load, name, place)
    return tmp_path


SPEC_GIVES = "openapi.yaml is not what spec/ gives, at #"
PROSE = replacing('"responses": {', '"summary": "Prose", "responses": {')
LINKS = [
    ("spec/codegen.json", PROSE, "spec/codegen.json is not as `make update-spec` writes it"),
    ("spec/codegen.json", replacing('"maximum": 100', '"maximum": 50'), SPEC_GIVES),
    ("spec/codegen.json", lambda text: "{", "codegen.json is neither JSON nor YAML"),
    ("spec/overlay.yaml", replacing("cache-seconds: 300", "cache-seconds: 200"), SPEC_GIVES),
    ("spec/overlay.yaml", lambda text: f"{text}  - target: $.servers[7]\n    remove: true\n",
     "spec/overlay.yaml: $.servers[7] matches nothing; delete the action or mend its target"),
    ("spec/chatserver.yaml", replacing("summary: List models", "summary: Name models"),
     f"{SPEC_GIVES}/paths/~1v1~1models/get/summary; edit spec/chatserver.yaml, and run `make generate`"),
    ("openapi.yaml", replacing("summary: List users", "summary: Name users"),
     "/get/summary; edit spec/overlay.yaml, and run `make generate`"),
    ("openapi.yaml", lambda text: f"{text}# A comment.\n", f"{SPEC_GIVES}; edit spec/overlay.yaml"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "change", "problem"), LINKS)
def test_a_link_before_the_contract_is_named(name, change, problem, tree, monkeypatch):
    for checked in ("generated_problems", "path_problems", "public_api.problems"):
        monkeypatch.setattr(f"tools.check.{checked}", lambda *_: [])
    file = tree / name
    file.write_text(change(file.read_text(encoding="utf-8")), encoding="utf-8")
    found = list(check.problems())
    assert [line for line in found if problem in line], found
    assert all("\n" not in line for line in found)


def test_each_file_that_is_generated_or_generates_is_named(tree, monkeypatch):
    monkeypatch.setattr(generate, "TEMPLATES", shutil.copytree(generate.TEMPLATES, tree / "templates"))
    monkeypatch.setattr(generate, "STATIC", tree / "templates" / "static")
    changes = {
        "generated/codegen_api/enums.py": ("from", "# changed\nfrom"),
        "templates/model.py.jinja": ("additional_properties: dict", "more: int = 0\n    additional_properties: dict"),
        "templates/static/pages.py": ("T = ", "MORE = 1\nT = "),
    }
    for name, (old, new) in changes.items():
        write(tree, name, replacing(old, new)((tree / name).read_text(encoding="utf-8")))
    write(load.GENERATED, "left_over.py", "")
    (load.GENERATED / "models" / "user_response.py").unlink()
    found = list(check.generated_problems(load.load()))
    for name in ("enums", "left_over", "models/user_response", "models/agent_run_response", "pages"):
        line = f"generated/codegen_api/{name}.py is not what openapi.yaml generates; run `make generate`"
        assert line in found, found
    assert not any("_sync" in line or "operations.py" in line for line in found)


def test_the_command_needs_no_npm_and_names_a_restated_path_and_an_edited_derived_file(tmp_path):
    copy = make_copy(tmp_path / "repository", npm=False)
    passed = make(copy, "check-contract", PATH=without_npm(tmp_path))
    assert passed.returncode == 0, passed.stderr
    path = next(path for path in load.load()["paths"] if "{" in path)
    for name, more, said in (
        ("examples/first_run.py", f'\nURL = "{path}"\n', f"examples/first_run.py restates the path {path}"),
        ("codegen_ext/_sync/health.py", "\nMORE = 1\n", "codegen_ext/_sync/health.py differs from its _async/ source"),
    ):
        before = (copy / name).read_text(encoding="utf-8")
        write(copy, name, before + more)
        finished = make(copy, "check-contract")
        write(copy, name, before)
        assert finished.returncode != 0
        assert said in finished.stdout + finished.stderr
