from ..support.old_names import old_names, quiet_old_names

__all__ = ["old_names", "quiet_old_names"]
