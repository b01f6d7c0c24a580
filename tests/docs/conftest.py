from .running import fake_time

__all__ = ["fake_time"]
