"""`MetricsCollector`."""

from codegen_ext import MetricsCollector as MetricsCollector
