"""No text that anybody said, and no key, is in the log unless `inputs` is on; and the forms that the log is exported in."""

import importlib.util
import json
import pathlib
import re
import sys

from proof import log, scene
from proof.agents import Caller, tool_call, tool_headers
from proof.provider import Provider
from stage import gateway, told

# Where it is planted, and the word that is looked for. A name (of a model, a tool) is not a text: it is recorded.
PLANTED = {
    name: f"planted{number}secret{number}word"
    for number, name in enumerate(
        ("system", "user", "description", "schema", "history", "argument", "result", "header", "query", "broken", "key", "field", "answer")
    )
}

# What policies read of it where `inputs` is on: texts and arguments, so that all of it is asked about.
READS_ALL = {
    **gateway.ALLOW_ALL,
    "red.rego": """package sallyport.teams.red

default allow := true

deny contains "never" if {
	some part in input.parts
	part.text == "never"
}

deny contains "never" if input.call.arguments.text == "never"
""",
}
# The keys of agents, of the provider and of the tool server. (What signs the log lies in its own file of the folder.)
KEYS = {"agents' key": gateway.KEY, "provider's key": gateway.PROVIDER_KEY, "tool server's key": scene.DESK_KEY}
EXPORTED_TO = "oteltap"
# Traced, so that records name their traces; nobody listens there.
TRACED = {"telemetry": '{endpoint: "http://127.0.0.1:9", metrics: false}'}


class Talking(Provider):
    """Answers with planted words."""

    async def _answer(self, writer, path, asked):
        if not path.startswith("/mcp") and asked["messages"][-1]["content"] == "call":
            asked["messages"][-1]["content"] = 'call search: {"text": "%s"}' % PLANTED["answer"]
        await super()._answer(writer, path, asked)


async def main():
    provider = Talking()
    url = await provider.start()
    with gateway.folder() as where:
        path = scene.lay_out(where, url, policies=READS_ALL, mode="strict")
        async with scene.Serving(path) as running:
            await planted(running)
        found = held(scene.folder_of(path), {**PLANTED, **KEYS})
        told.check(not found, "no text and no key is in the log", f"{found}")
        digests = [record["body"]["sent"] for record in log.records(scene.folder_of(path), "forward")]
        told.check(
            digests and all(re.fullmatch("[0-9a-f]{64}", digest) for digest in digests), f"{len(digests)} digests of bodies are"
        )
    with gateway.folder() as where:
        where = pathlib.Path(where)
        path = scene.lay_out(where, url, policies=READS_ALL, sections=TRACED, mode="strict", inputs=True)
        async with scene.Serving(path) as running:
            await planted(running)
        folder = scene.folder_of(path)
        found = held(folder, {**PLANTED, **KEYS})
        told.check({"user", "argument"} <= set(found), "with `inputs: true` what policies read is", f"{found}")
        told.check(not set(found) & set(KEYS) and "key" not in found, "but no key", f"{found}")
        lack = [
            f"{body['dialect']} {body['operation']}{' streamed' * body['stream']}"
            for body in (record["body"] for record in log.records(folder, "exchange"))
            if body["status"] == 200 and not {"request", "sent", "answer"} <= set(body.get("digests", {}))
        ]
        told.check(not lack, "what was answered has the digests of what came, what was sent on, and what came back", f"{lack}")
        await as_opa(folder)
        await as_otlp(folder)


async def planted(running):
    """Says every planted word where it may be said."""
    agent = Caller(running.agents)
    tool = {"name": "search", "description": PLANTED["description"], "parameters": {"type": "object", "title": PLANTED["schema"]}}
    history = {"id": "c1", "type": "function", "function": {"name": "search", "arguments": json.dumps({"q": PLANTED["history"]})}}
    body = {
        "model": "m",
        "messages": [
            {"role": "system", "content": PLANTED["system"]},
            {"role": "user", "content": PLANTED["user"]},
            {"role": "assistant", "tool_calls": [history]},
            {"role": "tool", "tool_call_id": "c1", "content": PLANTED["result"]},
            {"role": "user", "content": "call"},
        ],
        "tools": [{"type": "function", "function": tool}],
        PLANTED["field"]: {"anything": PLANTED["field"]},
    }
    chats = "/v1/chat/completions"
    answers = [
        await agent.post(chats, body, {"x-note": PLANTED["header"], "traceparent": "00-" + "ab" * 16 + "-" + "cd" * 8 + "-01"}),
        await agent.post(chats, {**body, "stream": True}),
        await agent.post("/mcp/desk", tool_call({"text": PLANTED["argument"]}), tool_headers()),
    ]
    told.check(all(answer.status == 200 for answer in answers), "planted words pass", f"{answers}")
    odd = [
        await agent.post(f"{chats}?key={PLANTED['query']}", body),
        await agent.post(chats, b'{"model": "m", "messages": "' + PLANTED["broken"].encode() + b'", "x": '),
        await agent.post(chats, {"model": "m", "messages": PLANTED["broken"]}),
        await agent.post("/mcp/desk", b'{"jsonrpc": "2.0", "id": 1, "method": ' + PLANTED["broken"].encode(), tool_headers()),
        await Caller(running.agents, PLANTED["key"]).chat("hello"),
        await Caller(running.agents, "sp-" + PLANTED["key"]).message("hello"),
    ]
    told.measured(f"odd requests with planted words are answered {[answer.status for answer in odd]}")


