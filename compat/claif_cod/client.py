from codegen_ext.codex import AsyncCodexClient as AsyncCodexClient
from codegen_ext.codex import CodexClient as CodexClient
