from .agents.agent import *
