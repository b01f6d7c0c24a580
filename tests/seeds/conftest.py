from ..docs.running import codegen_service, fake_time

__all__ = ["codegen_service", "fake_time"]
