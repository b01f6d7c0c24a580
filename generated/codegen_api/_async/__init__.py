"""The operations as methods; the synchronous form is derived from the asynchronous one."""
