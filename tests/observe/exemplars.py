"""/metrics in both of its forms, by the parser of Prometheus' own client; exemplars, in a real Prometheus too."""

import asyncio
import json
import math
import os
import shutil
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import receivers
import wire
from house import house
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_metrics
from prometheus_client.parser import text_string_to_metric_families as classic
from receivers import eventually
from stage import told
from stage.gateway import free_port

OPEN = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
CHATS = 20


class Prometheus:
    """The real one, on a free port, with room for exemplars."""

    def __init__(self, where, target):
        self.port = free_port()
        config = {
            "global": {"scrape_interval": "1s"},
            "scrape_configs": [{"job_name": "sallyport", "static_configs": [{"targets": ["%s:%d" % target]}]}],
            "storage": {"exemplars": {"max_exemplars": 1000}},
        }
        # JSON is YAML.
        (where / "prometheus.yml").write_text(json.dumps(config))
        words = [f"--config.file={where}/prometheus.yml", f"--storage.tsdb.path={where}/tsdb", f"--web.listen-address=127.0.0.1:{self.port}"]
        words += ["--log.level=error", "--enable-feature=exemplar-storage"]
        self.process = subprocess.Popen(["prometheus", *words], env={**os.environ, "HOME": str(where)})

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.loads(answer.read())["data"]
        except (urllib.error.URLError, ConnectionError):
            return None

    def exemplars(self):
        """All that it has of the stages' times."""
        now = time.time()
        series = self.ask("query_exemplars", query="sallyport_stage_seconds_bucket", start=now - 600, end=now + 60) or []
        return [exemplar for each in series for exemplar in each["exemplars"]]

    def stop(self):
        self.process.terminate()
        self.process.wait()


def by_name(families):
    return {family.name: family for family in families}


def both_forms(text, older, traces):
    """What the parsers make of them."""
    new, old = by_name(open_metrics(text)), by_name(classic(older))
    told.check(set(new) == set(old) and len(new) > 20, f"both forms have the same {len(new)} families", f"{set(new) ^ set(old)}")
    # A bound is `1.0` in one form and `1` in the other.
    label = lambda name, word: float(word) if name == "le" else word
    series = lambda family: {(sample.name, *sorted((name, label(name, word)) for name, word in sample.labels.items())) for sample in family.samples}
    differ = [name for name in new if name in old and series(new[name]) != series(old[name])]
    told.check(not differ, "with the same series", f"{differ}")
    buckets = [sample for sample in new["sallyport_stage_seconds"].samples if sample.name.endswith("_bucket")]
    have = [sample for sample in buckets if sample.exemplar]
    found = {sample.exemplar.labels.get("trace_id") for sample in have}
    told.check(len(have) >= 6 and {sample.labels["stage"] for sample in have} >= {"policy", "total", "upstream_first"}, f"{len(have)} buckets have an exemplar")
    told.check(found <= traces, "each of a trace that the collector has", f"{found - traces}")
    lower, outside = {}, []
    for sample in buckets:
        stage, bound = sample.labels["stage"], float(sample.labels["le"])
        if sample.exemplar and not lower.get(stage, -math.inf) < sample.exemplar.value <= bound:
            outside.append(f"{sample.labels} {sample.exemplar}")
        lower[stage] = bound
    told.check(not outside, "and of a time within its bucket", f"{outside}")
    now = time.time()
    told.check(all(now - 120 < float(sample.exemplar.timestamp) <= now + 1 for sample in have), "and of just now")


async def run(folder):
    if not shutil.which("prometheus"):
        told.cannot("there is no Prometheus (Debian: prometheus)")
    recorder = receivers.Recorder()
    telemetry = f'{{endpoint: "{await recorder.start()}"}}'
    async with house(folder, telemetry, environment={"OTEL_BSP_SCHEDULE_DELAY": "100"}) as here:
        prometheus = Prometheus(folder, here.running.operators)
        try:
            agent = here.agent()
            for number in range(CHATS):
                await agent.chat("refuse" if number % 4 == 3 else "hello", stream=number % 2 == 1)
            agent.close()
            await eventually(lambda: len({span.trace_id for span in recorder.spans()}) >= CHATS)
            traces = {span.trace_id.hex() for span in recorder.spans()}
            operators = wire.Connection(here.running.operators)
            text = await operators.ask("GET", "/metrics", accept=OPEN)
            older = await operators.ask("GET", "/metrics")
            told.check(text.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0"), "OpenMetrics is given to who asks for it", text.headers["content-type"])
            told.check(older.headers["content-type"].startswith("text/plain"), "and the older form to others", older.headers["content-type"])
            both_forms(text.body.decode(), older.body.decode(), traces)
            # Asked on a thread, since Prometheus scrapes meanwhile.
            for _ in range(40):
                exemplars = await asyncio.to_thread(prometheus.exemplars)
                if exemplars:
                    break
                await asyncio.sleep(0.5)
            has = {exemplar["labels"].get("trace_id") for exemplar in exemplars}
            told.check(has and has <= traces, f"a real Prometheus has {len(exemplars)} exemplars, of traces that there are", f"{has - traces}")
            targets = await asyncio.to_thread(prometheus.ask, "targets")
            told.check([target["health"] for target in targets["activeTargets"]] == ["up"], "and takes all of /metrics", f"{targets['activeTargets']}")
        finally:
            prometheus.stop()
    await recorder.stop()
