"""A scripted provider: chat completions, whole and streamed, as slowly as it is told."""

import asyncio
import json


class Upstream:
    """Counts what it is asked. `words` are streamed with `pause` seconds between them."""

    def __init__(self, words=5, pause=0.0):
        self.words = words
        self.pause = pause
        self.asked = 0
        self.streaming = 0

    async def start(self, host="127.0.0.1", port=0):
        """Listens. Gives its URL."""
        self.server = await asyncio.start_server(self._serve, host, port, backlog=1024)
        host, port = self.server.sockets[0].getsockname()[:2]
        self.url = f"http://{host}:{port}"
        return self.url

    async def _serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                fields = dict(line.split(": ", 1) for line in head.decode().lower().split("\r\n")[1:] if line)
                body = await reader.readexactly(int(fields.get("content-length", 0)))
                self.asked += 1
                asked = json.loads(body or b"{}")
                if asked.get("stream"):
                    await self._stream(writer, asked)
                else:
                    self._whole(writer, asked)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _whole(self, writer, asked):
        message = {"role": "assistant", "content": " ".join(f"word{n}" for n in range(self.words))}
        body = json.dumps(
            {
                "id": "chatcmpl-1",
                "object": "chat.completion",
                "created": 1,
                "model": asked.get("model", "m"),
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 7, "completion_tokens": self.words, "total_tokens": 7 + self.words},
            }
        ).encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body)

    async def _stream(self, writer, asked):
        def send(event):
            text = f"data: {event if isinstance(event, str) else json.dumps(event)}\n\n".encode()
            writer.write(b"%x\r\n" % len(text) + text + b"\r\n")

        def chunk(delta, finish=None):
            choice = {"index": 0, "delta": delta, "finish_reason": finish}
            return {
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 1,
                "model": asked.get("model", "m"),
                "choices": [choice],
            }

        self.streaming += 1
        try:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
            send(chunk({"role": "assistant", "content": ""}))
            for n in range(self.words):
                send(chunk({"content": f"word{n} "}))
                await writer.drain()
                await asyncio.sleep(self.pause)
            send(chunk({}, "stop"))
            send("[DONE]")
            writer.write(b"0\r\n\r\n")
        finally:
            self.streaming -= 1
