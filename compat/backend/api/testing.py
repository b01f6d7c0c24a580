"""Mock clients and a test case."""

from codegen_ext.testing import AsyncMockCodegenClient as AsyncMockCodegenClient
from codegen_ext.testing import CodegenTestCase as CodegenTestCase
from codegen_ext.testing import MockCodegenClient as MockCodegenClient
