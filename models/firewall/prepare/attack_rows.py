"""The attack rows of one side: overrides, jailbreaks, embedded goals, poisoned tools."""

from __future__ import annotations

import json
import random
from dataclasses import replace

from . import attacks, carriers, counterfactual, personas, sources
from .pools import Pool, row
from .row import Row
from .seeds import Seed
from .slots import fill
from .split import MAX_TOKENS, side, size, tokens, window


def _user_like(rng: random.Random) -> str:
    return "unknown" if rng.random() < 0.16 else "user"


def own_overrides(pool: Pool, n: int) -> list[Row]:
    """Overrides, extractions and forged roles of the grammar, one group a wording."""
    rng = pool.rng("own_overrides")
    makers = [attacks.override] * 5 + [attacks.extraction] * 4 + [attacks.forged] * 2
    out = []
    while len(out) < n:
        text, family = rng.choice(makers)(rng)
        words = text.split()
        group = f"{family}:{' '.join(words[:2]).lower()}"
        if side(group) != pool.side:
            continue
        channel = _user_like(rng) if rng.random() < 0.8 else "tool_result"
        out.append(row(text, channel, "override", "own-grammar", group, family))
    return out


def seed_attacks(pool: Pool, stem: str, label: str, n: int) -> list[Row]:
    """Hand-written overrides or jailbreaks, filled, alone or with a demand behind."""
    rng = pool.rng("seed_" + stem)
    seeds = pool.seeds.get(stem, pool.side)
    out = []
    for i in range(n if seeds else 0):
        seed = seeds[i % len(seeds)] if i < 3 * len(seeds) else rng.choice(seeds)
        text = fill_goal(pool, seed, rng)
        if seed.lang == "en" and label == "override" and rng.random() < 0.25 and "\n" not in text:
            text += " " + fill(rng.choice(attacks.DEMAND), rng).capitalize() + rng.choice([".", ""])
        if tokens(text) > MAX_TOKENS:
            text = window(text, MAX_TOKENS, rng)
        channel = seed.channel or (_user_like(rng) if rng.random() < 0.82 else "tool_result")
        out.append(row(text, channel, seed.label or label, "seeds", seed.group, f"seed_{stem}/{seed.family}" + ("" if seed.lang == "en" else f"/{seed.lang}")))
    return out


def fill_goal(pool: Pool, seed: Seed, rng: random.Random) -> str:
    """A seed with its slots filled; `{goal}` with a goal of this side."""
    return pool.seeds.fill(seed.text, rng, lambda: pool.goal(rng)[0], own_only=seed.file == "jailbreak")


def jailbreaks(pool: Pool, n: int) -> list[Row]:
    """The long jailbreak prompts: their beginnings, then windows of them."""
    rng = pool.rng("jailbreaks")
    out = []
    prompts = pool.texts["jailbreak"]
    for i in range(n if prompts else 0):
        text, group = prompts[i % len(prompts)]
        if i < len(prompts) or rng.random() < 0.55:
            short = window(text[:6000], rng.choice([120, 80]), rng, (0, 1))
            text = short if rng.random() < 0.5 and cues(short) >= 2 else window(text[:6000], MAX_TOKENS, rng, (0, 1))
            kind = "jailbreak_start"
        else:
            text = _cued_window(text, rng)
            kind = "jailbreak_window"
        if text:
            channel = _user_like(rng) if rng.random() < 0.88 else "tool_result"
            out.append(row(text, channel, "jailbreak", "jailbreak_classification", group, kind))
    return out


def own_jailbreaks(pool: Pool, n: int) -> list[Row]:
    """Personas and forms that shed rules, of our own making."""
    rng = pool.rng("own_jailbreaks")
    harmful = [t for t, _ in pool.texts["harmful_topics"] if len(t) < 160]
    out = []
    for _ in range(n):
        text, family = personas.jailbreak(rng, harmful)
        channel = _user_like(rng) if rng.random() < 0.85 else "tool_result"
        out.append(row(text, channel, "jailbreak", "own-grammar", f"jb:{' '.join(text.split()[:7])}", family))
    return out


def cues(text: str) -> int:
    """How many different words of shedding rules `text` has."""
    return len({m[0].lower() for m in sources.JAILBREAK_CUE.finditer(text)})


def _cued_window(text: str, rng: random.Random) -> str:
    """A stretch with at least three words of shedding rules, or nothing."""
    for _ in range(4):
        part = window(text, rng.randint(90, MAX_TOKENS), rng)
        if cues(part) >= 3:
            return part
    return ""


