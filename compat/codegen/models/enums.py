from codegen_ext import AgentRunStatus as AgentRunStatus
from codegen_ext import MessageType as MessageType
from codegen_ext import SourceType as SourceType
