from .agents.task import *
