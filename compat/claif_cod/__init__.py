"""The older name of `codegen_ext.codex`."""

from codegen_ext.oldnames import warn_of_old_name as _warn

_warn("claif_cod", "codegen_ext.codex")

from .client import *
