"""What is compared with the last tag, the changelog, and `make release`, which prepares all or changes nothing."""

import datetime
import os
import shutil

import pytest

from tools import changelog, load, public_api, release, versions

from .checkout import commit, git, initialize, write

pytestmark = pytest.mark.slow

DAY = datetime.date(2026, 11, 21)
CONTRACT = load.CONTRACT.read_text(encoding="utf-8")
RELEASED = {
    "codegen_ext/_version.py": '__version__ = "1.2.0"\n',
    "codegen_ext/__init__.py": "from .agent import Agent as Agent\nfrom codegen_api.models import User as User\n",
    "codegen_ext/agent.py": """
class Agent:
    def run(self, prompt): ...
    def find(self, limit=1): ...
    def list(self, limit=1): ...
    def _inner(self, a): ...
""",
    "codegen_ext/inner.py": "def helper(a): ...\n",
    "codegen_ext/room/__init__.py": "from codegen_ext.inner import helper as helper\n",
    "codegen_ext/attic/__init__.py": "from codegen_ext.inner import helper as helper\n",
    "generated/codegen_api/__init__.py": "",
    "generated/codegen_api/models.py": "class User:\n    id: int\n    email: str\n",
    "openapi.yaml": CONTRACT,
    "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-01-01\n\n- First.\n",
}
CHANGED = {
    "codegen_ext/agent.py": """
class Agent:
    def run(self, prompt, more=2): ...
    def find(self): ...
    def list(self, limit): ...
    def _other(self, a): ...
""",
    "codegen_ext/inner.py": "def helper(): ...\n\n\ndef other(): ...\n",
    "generated/codegen_api/models.py": "class User:\n    id: int\n",
    "openapi.yaml": CONTRACT.replace("/v1/users/me:", "/v1/users/self:"),
}
BREAKS = [
    "get_current_user is GET /v1/users/self now and was GET /v1/users/me",
    "codegen_ext.Agent.find(limit): parameter was removed",
    "codegen_ext.Agent.list(limit): parameter is now required",
    "codegen_ext.User.email: public object was removed",
    "codegen_ext.attic: public package was removed",
    "codegen_ext.room.helper(a): parameter was removed",
]


@pytest.fixture
def root(tmp_path):
    """A small repository whose only commit is released as v1.2.0."""
    folder = tmp_path / "repository"
    for name, text in RELEASED.items():
        write(folder, name, text)
    initialize(folder)
    git(folder, "tag", "v1.2.0")
    git(folder, "tag", "nightly")
    return folder


def announce(root, line):
    """Write a line into Unreleased and commit everything."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    write(root, "CHANGELOG.md", text.replace("## [Unreleased]\n", f"## [Unreleased]\n\n{line}\n"))
    commit(root)


def test_without_a_tag_or_git_there_is_nothing_to_compare_with(root, monkeypatch):
    git(root, "tag", "--delete", "v1.2.0")
    assert not versions.major_raised(root)
    assert list(public_api.breaks(root)) == []
    nothing = "CHANGELOG.md has nothing in Unreleased, but everything differs from the last release"
    assert list(public_api.problems(root)) == [nothing]
    monkeypatch.setenv("PATH", os.devnull)
    assert versions.last_tag(root) is None


def test_the_public_api_is_compared_with_the_last_tag(root):
    write(root, "docs/page.md", "A page.")
    assert [*public_api.breaks(root), *public_api.problems(root)] == []
    write(root, "codegen_ext/inner.py", "def helper(a): ...\n\n\nMORE = 1\n")
    nothing = "CHANGELOG.md has nothing in Unreleased, but codegen_ext/inner.py differs from the last release"
    assert list(public_api.problems(root)) == [nothing]
    for name, text in CHANGED.items():
        write(root, name, text)
    shutil.rmtree(root / "codegen_ext" / "attic")
    announce(root, "- Less inside.")
    assert sorted(public_api.breaks(root)) == sorted(BREAKS)
    assert sorted(public_api.problems(root)) == sorted(
        f"{line} since v1.2.0; raise the major version" for line in BREAKS
    )
    write(root, "codegen_ext/_version.py", '__version__ = "2.0.0"\n')
    assert list(public_api.problems(root)) == []


def test_lines_go_to_their_sections_of_the_changelog_and_are_not_repeated():
    first, fixed = "## [1.0.0] - 2026-01-01\n\n- First.\n", "### Fixed\n\n- A fault.\n\n"
    thing = "- One thing\n  in two lines.\n\n"
    entry = {"Added": ["- One thing in two lines.", "- Another."], "Removed": ["- Old."]}
    text = changelog.with_entry(f"## [Unreleased]\n\n### Added\n\n{thing}{fixed}{first}", entry)
    assert text == f"## [Unreleased]\n\n### Added\n\n- Another.\n{thing}{fixed}### Removed\n\n- Old.\n\n{first}"
    assert changelog.with_entry(text, entry) == text
    assert changelog.unreleased(changelog.with_entry("## [Unreleased]\n", entry)).startswith("### Added\n\n- One thing")


def refusal(root, version):
    before = git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain"), git(root, "tag")
    with pytest.raises(release.ReleaseRefusedError) as caught:
        release.release(version, DAY, root)
    assert (git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain"), git(root, "tag")) == before
    return str(caught.value)


def test_it_prepares_version_changelog_and_tag(root):
    announce(root, "### Added\n\n- A thing.")
    assert release.release("1.10.0", DAY, root) == "v1.10.0"
    assert versions.current(root) == "1.10.0"
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog.unreleased(text) == ""
    assert "## [Unreleased]\n\n## [1.10.0] - 2026-11-21\n\n### Added\n\n- A thing.\n" in text
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "-1", "--format=%s").strip() == "Release 1.10.0"
    assert git(root, "cat-file", "-t", "v1.10.0").strip() == "tag"
    assert git(root, "rev-parse", "v1.10.0^{commit}") == git(root, "rev-parse", "HEAD")
    assert "the tag v1.10.0 is there already" in refusal(root, "1.10.0")
    announce(root, "- More.")
    assert "1.9.0 is not higher than v1.10.0" in refusal(root, "1.9.0")


def test_what_is_not_ready_is_refused(root, capsys, monkeypatch):
    assert "nothing in Unreleased" in refusal(root, "1.4.0")
    write(root, "codegen_ext/agent.py", CHANGED["codegen_ext/agent.py"])
    announce(root, "- More.")
    for version in ("1.3", "1.3.0rc1"):
        assert "is not a version such as 1.2.3" in refusal(root, version)
    assert f"{BREAKS[1]}, so the major version must be raised above that of v1.2.0" == refusal(root, "1.4.0")
    write(root, "new.txt", "x")
    assert "not clean: ?? new.txt" in refusal(root, "2.0.0")
    (root / "new.txt").unlink()
    hook = root / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    assert "git could not commit and tag" in refusal(root, "2.0.0")
    assert release.main(["one"]) == 1
    assert "is not a version" in capsys.readouterr().err
    hook.unlink()
    assert release.release("2.0.0", DAY, root) == "v2.0.0"
    monkeypatch.setattr(release, "release", lambda version, today: f"v{version}")
    assert release.main(["2.0.0"]) == 0
    assert capsys.readouterr().out == "v2.0.0 is ready; publish it with: git push --follow-tags\n"
