"""Lists of runs in process, from services of any kind."""

import httpx

from codegen_ext import ClientConfig

from ..conftest import TOKEN


def growing_down_from(total):
    """Return the view of a list that does not change, newest first."""
    return lambda turn, skip: (range(total - skip, 0, -1)[:100], total)


class RunList:
    """Answers the requests for the pages of a list; `asked` are the offsets, `fields` those of each run."""

    def __init__(self, view, **fields):
        self.view = view
        self.fields = fields
        self.asked = []

    def __call__(self, request):
        self.asked.append(int(request.url.params["skip"]))
        found = self.view(len(self.asked), self.asked[-1])
        if found is None:
            return httpx.Response(503)
        runs = [{"id": one, "organization_id": 323, "status": "COMPLETE", **self.fields} for one in found[0]]
        return httpx.Response(200, json={"items": runs, "total": found[1], "page": 1, "size": 100, "pages": 1})

    def config(self, **settings):
        """Return the settings of a client of this list."""
        plain = {"api_token": TOKEN, "enable_caching": False, "max_retries": 0, "rate_limits": False}
        return ClientConfig(transport=httpx.MockTransport(self), **{**plain, **settings})
