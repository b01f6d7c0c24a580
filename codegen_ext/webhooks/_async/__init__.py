"""The delivery of webhook events to handlers."""
