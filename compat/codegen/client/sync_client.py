"""The sync client."""

from codegen_ext import CodegenClient as CodegenClient
