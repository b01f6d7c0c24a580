"""`.env.example` names what the code reads, and nothing else."""

import re

from codegen_ext.providers.registry import ORDER_VARIABLE

from ..docs.facts import environment_variables
from ..docs.pages import ROOT

TEXT = (ROOT / ".env.example").read_text(encoding="utf-8")
NAMED = set(re.findall(r"^(?:# )?([A-Z_]+)=", TEXT, re.MULTILINE))


def test_every_variable_is_read_somewhere() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "codegen_ext").rglob("*.py"))
    by_the_package = {"OPENAI_BASE_URL"}
    for name in NAMED - environment_variables() - by_the_package:
        assert f'"{name}"' in source, name


def test_every_provider_can_be_set_up() -> None:
    assert {"CODEGEN_API_TOKEN", "CODEGEN_ORG_ID", "OPENAI_API_KEY", "CHATSERVER_BASE_URL", ORDER_VARIABLE} <= NAMED


def test_it_holds_no_credential() -> None:
    for name, value in re.findall(r"^(?:# )?([A-Z_]+(?:TOKEN|KEY))=(.*)$", TEXT, re.MULTILINE):
        assert value.startswith("your-"), name
