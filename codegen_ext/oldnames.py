"""Older import names: the warning of the distribution `codegen-sdk-compat`, and `graph_sitter` for those who ask."""

import re
import sys
import warnings
from importlib.metadata import distributions
from importlib.util import find_spec
from types import ModuleType

DISTRIBUTION = "codegen-sdk-compat"
_GRAPH_SITTER = ("graph_sitter", "graph_sitter.ai", "graph_sitter.ai.client", "graph_sitter.ai.providers")
_offered: list[str] = []


def warn_of_old_name(module: str, home: str) -> None:
    """Warn the importer of a module that its names live in `home` now.

    Raises:
        ImportError: when another distribution owns the module's name too.

    """
    package = module.partition(".")[0]
    others = " and ".join(sorted(_owners(package) - {DISTRIBUTION}))
    if others:
        raise ImportError(
            f"the import name {package!r} belongs to {others} and to {DISTRIBUTION}, of which only one can be "
            f"installed: uninstall {others}, or uninstall {DISTRIBUTION} and import from codegen_ext",
            name=package,
        )
    warnings.warn(f"{module} is an old name; import from {home}", DeprecationWarning, stacklevel=3)


def _owners(package: str) -> set[str]:
    """Return the installed distributions that have files in a package; `packages_distributions` takes 200 ms."""
    mentioned = re.compile(rf"^{package}(/|,|$)", re.MULTILINE)
    lists = ("top_level.txt", "RECORD")
    return {
        one.metadata["Name"]
        for one in distributions()
        if any(mentioned.search(one.read_text(name) or "") for name in lists)
    }


def offer_graph_sitter() -> None:
    """Make `graph_sitter.ai.client` and `graph_sitter.ai.providers` importable where no installed package has them.

    They have the names of `codegen_ext.providers`. An installed `graph_sitter` always goes first.
    """
    from . import providers

    for name in _GRAPH_SITTER:
        if name in sys.modules or find_spec(name) is not None:
            continue
        module = ModuleType(name, f"Old name of {providers.__name__}.")
        parent, _, child = name.rpartition(".")
        if child in ("client", "providers"):
            vars(module).update({public: getattr(providers, public) for public in providers.__all__})
        else:
            module.__path__ = []
        if parent:
            setattr(sys.modules[parent], child, module)
        sys.modules[name] = module
        _offered.append(name)


def withdraw_graph_sitter() -> None:
    """Undo `offer_graph_sitter`; what has been imported stays with its importer."""
    while _offered:
        sys.modules.pop(_offered.pop(), None)
