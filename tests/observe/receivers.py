"""Collectors: two real ones, and one of our own that keeps the bytes and can misbehave."""

import asyncio
import contextlib
import enum
import gzip
import importlib.resources
import subprocess

import wire
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest, ExportTraceServiceResponse
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings
from stage.gateway import free_port


class Manner(enum.Enum):
    """How a collector behaves."""

    GOOD = "good"
    SLOW = "slow"
    HANGING = "hanging"
    GARBAGE = "garbage"
    BUSY = "busy"
    REJECTING = "rejecting"


class Recorder(wire.Server):
    """Keeps what comes, as bytes and read."""

    def __init__(self, manner=Manner.GOOD):
        self.manner = manner
        self.raw = []
        self.requests = []
        self.traces = []
        self.metrics = []
        # Spans that were answered with a success.
        self.taken = 0
        self.rejected = 0

    async def answer(self, request, writer):
        body = gzip.decompress(request.body) if request.headers.get("content-encoding") == "gzip" else request.body
        self.requests.append(request)
        self.raw.append(body)
        is_trace = request.line[1].endswith("/v1/traces")
        told = (ExportTraceServiceRequest if is_trace else ExportMetricsServiceRequest).FromString(body)
        (self.traces if is_trace else self.metrics).append(told)
        count = sum(len(scope.spans) for each in told.resource_spans for scope in each.scope_spans) if is_trace else 0
        await self._answer(writer, count)

    async def _answer(self, writer, count):
        proto = "application/x-protobuf"
        match self.manner:
            case Manner.HANGING:
                await asyncio.sleep(3600)
            case Manner.GARBAGE:
                writer.write(b"\x00\xff\x7fSSH-2.0-not-a-collector\r\n\r\n" + b"\xfe" * 4096)
                raise ConnectionError("said its nonsense")
            case Manner.BUSY:
                wire.whole(writer, b"", "503 Service Unavailable", proto)
            case Manner.REJECTING if count:
                reply = ExportTraceServiceResponse()
                reply.partial_success.rejected_spans = 1
                self.rejected += 1
                self.taken += count - 1
                wire.whole(writer, reply.SerializeToString(), kind=proto)
            case _:
                if self.manner is Manner.SLOW:
                    await asyncio.sleep(0.7)
                self.taken += count
                wire.whole(writer, b"", kind=proto)

    def spans(self):
        scopes = (scope for told in self.traces for each in told.resource_spans for scope in each.scope_spans)
        return [span for scope in scopes for span in scope.spans]

    def metric_names(self):
        scopes = (scope for told in self.metrics for each in told.resource_metrics for scope in each.scope_metrics)
        return {metric.name for scope in scopes for metric in scope.metrics}

    def resources(self):
        told = [each.resource for told in self.traces for each in told.resource_spans]
        return [attributes(resource) for resource in told + [each.resource for told in self.metrics for each in told.resource_metrics]]


@contextlib.asynccontextmanager
async def tapped(recorder):
    """`oteltap`, which passes on to `recorder`. Gives its URL and the spans that it read."""
    onward = await recorder.start()
    port = free_port()
    settings = OtelTapHttpProtobufReceiverSettings(
        http_port=port, reemit_traces_to_url=f"{onward}/v1/traces", reemit_metrics_to_url=f"{onward}/v1/metrics"
    )
    async with OtelTapHttpProtobufReceiver(settings) as tap:
        spans = []

        async def keep():
            async for span in tap.stream_traces():
                spans.append(span)

        keeping = asyncio.create_task(keep())
        yield f"http://127.0.0.1:{port}", spans
        keeping.cancel()
    await recorder.stop()


@contextlib.asynccontextmanager
async def rotel(recorder, folder):
    """`rotel`, which takes gRPC and passes on to `recorder` by HTTP. Gives its URL for gRPC."""
    onward = await recorder.start()
    grpc, http = free_port(), free_port()
    words = ["start", "--otlp-grpc-endpoint", f"127.0.0.1:{grpc}", "--otlp-http-endpoint", f"127.0.0.1:{http}"]
    words += ["--exporter", "otlp", "--otlp-exporter-endpoint", onward, "--otlp-exporter-protocol", "http"]
    words += ["--pid-file", f"{folder}/rotel.pid", "--log-file", f"{folder}/rotel.log"]
    agent = importlib.resources.files("rotel") / "rotel-agent"
    with open(f"{folder}/rotel.out", "wb") as out:
        process = subprocess.Popen([str(agent), *words], stdout=out, stderr=out)
    try:
        for _ in range(100):
            await asyncio.sleep(0.1)
            with contextlib.suppress(OSError):
                (await asyncio.open_connection("127.0.0.1", grpc))[1].close()
                break
        yield f"http://127.0.0.1:{grpc}"
    finally:
        process.terminate()
        process.wait()
        await recorder.stop()


def value(any_value):
    """A value of OTLP as Python's."""
    kind = any_value.WhichOneof("value")
    if kind == "array_value":
        return [value(each) for each in any_value.array_value.values]
    return getattr(any_value, kind) if kind else None


def attributes(of):
    """Attributes of a span, an event or a resource."""
    return {each.key: value(each.value) for each in of.attributes}


async def eventually(holds, within=20.0):
    """Waits until `holds()` is true, or time is up. Gives what it said last."""
    for _ in range(int(within / 0.05)):
        if said := holds():
            return said
        await asyncio.sleep(0.05)
    return holds()
