from .async_client import *
from .sync_client import *
