"""Older import names: the warning of the distribution `codegen-sdk-compat`, and `graph_sitter` for those who ask."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.metadata import packages_distributions
from importlib.util import spec_from_loader
from types import ModuleType

DISTRIBUTION = "codegen-sdk-compat"
_MESSAGE = "{} is an old name; import from {}"
_GRAPH_SITTER = {
    "graph_sitter": True,
    "graph_sitter.ai": True,
    "graph_sitter.ai.client": False,
    "graph_sitter.ai.providers": False,
}
"""The offered modules, and whether each is a package."""


def warn_of_old_name(module: str, home: str) -> None:
    """Warn the importer of a module that its names live in `home` now.

    Raises:
        ImportError: when another distribution owns the module's name too.

    """
    package = module.partition(".")[0]
    others = sorted(set(packages_distributions().get(package, ())) - {DISTRIBUTION})
    if others:
        raise ImportError(
            f"the import name {package!r} belongs to {', '.join(others)} and to {DISTRIBUTION}, of which only one can "
            f"be installed: uninstall {' and '.join(others)}, or uninstall {DISTRIBUTION} and import from codegen_ext",
            name=package,
        )
    warnings.warn(_MESSAGE.format(module, home), DeprecationWarning, stacklevel=3)


class _Finder(MetaPathFinder, Loader):
    """Finds `graph_sitter.ai.client` and `graph_sitter.ai.providers` where no installed package has them."""

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        is_package = _GRAPH_SITTER.get(fullname)
        return None if is_package is None else spec_from_loader(fullname, self, is_package=is_package)

    def exec_module(self, module: ModuleType) -> None:
        if not _GRAPH_SITTER[module.__name__]:
            from . import providers

            warnings.warn(_MESSAGE.format(module.__name__, providers.__name__), DeprecationWarning, stacklevel=2)
            vars(module).update({name: getattr(providers, name) for name in providers.__all__})


_FINDER = _Finder()


def offer_graph_sitter() -> None:
    """Make `graph_sitter.ai.client` and `graph_sitter.ai.providers` importable where no installed package has them.

    They have the names of `codegen_ext.providers`. An installed `graph_sitter` always goes first.
    """
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)


def withdraw_graph_sitter() -> None:
    """Undo `offer_graph_sitter`; what has been imported stays."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
