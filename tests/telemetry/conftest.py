"""Spans, as the OpenTelemetry SDK exports them."""

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind


class Spans(InMemorySpanExporter):
    """Keeps what was traced."""

    @property
    def calls(self):
        return [span for span in self.get_finished_spans() if span.kind is SpanKind.INTERNAL]

    @property
    def attempts(self):
        return [span for span in self.get_finished_spans() if span.kind is SpanKind.CLIENT]


@pytest.fixture
def spans():
    spans = Spans()
    spans.provider = TracerProvider()
    spans.provider.add_span_processor(SimpleSpanProcessor(spans))
    yield spans
    spans.provider.shutdown()