def public_overrides(pool: Pool, copies: int) -> list[Row]:
    """Mosscap (filtered) and HackAPrompt rows."""
    rng = pool.rng("public_overrides")
    out = []
    for name in ("mosscap", "hackaprompt"):
        taken: dict[str, int] = {}
        for text, group in pool.texts[name]:
            # The game's players sent the same trick many times over.
            taken[group] = taken.get(group, 0) + 1
            if taken[group] > 3:
                continue
            for _ in range(copies):
                cut = window(text, MAX_TOKENS, rng, (0, min(len(text), 200)))
                out.append(row(cut, _user_like(rng), "override", name, group, name))
    return out


def bare_goals(pool: Pool, n: int) -> list[Row]:
    """Goals with no lead-in as a tool's whole result, or as a field of one."""
    rng = pool.rng("bare_goals")
    out = []
    for _ in range(n):
        goal, group = pool.goal(rng)
        kind = "bare_goal"
        if rng.random() < 0.15:
            second, _ = pool.goal(rng)
            goal, kind = goal + rng.choice([" ", "\n", " Then "]) + second, "bare_goals"
        out.append(row(goal, "tool_result", "embedded", "own-goals", group, kind))
    return out


def goals_in_carriers(pool: Pool, n: int, share_bare: float = 0.62) -> list[Row]:
    """Goals, bare or wrapped, at random places of harmless documents."""
    rng = pool.rng("goals_in_carriers")
    out = []
    for _ in range(n):
        goal, group = pool.goal(rng)
        kind = "bare_in"
        if rng.random() > share_bare:
            goal, family = pool.wrapped(goal, rng)
            kind = f"wrapped_in/{family}"
        doc, sort = pool.carrier(rng)
        if rng.random() < 0.06 and len(goal.split()) >= 10:
            text, kind = _cut_at_edge(goal, window(doc, size(rng), rng), rng), "edge_in"
        else:
            text = carriers.insert(goal, doc, sort, min(MAX_TOKENS, size(rng) + tokens(goal)), rng)
        if tokens(text) > MAX_TOKENS + 15:
            continue
        channel = "unknown" if kind != "bare_in" and rng.random() < 0.12 else "tool_result"
        out.append(row(text, channel, "embedded", f"own-goals+{sort}", group, f"{kind}:{sort}" if kind == "bare_in" else kind))
    return out


