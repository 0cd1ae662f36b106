"""A gateway before a scripted provider and a scripted tool server, with a policy that has something to say."""

import contextlib
import hashlib
import pathlib

from scripted import Agent, Provider, Tools
from stage import gateway

KEYS = {"red": "sp-tests-red-" + "1" * 24, "blue": "sp-tests-blue-" + "2" * 24}
TOKEN = "operators-token-of-the-tests-3141592653"
COLLECTOR_KEY = "collector-key-of-the-tests-2718281828"
SERVER_KEY = "tool-server-key-of-the-tests-1618033988"
# Looks like a key, and is none. In two pieces, so that it is not taken for one in this file.
PLANTED = "AKIA" + "Z7QX3MPLT2VN5KYR"

# The platform lets all pass, keys too: what is masked in spans is masked because spans are, and not because policies say so.
POLICIES = {
    "org.rego": "package sallyport.org\n\ndefault allow := true\n",
    "red.rego": """package sallyport.teams.red

default allow := true

deny contains {"rule": "not-this", "say": "Not this."} if {
	input.flow == "request"
	some part in input.parts
	contains(part.text, "refuse")
}

deny contains {"rule": "no-dropping", "say": "Ask a person."} if input.call.tool == "drop_database"

warn contains {"rule": "noted", "say": "Noted."} if {
	input.flow == "request"
	some part in input.parts
	contains(part.text, "warn me")
}
""",
    "blue.rego": 'package sallyport.teams.blue\n\ndefault allow := true\n\nredact contains "secret.*"\n\nredact contains "pii.*"\n',
}


class House:
    """What runs."""

    def __init__(self, running, provider, tools, folder):
        self.running, self.provider, self.tools, self.folder = running, provider, tools, folder

    def agent(self, team="red"):
        return Agent(self.running.agents, KEYS[team])

    def metric(self, name, **labels):
        """The sum of a metric's series that have these labels."""
        total = 0.0
        for line in self.running.operators_say("/metrics")[1].splitlines():
            if line.startswith(name) and line[len(name)] in "{ " and all(f'{key}="{word}"' in line for key, word in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def spans(self):
        """What the gateway says became of its spans."""
        return {outcome: int(self.metric("sallyport_telemetry_spans_total", outcome=outcome)) for outcome in ("sent", "dropped", "failed")}


@contextlib.asynccontextmanager
async def house(folder, telemetry=None, tools=None, environment=None, **sections):
    """A running gateway. `telemetry` is the section's YAML; further `sections` as in `gateway.config`."""
    provider, tools = Provider(), tools or Tools()
    keys = [
        f'{{name: {team}-key, team: {team}, agent: {team}-agent, sha256: "{hashlib.sha256(key.encode()).hexdigest()}"}}' for team, key in KEYS.items()
    ]
    wanted = {"keys": f"[{', '.join(keys)}]", "telemetry": telemetry, **sections}
    url = await provider.start()
    wanted["tool_servers"] = f'{{desk: {{url: "{await tools.start()}/mcp", era: legacy, transport: streamable, trust: trusted, key: "{SERVER_KEY}"}}}}'
    path = gateway.lay_out(pathlib.Path(folder), gateway.config(url, **wanted), POLICIES)
    running = await gateway.Gateway.start(path, environment=environment)
    try:
        yield House(running, provider, tools, folder)
    finally:
        await running.stop()
        await provider.stop()
        await tools.stop()
