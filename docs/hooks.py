"""Fills the placeholders of the pages with tables made from the code, so that no page restates them."""

import re
from pathlib import Path
from typing import Any

from codegen_api.operations import OPERATIONS
from ruamel.yaml import YAML

TEMPLATES = Path(__file__).resolve().parents[1] / "tools" / "templates"


_kept: dict[str, Any] = {}


def operations() -> str:
    """Return the table of all operations."""
    rows = ["| method | service | tag | limit | cached | idempotent |", "|---|---|---|---|---|---|"]
    for operation in OPERATIONS.values():
        limit = operation.rate_limit
        cells = (
            f"`{operation.id}`",
            operation.service,
            operation.tag,
            f"{limit.requests} per {limit.seconds:g} s, group {limit.group}",
            "no" if operation.cache_seconds is None else f"{operation.cache_seconds} s",
            "yes" if operation.idempotent else "no",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def templates() -> str:
    """Return the table of the templates with the comment that each begins with."""
    rows = ["| template | why |", "|---|---|"]
    for path in sorted(TEMPLATES.glob("*.jinja")):
        comment = re.match(r"\{#\s*(.*?)\s*#\}", path.read_text(encoding="utf-8"), re.DOTALL)
        rows.append(f"| `{path.name}` | {' '.join(comment[1].split()) if comment else ''} |")
    return "\n".join(rows)


def edits() -> str:
    """Return the table of the edits that the first version's comparison judged otherwise."""
    rows = ["| edit | before | now | right |", "|---|---|---|---|"]
    rows += [
        f"| {name} | {edit['first']} | {edit['right']} | {edit['right']} |"
        for name, edit in _compared("edits").items()
        if "first" in edit
    ]
    return "\n".join(rows)


def revisions() -> str:
    """Return the table of the published documents that are compared."""
    rows = ["| revisions | before | now | right |", "|---|---|---|---|"]
    rows += [f"| {pair} | {' | '.join(verdicts.values())} |" for pair, verdicts in _compared("revisions").items()]
    return "\n".join(rows)


def _compared(name: str) -> Any:
    return YAML(typ="safe", pure=True).load(TEMPLATES.parents[1] / "tests" / "contract" / f"{name}.yaml")


def llms_text(config: Any, nav: Any) -> str:
    """Return `llms.txt`: what the package is, and the address of every page (https://llmstxt.org)."""
    lines = [f"# {config.site_name}", "", f"> {config.site_description}", ""]
    for section in nav.items:
        lines += [f"## {section.title}", ""]
        lines += [f"- [{page.title}]({config.site_url}{page.url})" for page in section.children]
        lines.append("")
    return "\n".join(lines)


def on_nav(nav: Any, **_: Any) -> None:
    """Keep the navigation until the titles of its pages are known."""
    _kept["nav"] = nav


def on_post_build(config: Any, **_: Any) -> None:
    """Write `llms.txt` beside the pages."""
    (Path(config.site_dir) / "llms.txt").write_text(llms_text(config, _kept["nav"]), encoding="utf-8")


PLACEHOLDERS = {
    "{{ operations }}": operations,
    "{{ templates }}": templates,
    "{{ edits }}": edits,
    "{{ revisions }}": revisions,
}


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Replace each placeholder; mkdocs calls this for every page."""
    for placeholder, make in PLACEHOLDERS.items():
        if placeholder in markdown:
            markdown = markdown.replace(placeholder, make())
    return markdown
