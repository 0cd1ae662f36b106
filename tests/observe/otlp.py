"""Traces and metrics as real receivers get them: contexts, names, attributes, and what must not be in them."""

import json
import pathlib

import receivers
from house import COLLECTOR_KEY, KEYS, PLANTED, SERVER_KEY, house
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from receivers import attributes, eventually
from scripted import RESULT, SAID
from stage import told
from stage.gateway import PROVIDER_KEY

SERVER, CLIENT, INTERNAL = Span.SPAN_KIND_SERVER, Span.SPAN_KIND_CLIENT, Span.SPAN_KIND_INTERNAL
ASKED = "the-user-said-popocatepetl"
ARGUMENT = "the-agent-wants-tenochtitlan"
STATE = "vendor=one,other=two"
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_METRIC_EXPORT_INTERVAL": "1000"}
# By the conventions (semantic conventions 1.41), required or conditionally required for these exchanges.
SERVER_CHAT = {"http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": 200}
CLIENT_CHAT = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai",
    "gen_ai.request.model": "gpt-test",
    "gen_ai.response.model": "gpt-test-2026",
    "gen_ai.response.id": "chatcmpl-7",
    "gen_ai.response.finish_reasons": ["stop"],
    "gen_ai.usage.input_tokens": 70,
    "gen_ai.usage.output_tokens": 9,
    "gen_ai.usage.cache_read.input_tokens": 30,
    "server.address": "127.0.0.1",
}
OURS = {"sallyport.verdict": "allowed", "sallyport.team": "red", "sallyport.agent": "red-agent", "sallyport.key": "red-key", "sallyport.dialect": "openai.chat", "sallyport.operation": "chat"}
CALL = {"mcp.method.name": "tools/call", "gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search", "mcp.protocol.version": "2025-06-18"}
METRICS = {
    "http.server.request.duration",
    "gen_ai.client.operation.duration",
    "gen_ai.client.operation.time_to_first_chunk",
    "gen_ai.client.token.usage",
    "mcp.server.operation.duration",
    "mcp.client.operation.duration",
    "sallyport.exchanges",
    "sallyport.refusals",
    "sallyport.findings",
}


def parent(number):
    """A context that an agent sends: its header, trace id and span id."""
    trace, span = f"{0xabc0 + number:032x}", f"{0xdef0 + number:016x}"
    return f"00-{trace}-{span}-01", trace, span


def differs(span, wanted):
    """What of `wanted` a span does not say."""
    there = attributes(span)
    return {name: there.get(name) for name, word in wanted.items() if there.get(name) != word}


def pick(spans, kind, trace=None, **has):
    """The spans of a kind, of a trace, with attributes (dots as underscores)."""
    fits = lambda span: span.kind == kind and (trace is None or span.trace_id.hex() == trace)
    has = {name.replace("__", "."): word for name, word in has.items()}
    return [span for span in spans if fits(span) and not differs(span, has)]


def one(spans, what):
    told.check(len(spans) == 1, f"{what}: there is one such span", f"{[span.name for span in spans]}")
    return spans[0] if spans else Span()


async def exchanges(house):
    """One of each kind; gives what is to be looked at afterwards."""
    agent, asked = house.agent(), {}
    header, *_ = parent(1)
    await agent.chat(ASKED, traceparent=header, tracestate=STATE)
    asked["with"] = house.provider.asked[-1].headers
    await agent.chat(f"{ASKED} warn me {PLANTED}")
    asked["without"] = house.provider.asked[-1]
    asked["refused"] = await agent.chat(f"refuse {ASKED}", traceparent=parent(2)[0])
    await agent.chat(ASKED, stream=True, traceparent=parent(3)[0])
    asked["broken"] = await agent.chat(f"break {ASKED}", traceparent=parent(4)[0])
    await agent.chat('call drop_database {"name":"%s"}' % ARGUMENT, traceparent=parent(5)[0], tools=["drop_database"])
    await agent.greet()
    call = {"name": "search", "arguments": {"q": f"{ARGUMENT} {PLANTED}"}, "_meta": {"traceparent": parent(6)[0], "tracestate": STATE}}
    asked["answer"] = await agent.ask("tools/call", call, traceparent=parent(7)[0])
    asked["call"] = house.tools.calls()[-1]
    agent.close()
    return asked


