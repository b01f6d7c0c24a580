"""The package's front door: its names, and what importing it costs and touches."""

import subprocess
import sys

import pytest

import codegen_ext


def run_python(code):
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_public_name_and_no_other_can_be_imported():
    names = {}
    exec("from codegen_ext import *", names)
    assert set(codegen_ext.__all__) <= {name for name in names if names[name] is not None}
    assert {"Agent", "CodegenClient", "AsyncTask", "__version__"} <= set(codegen_ext.__all__) <= set(dir(codegen_ext))
    with pytest.raises(AttributeError, match="no attribute 'Agents'"):
        codegen_ext.Agents  # noqa: B018


def test_without_its_extra_what_needs_codex_names_it_and_the_rest_works():
    code = (
        "import sys; sys.modules['openai'] = None\n"
        "import codegen_ext.codex\n"
        "from codegen_ext.testing import *\n"
        "MockCodegenClient().close()\n"
        "for package, name in ((codegen_ext, 'CodexClient'), (codegen_ext, 'AsyncCodexClient'),\n"
        "                      (codegen_ext.testing, 'MockCodexClient')):\n"
        "    try: getattr(package, name)\n"
        "    except codegen_ext.MissingExtraError as error: print(error)"
    )
    assert run_python(code).count("pip install 'codegen-sdk[codex]'") == 3


def test_imports_load_no_more_than_they_need():
    code = (
        "import sys, codegen_ext, codegen_ext.codex; print(*sys.modules)\n"
        "import httpx; print(*sys.modules)\n"
        "from codegen_ext import Agent, CodegenClient; import codegen_api.models; print(*sys.modules)\n"
        "from codegen_ext import WebhookHandler as Handler; Handler('x').asgi_app(), Handler('x').wsgi_app()\n"
        "print(*{'starlette', 'fastapi', 'flask', 'django', 'celery', 'redis'} & set(sys.modules))"
    )
    bare, with_httpx, loaded, frameworks = (set(line.split()) for line in run_python(code).splitlines())
    assert not bare & {"httpx", "attrs", "openai"}
    assert not frameworks
    extras = {"starlette", "uvicorn", "httpx_sse", "rich", "typer", "yaml", "cachetools", "redis", "sqlite3"}
    assert not (loaded - with_httpx) & {*extras, "asyncio", "codegen_ext.testing"}
    assert not [name for name in loaded if name.startswith("codegen_api.models.")]
