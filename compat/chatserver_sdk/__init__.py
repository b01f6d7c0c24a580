"""The older name of `codegen_ext.chatserver`."""

from codegen_ext.oldnames import warn_of_old_name as _warn

_warn("chatserver_sdk", "codegen_ext.chatserver")

from .client import *
from .exceptions import *
from .models import *