def contexts(spans, asked):
    """Whose child is whose."""
    _, trace, span = parent(1)
    server = one(pick(spans, SERVER, trace), "a chat with a context")
    client = one(pick(spans, CLIENT, trace), "its request to the upstream")
    told.check(server.parent_span_id.hex() == span, "our server span's parent is the agent's span")
    told.check(client.parent_span_id == server.span_id, "our client span's parent is our server span")
    told.check(
        asked["with"].get("traceparent") == f"00-{trace}-{client.span_id.hex()}-01",
        "the upstream sees our client span as its parent",
        asked["with"].get("traceparent", "nothing"),
    )
    told.check(asked["with"].get("tracestate") == STATE, "and the same tracestate", f"{asked['with'].get('tracestate')}")
    told.check(server.trace_state == STATE, "which our spans have too", server.trace_state)
    inner = pick(spans, INTERNAL, trace)
    told.check(all(each.parent_span_id == server.span_id for each in inner), "inner spans are children of the server span")
    names = {each.name for each in inner}
    wanted = {"read request", "inspect request", "policy request", "inspect answer", "policy answer"}
    told.check(wanted <= names, "there is one for each stage", f"{sorted(names)}")
    inside = all(server.start_time_unix_nano <= each.start_time_unix_nano <= each.end_time_unix_nano <= server.end_time_unix_nano + 1_000 for each in [client, *inner])
    told.check(inside, "each lies within the exchange")
    alone = asked["without"].headers.get("traceparent", "").split("-")
    roots = pick(spans, SERVER, alone[1]) if len(alone) == 4 else []
    told.check(len(roots) == 1 and not roots[0].parent_span_id, "a chat without a context begins a trace", f"{alone}")


def conventions(spans):
    trace = parent(1)[1]
    server, client = pick(spans, SERVER, trace)[0], pick(spans, CLIENT, trace)[0]
    told.check(server.name == "POST /v1/chat/completions" and client.name == "chat gpt-test", "spans are named by the conventions", f"{server.name}, {client.name}")
    for what, span, wanted in [("server", server, SERVER_CHAT), ("client", client, CLIENT_CHAT), ("server", server, OURS)]:
        wrong = differs(span, wanted)
        told.check(not wrong, f"a chat's {what} span has what {'we say' if wanted is OURS else 'the conventions ask'} ({len(wanted)} attributes)", f"{wrong}")
    told.check(isinstance(attributes(client).get("server.port"), int), "server.port is a number")
    there = attributes(server)
    told.check({"sallyport.decision.id", "sallyport.policy.revision", "sallyport.bytes.request", "sallyport.bytes.answer", "sallyport.route"} <= set(there), "the decision can be found again", f"{sorted(there)}")
    told.check(server.status.code == Status.STATUS_CODE_UNSET, "an exchange without trouble has no status")
    warned = [event for span in pick(spans, SERVER) for event in span.events if event.name == "sallyport.warning"]
    told.check([attributes(event).get("sallyport.rule") for event in warned] == ["team:red/noted"], "a warning is an event", f"{warned}")


def refused(spans, asked):
    trace = parent(2)[1]
    server = one(pick(spans, SERVER, trace), "a refused chat")
    told.check(asked["refused"].status == 403 and not pick(spans, CLIENT, trace), "a refused chat asks no upstream")
    wrong = differs(server, {"sallyport.verdict": "denied", "sallyport.refused_by": ["team:red/not-this"], "http.response.status_code": 403})
    told.check(not wrong and [event.name for event in server.events] == ["sallyport.refused"], "it says who refused it", f"{wrong} {server.events}")
    told.check(server.status.code != Status.STATUS_CODE_ERROR and "error.type" not in attributes(server), "and is no error")
    server = one(pick(spans, SERVER, parent(5)[1]), "a chat whose tool call was refused")
    calls = [attributes(event) for event in server.events if event.name == "sallyport.tool_call"]
    wanted = {"gen_ai.tool.name": "drop_database", "sallyport.verdict": "denied", "sallyport.rule": "team:red/no-dropping"}
    told.check(len(calls) == 1 and wanted.items() <= calls[0].items(), "a refused tool call is an event", f"{calls}")


