from .enums import *
from .responses import *
