from codegen_ext import Agent as Agent
from codegen_ext import AsyncAgent as AsyncAgent
