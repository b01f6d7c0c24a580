"""Many runs in a sandbox, made without a client and without a socket."""

import httpx
from codegen_api import operations

from codegen_ext.testing import Sandbox


def fill(sandbox: Sandbox, count: int, prompt: str = "[[logs=0 seconds=0 pull_request=no]]") -> None:
    """Create runs, by default such as have ended at once; they are in `sandbox.requests` too."""
    address = sandbox.base_url + operations.CREATE_AGENT_RUN.path.format(org_id=sandbox.org_id)
    headers, transport = {"Authorization": f"Bearer {sandbox.token}"}, sandbox.transport()
    for _ in range(count):
        request = httpx.Request("POST", address, headers=headers, json={"prompt": prompt})
        assert transport.handle_request(request).status_code == 200
