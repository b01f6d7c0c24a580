"""Spans, as the OpenTelemetry SDK exports them."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind


class Spans:
    """What was traced."""

    def __init__(self):
        self._exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self._exporter))

    @property
    def all(self):
        return list(self._exporter.get_finished_spans())

    @property
    def calls(self):
        return [span for span in self.all if span.kind is SpanKind.INTERNAL]

    @property
    def attempts(self):
        return [span for span in self.all if span.kind is SpanKind.CLIENT]


@pytest.fixture
def spans():
    spans = Spans()
    yield spans
    spans.provider.shutdown()
