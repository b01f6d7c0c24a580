"""What providers log: who is chosen and why, at DEBUG."""

from __future__ import annotations

import logging
import sys

logger = logging.getLogger("codegen_ext.providers")


def log(message: str, *args: object) -> None:
    """Log at DEBUG where either `codegen_ext` or the root logger is at DEBUG.

    Clients set the level of `codegen_ext`, so that `logging.basicConfig(level=logging.DEBUG)` alone would show nothing.
    """
    if logger.isEnabledFor(logging.DEBUG) or logging.getLogger().isEnabledFor(logging.DEBUG):
        frame = sys._getframe(1)
        place = (frame.f_code.co_filename, frame.f_lineno)
        logger.handle(logger.makeRecord(logger.name, logging.DEBUG, *place, message, args, None, frame.f_code.co_name))
