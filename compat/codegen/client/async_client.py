"""The async client."""

from codegen_ext import AsyncCodegenClient as AsyncCodegenClient
