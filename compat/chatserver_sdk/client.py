from codegen_ext.chatserver import AsyncChatServerClient as AsyncChatServerClient
from codegen_ext.chatserver import AsyncChatSession as AsyncChatSession
from codegen_ext.chatserver import AsyncChatStream as AsyncChatStream
from codegen_ext.chatserver import ChatServerClient as ChatServerClient
from codegen_ext.chatserver import ChatSession as ChatSession
from codegen_ext.chatserver import ChatStream as ChatStream
from codegen_ext.chatserver import create_client as create_client
