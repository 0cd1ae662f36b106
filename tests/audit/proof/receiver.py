"""Reads OTLP's JSON from standard input by the protocol's own schema, sends it to a real receiver, prints how many logs came.

Needs PyPI's oteltap and opentelemetry-proto; the receiver takes protocol buffers, so that is what it is sent as.
"""

import asyncio
import base64
import json
import socket
import sys
import urllib.request

from google.protobuf import json_format
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings


def ids_as_base64(value):
    """OTLP writes ids in hexadecimal where protocol buffers' JSON has base64."""
    if isinstance(value, list):
        return [ids_as_base64(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64encode(bytes.fromhex(item)).decode() if name in ("traceId", "spanId") else ids_as_base64(item)
        for name, item in value.items()
    }


def post(port, body):
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/logs", data=body, headers={"content-type": "application/x-protobuf"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200, answer.status


async def main():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    came = 0

    async def count(receiver):
        nonlocal came
        async for _ in receiver.stream_logs():
            came += 1

    async with OtelTapHttpProtobufReceiver(OtelTapHttpProtobufReceiverSettings(http_port=port)) as receiver:
        counting = asyncio.create_task(count(receiver))
        sent = 0
        for line in sys.stdin:
            # Fields that the schema does not know are an error here.
            request = json_format.ParseDict(ids_as_base64(json.loads(line)), ExportLogsServiceRequest())
            sent += sum(len(scope.log_records) for resource in request.resource_logs for scope in resource.scope_logs)
            await asyncio.to_thread(post, port, request.SerializeToString())
        for _ in range(100):
            if came >= sent:
                break
            await asyncio.sleep(0.1)
        counting.cancel()
    print(came)


asyncio.run(main())