def held(folder, words):
    """Which of the words are in any file of the log's folder."""
    text = b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())
    return sorted(name for name, word in words.items() if word.encode() in text)


async def as_opa(folder):
    """OPA's decision log: an event a line, with its fields (Open Policy Agent, "Decision Logs")."""
    said = await log.sallyport("audit", "export", "--folder", folder, "--format", "opa")
    events = [json.loads(line) for line in said.out.splitlines()]
    records = list(log.records(folder))
    told.check(said.code == 0 and len(events) == len(records), f"as OPA's: {len(records)} records, an event each", said.words[:300])
    timed = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
    wrong = [
        event
        for event in events
        if not (
            isinstance(event["decision_id"], str)
            and isinstance(event["labels"], dict)
            and all(isinstance(label, str) for label in event["labels"].values())
            and isinstance(event["path"], str)
            and isinstance(event["result"], dict)
            and timed.fullmatch(event["timestamp"])
            and all(isinstance(count, int) for count in event.get("metrics", {}).values())
        )
    ]
    told.check(not wrong, "each has `decision_id`, `labels`, `path`, `result`, `timestamp`", f"{wrong[:1]}")
    pairs = [(event, record) for event, record in zip(events, records) if record["kind"] == "decision"]
    told.check(pairs and all(event.get("input") == record["body"]["input"] for event, record in pairs), "decisions have their `input`")
    for what, holds in {
        "the exchange's id as `decision_id`": lambda event, body: event["decision_id"] == body["exchange"],
        "what was decided as `result`": lambda event, body: event["result"] != {},
        "the team among the `labels`": lambda event, body: event["labels"].get("team") == body["team"],
        "the policies as `revision`": lambda event, body: event.get("revision") == body["policy"],
    }.items():
        wrong = [event for event, record in pairs if not holds(event, record["body"])]
        told.check(not wrong, f"decisions have {what}", f"{len(wrong)} of {len(pairs)} do not, such as {json.dumps(wrong[:1])[:400]}")


async def as_otlp(folder):
    """OTLP's logs in JSON (opentelemetry-proto, logs.proto; JSON as OTLP has it: ids in hexadecimal, 64 bits as text)."""
    said = await log.sallyport("audit", "export", "--folder", folder, "--format", "otlp")
    requests = [json.loads(line) for line in said.out.splitlines()]
    logs = [
        record
        for request in requests
        for resource in request["resourceLogs"]
        for scope in resource["scopeLogs"]
        for record in scope["logRecords"]
    ]
    many = sum(1 for _ in log.lines(folder))
    told.check(said.code == 0 and len(logs) == many, f"as OTLP: {many} log records", said.words[:300])
    wrong = [
        record
        for record in logs
        if not (
            re.fullmatch(r"\d{19}", record["timeUnixNano"])
            and re.fullmatch(r"\d{19}", record["observedTimeUnixNano"])
            and record["severityNumber"] in range(1, 25)
            and record["eventName"].startswith("sallyport.audit.")
            and all(set(attribute) == {"key", "value"} and len(attribute["value"]) == 1 for attribute in record["attributes"])
            and len({attribute["key"] for attribute in record["attributes"]}) == len(record["attributes"])
        )
    ]
    told.check(not wrong, "each has its times, severity, name and attributes, none twice", f"{wrong[:1]}")
    traced = [record for record in logs if record.get("traceId") == "ab" * 16]
    told.check(traced, "what an agent began as a trace has the trace's id")
    if importlib.util.find_spec(EXPORTED_TO) is None:
        told.measured(f"NOT TRIED: no receiver takes it, as PyPI {EXPORTED_TO} is not here")
        return
    took = await log.said(sys.executable, pathlib.Path(__file__).with_name("receiver.py"), stdin=said.out)
    told.check(took.code == 0 and took.out.strip() == str(many), f"a receiver of OTLP takes all {many}", took.words)
