from .agent import *
from .task import *