def streamed_and_broken(spans, asked):
    client = one(pick(spans, CLIENT, parent(3)[1]), "a streamed chat")
    there = attributes(client)
    first = there.get("gen_ai.response.time_to_first_chunk", -1)
    lasted = (client.end_time_unix_nano - client.start_time_unix_nano) / 1e9
    told.check(there.get("gen_ai.request.stream") is True and 0 < first <= lasted + 0.5, "it says when its first chunk came", f"{first} of {lasted}")
    told.check(not differs(client, {"gen_ai.usage.input_tokens": 70, "gen_ai.response.finish_reasons": ["stop"], "gen_ai.response.model": "gpt-test-2026"}), "what it cost, and how it ended", f"{there}")
    server, client = one(pick(spans, SERVER, parent(4)[1]), "a chat whose upstream failed"), one(pick(spans, CLIENT, parent(4)[1]), "its request")
    told.check(server.status.code == client.status.code == Status.STATUS_CODE_ERROR, "both spans are errors", f"{server.status} {client.status}")
    told.check(bool(attributes(client).get("error.type")) and asked["broken"].status >= 500, "with error.type", f"{attributes(client)}")


def tool_call(spans, asked):
    meant, header = parent(6), parent(7)
    server = one(pick(spans, SERVER, meant[1]), "tools/call, in the trace of its _meta")
    client = one(pick(spans, CLIENT, meant[1]), "its request to the tool server")
    told.check(server.parent_span_id.hex() == meant[2], "_meta names the parent")
    links = [(link.trace_id.hex(), link.span_id.hex()) for link in server.links]
    told.check(links == [header[1:]], "the header's span is a link", f"{links}")
    told.check(server.name == client.name == "tools/call search", "both are named by the conventions", f"{server.name}, {client.name}")
    wrong = differs(server, CALL), differs(client, CALL)
    told.check(wrong == ({}, {}), "both have what the MCP conventions ask", f"{wrong}")
    told.check(not differs(client, {"server.address": "127.0.0.1", "network.transport": "tcp"}), "the request says where to")
    onward = f"00-{meant[1]}-{client.span_id.hex()}-01"
    meta = asked["call"].json()["params"].get("_meta", {})
    told.check((meta.get("traceparent"), meta.get("tracestate")) == (onward, STATE), "the tool server's _meta names our client span", f"{meta}")
    headers = asked["call"].headers
    told.check((headers.get("traceparent"), headers.get("tracestate")) == (onward, STATE), "and so do its headers", f"{headers}")
    told.check(RESULT.encode() in asked["answer"].body, "the call was answered", f"{asked['answer'].body[:200]}")


SECRETS = [*KEYS.values(), PROVIDER_KEY, COLLECTOR_KEY, SERVER_KEY, PLANTED]


def silent(recorder):
    """Nothing that was said, and no key, is anywhere in the bytes."""
    sent = b"".join(recorder.raw)
    found = [word for word in [ASKED, SAID, ARGUMENT, RESULT, *SECRETS] if word.encode() in sent]
    told.check(sent and not found, f"no text and no key is in {len(sent)} bytes", f"{found}")


async def over_http(folder):
    recorder = receivers.Recorder()
    async with receivers.tapped(recorder) as (url, spans):
        telemetry = f'{{endpoint: "{url}", headers: {{authorization: "Bearer {COLLECTOR_KEY}"}}, resource: {{deployment.environment.name: tests}}}}'
        async with house(folder / "http", telemetry, environment=QUICK) as here:
            asked = await exchanges(here)
            await eventually(lambda: pick(spans, CLIENT, parent(6)[1]))
            missing = lambda: METRICS - recorder.metric_names()
            await eventually(lambda: not missing(), 5)
            told.check(not missing(), f"{len(METRICS)} metrics arrive by their names", f"not {sorted(missing())}")
        told.check(len(spans) == len(recorder.spans()) > 40, f"oteltap reads all {len(spans)} spans")
        contexts(spans, asked)
        conventions(spans)
        refused(spans, asked)
        streamed_and_broken(spans, asked)
        tool_call(spans, asked)
        resources = recorder.resources()
        wanted = {"service.name": "sallyport", "deployment.environment.name": "tests"}
        told.check(all(wanted.items() <= resource.items() for resource in resources), "the resource says who sends", f"{resources[:1]}")
        told.check(len({resource.get("service.instance.id") for resource in resources}) == 1, "and which of them")
        silent(recorder)
        told.check(PLANTED.encode() in asked["without"].body, "while policies let the key pass to the upstream")