def _cut_at_edge(goal: str, part: str, rng: random.Random) -> str:
    """A goal at a window's edge, of which up to a third is cut off."""
    words = goal.split(" ")
    lost = rng.randint(1, max(1, len(words) // 3))
    if rng.random() < 0.5:
        return " ".join(words[lost:]) + "\n" + part
    return part + "\n" + " ".join(words[:-lost])


def wrapped_goals(pool: Pool, n: int) -> list[Row]:
    """Wrapped goals by themselves; also from a user who pasted them, or unknown."""
    rng = pool.rng("wrapped_goals")
    out = []
    for _ in range(n):
        goal, group = pool.goal(rng)
        text, family = pool.wrapped(goal, rng)
        channel = "unknown" if rng.random() < 0.2 else "tool_result"
        label = "override" if family in ("override_in_data", "new_task") and channel == "unknown" else "embedded"
        out.append(row(text, channel, label, "own-goals", group, f"wrapped/{family}"))
    return out


def pasted(pool: Pool, n: int) -> list[Row]:
    """A user pastes a document in which somebody has hidden a wrapped goal."""
    rng = pool.rng("pasted")
    out = []
    for _ in range(n):
        goal, group = pool.goal(rng)
        text, family = pool.wrapped(goal, rng)
        if family in ("polite_ask", "user_voice", "fake_user", "urgency", "urgent", "signature_metadata"):
            continue
        doc, sort = pool.carrier(rng)
        body = carriers.insert(text, doc, sort, min(210, size(rng) + tokens(text)), rng)
        body = counterfactual.pasted(body, rng)
        if tokens(body) <= MAX_TOKENS + 15:
            out.append(row(body, _user_like(rng), "embedded", f"own-goals+{sort}", group, f"pasted/{family}"))
    return out


def public_tasks(pool: Pool, copies: float) -> list[Row]:
    """PIArena tasks, TaskTracker triggers with tasks, and trivia, alone and in carriers."""
    rng = pool.rng("public_tasks")
    out = []
    triggers = pool.texts["trigger_phrase"]
    for name in ("pia", "trivia", "trigger_phrase"):
        for text, group in pool.texts[name]:
            for k in range(2):
                if rng.random() > copies:
                    continue
                body, kind = text, name
                if name == "trigger_phrase":
                    body += rng.choice([" ", "\n", ": "]) + (pool.goal(rng)[0] if rng.random() < 0.6 or not pool.texts["trivia"] else rng.choice(pool.texts["trivia"])[0])
                elif triggers and rng.random() < 0.15:
                    body, kind = rng.choice(triggers)[0] + " " + text, name + "+trigger"
                if rng.random() < (0.62 if name != "trivia" else 0.5):
                    doc, sort = pool.carrier(rng)
                    body = carriers.insert(body, doc, sort, min(MAX_TOKENS, size(rng) + tokens(body)), rng)
                    kind += "_in"
                if tokens(body) <= MAX_TOKENS + 15:
                    channel = "unknown" if name == "trigger_phrase" and rng.random() < 0.15 else "tool_result"
                    out.append(row(body, channel, "embedded", {"pia": "injected_tasks", "trivia": "trivia_tasks", "trigger_phrase": "trigger_phrases"}[name], group, kind))
    return out


def overrides_in_data(pool: Pool, n: int) -> list[Row]:
    """Overrides inside tool results and tool arguments."""
    rng = pool.rng("overrides_in_data")
    rows = [r for r in own_overrides(pool, n) + seed_attacks(pool, "override", "override", n // 2) if len(r.text) < 500]
    rng.shuffle(rows)
    out = []
    for r in rows[:n]:
        if rng.random() < 0.22:
            text = json.dumps({rng.choice(["query", "message", "text", "body", "prompt", "content", "comment", "q", "input"]): r.text, **({"limit": rng.randint(1, 20)} if rng.random() < 0.4 else {})})
            out.append(row(text, "tool_call", "override", r.source, r.group, "override_in_call"))
            continue
        doc, sort = pool.carrier(rng)
        text = carriers.insert(r.text, doc, sort, min(MAX_TOKENS, size(rng) + tokens(r.text)), rng)
        if tokens(text) <= MAX_TOKENS + 15:
            out.append(row(text, "tool_result" if rng.random() < 0.85 else _user_like(rng), "override", f"{r.source}+{sort}", r.group, "override_in"))
    return out


def seed_calls(pool: Pool, copies: int) -> list[Row]:
    """Hand-written tool arguments, harmless and not: their labels are given."""
    rng = pool.rng("seed_calls")
    out = []
    for seed in pool.seeds.get("tool_calls", pool.side):
        for _ in range(copies):
            out.append(row(fill_goal(pool, seed, rng), "tool_call", seed.label or "benign", "seeds", seed.group, f"seed_calls/{seed.family}"))
    return out


def poisoned_tools(pool: Pool, n: int) -> list[Row]:
    """Tool descriptions with orders to the agent."""
    rng = pool.rng("poisoned_tools")
    seeds = pool.seeds.get("tool_poison", pool.side)
    templates = [t for i, t in enumerate(attacks.POISON) if (i % 9 == 4) == (pool.side == "dev")]
    out = []
    for _ in range(n):
        tool, text, _ = rng.choice(pool.descriptions)
        other = rng.choice(pool.descriptions)[0]
        if seeds and rng.random() < 0.55:
            seed = rng.choice(seeds)
            body = fill_goal(pool, replace(seed, text=seed.text.replace("{tool2}", other).replace("{tool}", tool)), rng)
            body = body if text in body or rng.random() < 0.2 else f"{text} {body}"
            group = seed.group
        elif rng.random() < 0.25:
            goal, group = pool.goal(rng)
            goal = pool.wrapped(goal, rng)[0] if rng.random() < 0.6 else f"{rng.choice(['After', 'Before', 'Whenever'])} calling {tool}: {goal}"
            body = f"{text} {goal}" if rng.random() < 0.8 else f"{goal} {text}"
        else:
            template = rng.choice(templates)
            body, _ = attacks.describe(template, text, tool, other, rng)
            group = "poison:" + template[:60]
        if tokens(body) <= MAX_TOKENS:
            out.append(row(body, "tool_description" if rng.random() < 0.93 else "unknown", "embedded", "tool_descriptions", group, "poisoned_tool"))
    return out
