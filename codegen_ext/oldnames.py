"""Import names of older packages: what the modules of the distribution `codegen-sdk-compat` are made of.

The names are imported from where they live now when they are first used, so that they are the same objects.
"""

from __future__ import annotations

import importlib
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any

DISTRIBUTION = "codegen-sdk-compat"
_PROVIDERS = "codegen_ext.providers"
_OFFERED = {
    "graph_sitter": True,
    "graph_sitter.ai": True,
    "graph_sitter.ai.client": False,
    "graph_sitter.ai.providers": False,
}
"""The modules that `offer_graph_sitter` offers, and whether each is a package."""


def moved(
    module: str, homes: Mapping[str, str], optional: Sequence[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return `__getattr__`, `__dir__` and `__all__` of a module whose names have moved.

    The first use of a name warns with a DeprecationWarning that says where it lives now.

    Args:
        module: The module's own name.
        homes: The names, separated by spaces, that live in each new module.
        optional: The names that need an extra, which `import *` shall not.

    Raises:
        ImportError: when another distribution owns the first part of the module's name.

    """
    _check_owner(module.partition(".")[0])
    names = {name: home for home, listed in homes.items() for name in listed.split()}

    def find(name: str) -> Any:
        target = names.get(name)
        if target is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        return _fetch(module, name, target)

    return find, lambda: sorted(names), sorted(set(names) - set(optional))


def _fetch(module: str, name: str, target: str) -> Any:
    value = getattr(importlib.import_module(target), name)
    message = f"{module}.{name} is an old name; write `from {target} import {name}`"
    # The frames between here and whoever asked: the module's __getattr__.
    warnings.warn(message, DeprecationWarning, stacklevel=3)
    setattr(sys.modules[module], name, value)
    return value


@cache
def _owners() -> Mapping[str, list[str]]:
    from importlib.metadata import packages_distributions

    return packages_distributions()


def _check_owner(package: str) -> None:
    others = sorted(set(_owners().get(package, ())) - {DISTRIBUTION})
    if others:
        raise ImportError(
            f"the import name {package!r} belongs to {', '.join(others)} and to {DISTRIBUTION}, of which only one can "
            f"be there: uninstall {' and '.join(others)}, or uninstall {DISTRIBUTION} and import from codegen_ext",
            name=package,
        )


class _Finder(MetaPathFinder, Loader):
    """Offers `graph_sitter.ai.client` and `graph_sitter.ai.providers` where nobody else does."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        is_package = _OFFERED.get(fullname)
        return None if is_package is None else spec_from_loader(fullname, self, is_package=is_package)

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__

        def find(attribute: str) -> Any:
            providers = importlib.import_module(_PROVIDERS)
            if attribute == "__all__":
                return list(providers.__all__)
            if attribute.startswith("_") or not hasattr(providers, attribute):
                raise AttributeError(f"module {name!r} has no attribute {attribute!r}")
            return _fetch(name, attribute, _PROVIDERS)

        if name != "graph_sitter.ai":
            vars(module).update(__getattr__=find)


_FINDER = _Finder()


def offer_graph_sitter() -> None:
    """Make `graph_sitter.ai.client` and `graph_sitter.ai.providers` importable where no installed package has them.

    They offer what `codegen_ext.providers` has. An installed `graph_sitter` goes first, always.
    """
    if _FINDER not in sys.meta_path:
        sys.meta_path.append(_FINDER)


def withdraw_graph_sitter() -> None:
    """Take back what `offer_graph_sitter` did; what has been imported stays."""
    if _FINDER in sys.meta_path:
        sys.meta_path.remove(_FINDER)
