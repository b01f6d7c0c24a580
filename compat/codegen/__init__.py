"""The older name of `codegen_ext`."""

from codegen_ext.oldnames import warn_of_old_name as _warn

_warn("codegen", "codegen_ext")

from .agents import *
from .client import *
from .config import *
from .exceptions import *
from .models import *
from .utils import *
