from codegen_ext import ClientConfig as ClientConfig
from codegen_ext import CodegenConfig as CodegenConfig
from codegen_ext import ConfigPresets as ConfigPresets
