"""The built site."""

import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from codegen_api.operations import OPERATIONS

from .pages import ROOT

pytestmark = pytest.mark.slow  # `make check` runs it too


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    # With --quiet, --strict would not see the warnings.
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    return folder


def test_it_has_every_page_and_the_overview_and_llms_txt_name_them(site):
    overview = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    for_models = (site / "llms.txt").read_text(encoding="utf-8")
    for page in {path.relative_to(ROOT / "docs") for path in (ROOT / "docs").rglob("*.md")} - {Path("index.md")}:
        address = page.with_suffix("").as_posix()
        assert (site / address / "index.html").exists()
        assert f"]({page.as_posix()}" in overview, page
        assert f"/{address}/)" in for_models, page
    assert list(site.rglob("*.py*")) == []


def test_it_needs_no_other_host(site):
    for page in site.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        for start in ('src="http', 'src="//', '<link rel="stylesheet" href="http', '<link rel="stylesheet" href="//'):
            assert start not in text, page


def test_tables_are_made_of_the_code(site):
    operations, contract = (
        unescape((site / name / "index.html").read_text(encoding="utf-8")) for name in ("operations", "contract")
    )
    assert "{{" not in operations + contract
    for operation in OPERATIONS.values():
        row = operations.partition(f"<code>{operation.id}</code>")[2].partition("</tr>")[0]
        assert f"{operation.rate_limit.requests} per {operation.rate_limit.seconds:g} s" in row
    for template in (ROOT / "tools" / "templates").glob("*.jinja"):
        row = contract.partition(f"<code>{template.name}</code>")[2].partition("</tr>")[0]
        assert len(row) > len("</td><td></td>"), template.name
