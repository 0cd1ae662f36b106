"""A folder with a configuration whose gateway keeps an audit log."""

import hashlib
import json
import pathlib

from proof import log
from stage import gateway

BLUE = "sp-tests-blue-00000000000000000000000"
DESK_KEY = "tool-server-key-of-the-proofs-0123456789"
HISTORY = "{enabled: false}"


def lay_out(where, url, policies=gateway.ALLOW_ALL, routes=None, desk=None, sections=None, **audit):
    """Writes a configuration: models and the tool server `desk` at `url`, and `audit` as its section says. Gives its path.

    `sections` are further ones, each with its YAML.
    """
    upstreams = {
        name: {"url": url, "speaks": name, "key": gateway.PROVIDER_KEY} for name in ("openai", "anthropic")
    }
    servers = {"desk": {"url": f"{url}/mcp", "era": "modern", "transport": "streamable", "key": DESK_KEY, **(desk or {})}}
    keys = [
        {"name": f"{team}-key", "team": team, "agent": "tester", "sha256": hashlib.sha256(key.encode()).hexdigest()}
        for team, key in (("red", gateway.KEY), ("blue", BLUE))
    ]
    text = gateway.config(
        url,
        upstreams=json.dumps(upstreams),
        tool_servers=json.dumps(servers),
        keys=json.dumps(keys),
        routes=json.dumps(routes) if routes else None,
        history=HISTORY,
        decisions="{to: null}",
        audit=log.audit(**audit),
        **(sections or {}),
    )
    return gateway.lay_out(where, text, policies)


def folder_of(path):
    """The log's folder of a configuration."""
    return pathlib.Path(path).parent / "audit"


class Serving:
    """A gateway for as long as a block lasts."""

    def __init__(self, path, **more):
        self.path = path
        self.more = more

    async def __aenter__(self):
        self.running = await gateway.Gateway.start(self.path, **self.more)
        return self.running

    async def __aexit__(self, *_):
        await self.running.stop()
