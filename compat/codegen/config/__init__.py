from .client_config import *
