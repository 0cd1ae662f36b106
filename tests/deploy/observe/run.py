#!/usr/bin/env python3
"""Alert rules and the dashboard: promtool's own tests, then a real Prometheus that scrapes a running gateway and evaluates
every rule and every expression; each metric and label is one that the gateway has."""

import asyncio
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from stage import gateway, told
from stage.agents import Agent
from stage.upstream import Upstream

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
RULES = REPOSITORY / "deploy/prometheus"
DASHBOARD = REPOSITORY / "deploy/grafana/sallyport.json"
METRICS = REPOSITORY / "gateway/src/operators/metrics.rs"
TROUBLES = REPOSITORY / "docs/troubleshooting.md"

# Kept by other parts of the gateway; where metrics.rs names one itself, what it says holds.
ELSEWHERE = {
    "cost_usd_total": {"team", "route"},
    "audit_records_total": {"kind"},
    "audit_lost_total": set(),
    "audit_failures_total": {"why"},
    "audit_tree_size": set(),
    "audit_unsynced": set(),
    "telemetry_spans_total": {"outcome"},
    "history_dropped_total": set(),
    "history_exchanges": set(),
}
OF_PROMETHEUS = {"job", "instance", "le"}
# Panels that must show something after a little traffic.
SHOWN = ["Gateways", "Exchanges a second", "Exchanges by verdict", "Added by stage, p99", "Tokens by team", "Policies in force", "Decision records", "Refusals by rule"]


def known():
    """Every metric with its labels: metrics.rs has a table of them."""
    found = dict(ELSEWHERE)
    source = "".join(path.read_text() for path in [METRICS, *METRICS.with_suffix("").glob("*.rs")])
    for name, labels in re.findall(r'Metric::new\(\s*"(\w+)",.*?&\[(.*?)\]\s*,?\s*\)', source, re.S):
        found[name] = set(re.findall(r'"(\w+)"', labels))
    for name in [name for name in found if name.endswith("_seconds")]:
        found.update({f"{name}_{part}": found[name] for part in ("bucket", "sum", "count")})
    return found