async def with_content(folder):
    recorder = receivers.Recorder()
    async with house(folder / "content", f'{{endpoint: "{await recorder.start()}", content: true}}', environment=QUICK) as here:
        asked = await exchanges(here)
        agent = here.agent()
        await agent.chat(f"say {SAID} and {PLANTED}", stream=True, traceparent=parent(8)[0])
        agent.close()
        await eventually(lambda: pick(recorder.spans(), CLIENT, parent(8)[1]))
    await recorder.stop()
    spans = recorder.spans()
    sent = b"".join(recorder.raw)
    missing = [word for word in (ASKED, SAID, ARGUMENT, RESULT) if word.encode() not in sent]
    told.check(not missing, "with `content: true` the texts are there", f"not {missing}")
    found = [word for word in SECRETS if word.encode() in sent]
    told.check(not found, "without one key", f"{found}")
    # Of a streamed answer no text is kept.
    for what, number, name in [("asked", None, "gen_ai.input.messages"), ("given to a tool", 6, "gen_ai.tool.call.arguments")]:
        trace = parent(number)[1] if number else asked["without"].headers["traceparent"].split("-")[1]
        text = attributes(one(pick(spans, CLIENT, trace), f"what was {what}")).get(name, "")
        told.check("<secret." in text, f"a key that was {what} stands there as its label", text[:300])
    message = json.loads(attributes(pick(spans, CLIENT, parent(1)[1])[0]).get("gen_ai.input.messages", "[]"))
    told.check(message == [{"role": "user", "parts": [{"type": "text", "content": ASKED}]}], "messages are by the conventions' schema", f"{message}")


async def over_grpc(folder):
    recorder = receivers.Recorder()
    async with receivers.rotel(recorder, folder) as url:
        async with house(folder / "grpc", f'{{endpoint: "{url}", protocol: grpc}}', environment=QUICK) as here:
            asked = await exchanges(here)
            await eventually(lambda: pick(recorder.spans(), CLIENT, parent(6)[1]), 10)
            await eventually(lambda: METRICS <= recorder.metric_names(), 5)
            counted = here.spans()
        told.check(METRICS <= recorder.metric_names(), "by gRPC, rotel gets the metrics", f"not {METRICS - recorder.metric_names()}")
        spans = recorder.spans()
        told.check(len(spans) >= counted["sent"] > 40 and not counted["failed"], f"and {len(spans)} spans", f"{counted}")
        tool_call(spans, asked)
        silent(recorder)


async def by_environment(folder):
    """Without a section, by the standard variables alone; with the newest names; and what a sampler leaves out."""
    recorder = receivers.Recorder()
    environment = {
        **QUICK,
        "OTEL_EXPORTER_OTLP_ENDPOINT": await recorder.start(),
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-collector-key={COLLECTOR_KEY}",
        "OTEL_SERVICE_NAME": "gate",
        "OTEL_SEMCONV_STABILITY_OPT_IN": "gen_ai_latest_experimental",
        "OTEL_TRACES_SAMPLER": "parentbased_always_off",
    }
    async with house(folder / "environment", environment=environment) as here:
        agent = here.agent()
        await agent.chat("of no trace")
        unsampled = here.provider.asked[-1].headers.get("traceparent", "")
        await agent.chat("refuse this")
        await agent.chat("of an agent's trace", traceparent=parent(1)[0])
        await agent.chat("of a trace that is not kept", traceparent=parent(2)[0][:-1] + "0")
        agent.close()
        await eventually(lambda: pick(recorder.spans(), SERVER, parent(1)[1]) and recorder.metrics)
        told.check(here.metric("sallyport_exchanges_total") == 4, "what is not kept as a trace is counted")
    await recorder.stop()
    spans = recorder.spans()
    kept = [attributes(span)["sallyport.verdict"] for span in pick(spans, SERVER)]
    told.check(sorted(kept) == ["allowed", "denied"] and pick(spans, SERVER, parent(1)[1]), "kept is what was refused, and what the agent keeps", f"{kept}")
    told.check(unsampled.endswith("-00"), "upstreams are told what is not kept", unsampled)
    told.check({resource.get("service.name") for resource in recorder.resources()} == {"gate"}, "the service's name is that of the environment")
    told.check({request.headers.get("x-collector-key") for request in recorder.requests} == {COLLECTOR_KEY}, "and so are headers")
    names = recorder.metric_names()
    told.check(any(name.startswith("gen_ai.client.inference.") for name in names) and "gen_ai.client.token.usage" not in names, "the newest names, and not the older ones beside them", f"{sorted(names)}")


async def run(folder):
    folder = pathlib.Path(folder)
    await by_environment(folder)
    await over_http(folder)
    await with_content(folder)
    await over_grpc(folder)
