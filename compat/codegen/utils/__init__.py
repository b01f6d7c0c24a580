from .cache import *
from .metrics import *
from .rate_limiter import *