def expressions():
    """Everything that Prometheus will be asked, by what asks it."""
    dashboard = json.loads(DASHBOARD.read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", []):
            yield f"panel {panel['title']!r}", target["expr"]
    for note in dashboard["annotations"]["list"]:
        yield f"annotation {note['name']!r}", note["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            yield f"variable {variable['name']!r}", re.search(r"label_values\((.*), \w+\)", variable["definition"]).group(1)


def filled(expression):
    return expression.replace("$__rate_interval", "1m").replace("$job", ".*").replace("$instance", ".*")


def names_are_right(rules):
    metrics = known()
    wrong, used = [], set()
    asked = list(expressions()) + [(f"alert {rule['name']}", rule["query"]) for rule in rules]
    for who, expression in asked:
        names = re.findall(r"\bsallyport_(\w+)", re.sub(r'"[^"]*"', '""', expression))
        used.update(names)
        wrong += [f"{who}: no metric {name}" for name in names if name not in metrics]
        allowed = set().union(OF_PROMETHEUS, *(metrics.get(name, set()) for name in names))
        labels = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', expression))
        for group in re.findall(r"\b(?:by|on|without) \(([^)]*)\)", expression):
            labels |= set(map(str.strip, group.split(",")))
        wrong += [f"{who}: no label {label}" for label in labels - allowed]
    told.check(not wrong, f"{len(asked)} expressions use metrics and labels that there are", "; ".join(wrong))
    whole = {re.sub("_(bucket|sum|count)$", "", name) if name.startswith("stage_seconds") else name for name in used}
    unseen = {name for name in metrics if not re.search("_(bucket|sum|count)$", name)} - whole
    told.check(not unseen, "each metric is on the dashboard or in an alert", f"{sorted(unseen)}")


def promtool():
    for words in (["check", "rules", "alerts.yaml"], ["check", "config", "prometheus.yml"], ["test", "rules", "alerts_test.yaml", "alerts_day_test.yaml"]):
        done = subprocess.run(["promtool", *words], cwd=RULES, capture_output=True, text=True)
        told.check(done.returncode == 0, f"promtool {' '.join(words)}", done.stdout + done.stderr)


def alerts_are_tested_and_told():
    text, tests = (RULES / "alerts.yaml").read_text(), "".join(path.read_text() for path in RULES.glob("alerts_*test.yaml"))
    alerts = re.findall(r"alert: (\w+)", text)
    cases = re.findall(r"alertname: (\w+)\n\s+exp_alerts:(.*)", tests)
    for fires in (True, False):
        tried = {name for name, rest in cases if fires == ("[]" not in rest)}
        told.check(set(alerts) <= tried, f"each alert has a case where it {'fires' if fires else 'does not'}", f"{set(alerts) - tried}")
    runbooks = re.findall(r"runbook: docs/troubleshooting.md#(\S+)", text)
    slug = lambda heading: re.sub(r"[^\w-]", "", heading.strip().lower().replace(" ", "-"))
    headings = {slug(line.lstrip("#")) for line in TROUBLES.read_text().splitlines() if line.startswith("#")} if TROUBLES.exists() else set()
    told.check(len(runbooks) == len(alerts) and set(runbooks) <= headings, "each alert names a heading of docs/troubleshooting.md", f"{set(runbooks) - headings}")


class Prometheus:
    """The real one, on a free port, scraping every second."""

    def __init__(self, where, target):
        text = (RULES / "prometheus.yml").read_text()
        text = text.replace("15s", "1s").replace("sallyport:9090", "%s:%d" % target).replace("- alerts.yaml", f"- {RULES / 'alerts.yaml'}")
        (where / "prometheus.yml").write_text(text)
        self.port = gateway.free_port()
        words = [f"--config.file={where}/prometheus.yml", f"--storage.tsdb.path={where}/tsdb", f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error"]
        self.process = subprocess.Popen(["prometheus", *words], env={**os.environ, "HOME": str(where)})

    def ask(self, path, **query):
        url = f"http://127.0.0.1:{self.port}{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            return {"status": "error", "error": error.read().decode()}

    def rules(self):
        groups = self.ask("/api/v1/rules")["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    async def evaluated(self):
        """Waits until every rule has been, and the gateway was scraped a few times."""
        for _ in range(120):
            await asyncio.sleep(0.5)
            try:
                scraped = self.ask("/api/v1/query", query="count_over_time(sallyport_build_info[1m])")["data"]["result"]
                rules = self.rules()
            except (OSError, KeyError):
                continue
            if rules and all(rule["health"] != "unknown" for rule in rules) and scraped and int(scraped[0]["value"][1]) >= 5:
                return rules
        raise SystemExit("Prometheus did not evaluate the rules")


async def traffic(running):
    agent = Agent(running.agents)
    for turn in range(20):
        await agent.ask(stream=turn % 2 == 0, text="write to ann@example.com" if turn % 5 else "refuse this")
        await asyncio.sleep(0.15)
    agent.close()


async def scraped(where):
    upstream = Upstream()
    policies = dict(gateway.ALLOW_ALL)
    policies["red.rego"] += '\ndeny contains {"rule": "asked", "say": "no"} if {\n\tsome part in input.parts\n\tcontains(part.text, "refuse")\n}\n'
    running = await gateway.Gateway.start(gateway.lay_out(where, gateway.config(await upstream.start()), policies))
    prometheus = Prometheus(where, running.operators)
    try:
        talking = asyncio.create_task(traffic(running))
        rules = await prometheus.evaluated()
        await talking
        await asyncio.sleep(1.5)
        judge(prometheus, rules)
    finally:
        prometheus.process.terminate()
        prometheus.process.wait()
        await running.stop()
    return rules


def judge(prometheus, rules):
    targets = prometheus.ask("/api/v1/targets")["data"]["activeTargets"]
    told.check([target["health"] for target in targets] == ["up"], "Prometheus takes what /metrics says", f"{[target['lastError'] for target in targets]}")
    sick = [f"{rule['name']}: {rule.get('lastError')}" for rule in rules if rule["health"] != "ok"]
    told.check(not sick, f"{len(rules)} rules are evaluated without error", "; ".join(sick))
    firing = [rule["name"] for rule in rules if rule["state"] == "firing"]
    told.check(not firing, "none of them fires on a healthy gateway", f"{firing}")
    bad, full = [], set()
    asked = list(expressions())
    for who, expression in asked:
        answer = prometheus.ask("/api/v1/query", query=filled(expression))
        if answer["status"] != "success" or answer.get("warnings"):
            bad.append(f"{who}: {answer.get('error') or answer.get('warnings')}")
        elif answer["data"]["result"]:
            full.add(who)
    told.check(not bad, f"{len(asked)} expressions of the dashboard are evaluated without error", "; ".join(bad))
    empty = [title for title in SHOWN if f"panel {title!r}" not in full]
    told.check(not empty, "panels show the traffic", f"nothing in {empty}")
    told.measured(f"{len(full)} of {len(asked)} expressions have values after 20 exchanges")


def main():
    if not all(map(shutil.which, ("prometheus", "promtool"))):
        told.cannot("there is no Prometheus (Debian: prometheus)")
    promtool()
    alerts_are_tested_and_told()
    with gateway.folder() as folder:
        rules = asyncio.run(scraped(pathlib.Path(folder)))
    names_are_right(rules)
    told.end()


main()
