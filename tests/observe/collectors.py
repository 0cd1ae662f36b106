"""Collectors that are dead, slow or mean: agents notice nothing, and every span is accounted for."""

import asyncio
import time

import receivers
from house import house
from receivers import Manner, eventually
from stage import told
from stage.gateway import free_port

CHATS = 40
# What a message may take is made short, so that this test is.
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "100", "OTEL_EXPORTER_OTLP_TIMEOUT": "1000", "OTEL_METRIC_EXPORT_INTERVAL": "500"}


async def chats(house, count=CHATS):
    """How many of so many chats went well."""
    agent = house.agent()
    answers = [await agent.chat("hello") for _ in range(count)]
    agent.close()
    return sum(answer.status == 200 for answer in answers)


async def accounted(house, spans, within=25):
    """Waits until as many spans are accounted for. Gives the counts."""
    await eventually(lambda: sum(house.spans().values()) >= spans, within)
    # Not one more comes.
    await asyncio.sleep(0.3)
    return house.spans()


async def against(folder, name, manner, environment=None):
    """Chats while the collector has this manner; nothing listens at all if it has none."""
    recorder = receivers.Recorder(manner or Manner.GOOD)
    url = await recorder.start() if manner else f"http://127.0.0.1:{free_port()}"
    async with house(folder / name, f'{{endpoint: "{url}"}}', environment={**QUICK, **(environment or {})}) as here:
        well = await chats(here)
        told.check(well == CHATS, f"{name}: all {CHATS} chats are answered", f"{well}")
        spans = CHATS * spans_of_a_chat
        counts = await accounted(here, spans)
        # How many exchanges are left out whole depends on the moment; what is left of them is whole, too.
        told.check(sum(counts.values()) == spans, f"{name}: {spans} spans are accounted for", f"{counts}")
        began = time.monotonic()
        await here.running.stop()
        lasted = time.monotonic() - began
        told.check(here.running.process.returncode == 0 and lasted < 9, f"{name}: it stops in time", f"{here.running.process.returncode} after {lasted:.1f} s")
    if manner:
        await recorder.stop()
    return counts, recorder


async def learnt(folder):
    """How many spans a chat has: all of them arrive at a good collector, and at the end without waiting."""
    global spans_of_a_chat
    recorder = receivers.Recorder()
    environment = {"OTEL_BSP_SCHEDULE_DELAY": "60000", "OTEL_METRIC_EXPORT_INTERVAL": "60000"}
    async with house(folder / "end", f'{{endpoint: "{await recorder.start()}"}}', environment=environment) as here:
        await chats(here)
        told.check(not recorder.traces, "spans wait for others")
    await recorder.stop()
    spans_of_a_chat, rest = divmod(recorder.taken, CHATS)
    told.check(spans_of_a_chat >= 6 and not rest, f"at the end, what waits is sent: {spans_of_a_chat} spans of each chat", f"{recorder.taken}")
    told.check(bool(recorder.metrics), "and the metrics are")


async def run(folder):
    await learnt(folder)
    patient = {"OTEL_EXPORTER_OTLP_TIMEOUT": "20000"}
    few = {"OTEL_BSP_MAX_QUEUE_SIZE": "4", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "4"}
    found = await asyncio.gather(
        against(folder, "good", Manner.GOOD, patient),
        against(folder, "dead", None),
        against(folder, "hanging", Manner.HANGING),
        against(folder, "garbage", Manner.GARBAGE),
        against(folder, "slow", Manner.SLOW, patient),
        against(folder, "busy", Manner.BUSY),
        against(folder, "rejecting", Manner.REJECTING, patient),
        against(folder, "hanging, and a short queue", Manner.HANGING, few),
    )
    good, dead, hanging, garbage, slow, busy, rejecting, short = found
    for name, (counts, recorder) in (("good", good), ("slow", slow)):
        told.check(counts["sent"] == recorder.taken and not counts["failed"], f"{name}: sent is what the collector took", f"{counts} {recorder.taken}")
    for name, (counts, _) in (("dead", dead), ("hanging", hanging), ("garbage", garbage), ("busy", busy)):
        told.check(not counts["sent"] and counts["failed"], f"{name}: nothing is sent", f"{counts}")
    counts, recorder = rejecting
    told.check((counts["sent"], counts["failed"]) == (recorder.taken, recorder.rejected), "what a collector rejects is failed", f"{counts} {recorder.taken} {recorder.rejected}")
    told.check(short[0]["dropped"] > 0, "what finds no place is dropped", f"{short[0]}")
