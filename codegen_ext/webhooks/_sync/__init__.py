# Generated from codegen_ext/webhooks/_async/__init__.py by make generate; edit there.
"""The delivery of webhook events to handlers."""
