from codegen_ext import CodegenClient as CodegenClient
