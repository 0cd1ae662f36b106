"""The harmless rows of one side: what users ask, tools say, and systems order."""

from __future__ import annotations

import json
import random

from . import attacks, counterfactual, i18n, people, personas, sources
from .attack_rows import own_overrides
from .noise import TRANSFORMS
from .pools import Pool, row
from .row import Row, digest
from .split import MAX_TOKENS, size, tokens, window

# Source -> share of its rows to take (user channel).
USER = {"chat_benign": 1.0, "tool_user_requests": 0.36, "toolformer_requests": 0.3, "roleplay_requests": 0.6, "harmful_topics": 0.6, "security_questions": 0.5,
        "instruction_tasks": 0.5, "jackhhao_benign": 1.0, "persona_prompts": 0.9, "airline_user": 0.7, "garak": 1.0, "personas_long": 0.5}


def _user_like(rng: random.Random, unknown: float = 0.14) -> str:
    return "unknown" if rng.random() < unknown else "user"


def user_sources(pool: Pool) -> list[Row]:
    """Real requests; the long ones by a window, most often the beginning."""
    rng = pool.rng("user_sources")
    out = []
    for name, share in USER.items():
        for text, group in pool.texts[name]:
            if rng.random() > share:
                continue
            if tokens(text[:3000]) > MAX_TOKENS:
                at = (0, 1) if name != "personas_long" and rng.random() < 0.55 else None
                text = window(text, rng.choice([MAX_TOKENS, MAX_TOKENS, 150, 100]), rng, at)
            out.append(row(text, _user_like(rng), "benign", name, group, f"user:{name}"))
    return out


def triggers(pool: Pool, n: int) -> list[Row]:
    """Trigger words in honest requests."""
    rng = pool.rng("triggers")
    out = []
    for _ in range(n):
        text, base = counterfactual.trigger(rng)
        out.append(row(text, _user_like(rng, 0.2), "benign", "own-triggers", "trigger:" + base[:60], "trigger_word"))
    return out


def own_personas(pool: Pool, n: int) -> list[Row]:
    """Personas in the frames of jailbreaks that shed no rule."""
    rng = pool.rng("own_personas")
    out = []
    for _ in range(n):
        text = personas.harmless(rng)
        channel = _user_like(rng, 0.15) if rng.random() < 0.9 else "system"
        out.append(row(text, channel, "benign", "own-personas", f"persona:{' '.join(text.split()[:9])}", "persona"))
    return out


def seed_benign(pool: Pool, copies: int) -> list[Row]:
    """Hand-written hard negatives, in the channel they name."""
    rng = pool.rng("seed_benign")
    out = []
    channel_of = {"user_benign": "user", "system_benign": "system", "tool_benign": "tool_description", "data_benign": "tool_result", "model_benign": "unknown"}
    for stem, default in channel_of.items():
        for seed in pool.seeds.get(stem, pool.side):
            for _ in range(copies if "{" in seed.text else 1):
                text = pool.seeds.fill(seed.text, rng, lambda: pool.goal(rng)[0])
                channel = seed.channel or default
                if channel == "user":
                    channel = _user_like(rng, 0.18)
                lang = "" if seed.lang == "en" else f"/{seed.lang}"
                out.append(row(window(text, MAX_TOKENS, rng, (0, 1)), channel, "benign", "seeds", seed.group, f"seed_{seed.file}/{seed.family}{lang}"))
    return out


def seed_documents(pool: Pool, n: int) -> list[Row]:
    """Several hand-written harmless texts of a family together."""
    rng = pool.rng("seed_documents")
    out = []
    for _ in range(n if pool.data_seeds else 0):
        text, group = pool.seed_document(rng)
        out.append(row(window(text, MAX_TOKENS, rng), "tool_result", "benign", "seeds", group, "seed_document"))
    return out


def other_languages(pool: Pool, n: int) -> list[Row]:
    """Harmless requests and data in other languages, framed like the English ones."""
    rng = pool.rng("other_languages")
    out = []
    for _ in range(n):
        lang = rng.choice(sorted(i18n.USER))
        if rng.random() < 0.5:
            base = rng.choice(people.lines_of(i18n.USER[lang], rng))
            out.append(row(people.fill(base, rng), _user_like(rng), "benign", "own-i18n", f"i18n:{base[:60]}", f"i18n_user/{lang}"))
        else:
            lines = people.lines_of(i18n.DATA[lang], rng)
            picked = rng.sample(lines, min(len(lines), rng.randint(1, 4)))
            text = rng.choice(["\n", " ", "\n\n"]).join(people.fill(x, rng) for x in picked)
            out.append(row(text, "tool_result", "benign", "own-i18n", f"i18n:{picked[0][:60]}", f"i18n_data/{lang}"))
    return out


def user_goals(pool: Pool, n: int) -> list[Row]:
    """The counterfactual of `bare_goals`: the user may ask for all of it."""
    rng = pool.rng("user_goals")
    out = []
    for _ in range(n):
        goal, group = pool.goal(rng)
        if sources.SECRET_GOAL.search(goal) and rng.random() < 0.85:
            continue
        if rng.random() < 0.15:
            goal += rng.choice([" ", "\n", " Then "]) + pool.goal(rng)[0]
        channel = "user" if rng.random() < 0.88 else "system"
        out.append(row(goal, channel, "benign", "own-goals", group, "user_goal" if channel == "user" else "system_goal"))
    for text, group in pool.texts["trivia"]:
        out.append(row(text, "user", "benign", "trivia_tasks", group, "user_trivia"))
    for text, group in pool.texts["pia"]:
        if rng.random() < 0.25 and not sources.POSING.search(text):
            out.append(row(text, "user", "benign", "injected_tasks", group, "user_task"))
    return out


def pasted(pool: Pool, n: int) -> list[Row]:
    """A user pastes a clean document."""
    rng = pool.rng("benign_pasted")
    out = []
    for _ in range(n):
        doc, sort = pool.carrier(rng)
        if len(doc) < 30:
            continue
        body = counterfactual.pasted(window(doc, min(200, size(rng) + 20), rng), rng)
        out.append(row(body, _user_like(rng), "benign", f"own+{sort}", f"pasted:{digest(body)}", f"user_pasted:{sort}"))
    return out


def quotes(pool: Pool, n: int) -> list[Row]:
    """Attacks quoted by people who write about them; few of them in tool results."""
    rng = pool.rng("quotes")
    out = []
    for r in own_overrides(pool, n):
        attack = r.text.replace("\n", " ")[:160]
        text = counterfactual.quoting(attack, rng)
        channel = "tool_result" if rng.random() < 0.2 else "user"
        out.append(row(text, channel, "benign", "own-quotes", r.group, "quoted_attack"))
    return out


def documents(pool: Pool, n: int) -> list[Row]:
    """Windows of recorded and machine documents."""
    rng = pool.rng("documents")
    out = []
    for _ in range(n):
        d = pool.document(rng)
        text = window(d.text, size(rng), rng)
        if len(text) > 2:
            channel = "unknown" if rng.random() < 0.1 else "tool_result"
            out.append(row(text, channel, "benign", f"machine:{d.sort}", d.name, f"doc:{d.sort}"))
    for text, group in pool.texts["airline_tool"]:
        out.append(row(window(text, MAX_TOKENS, rng), "tool_result", "benign", "airline_agent_turns", group, "doc:airline"))
    return out


def everyday(pool: Pool, n: int) -> list[Row]:
    """Invented mail, chats, tickets and the like; people ask each other for things."""
    rng = pool.rng("everyday")
    weights = {"email": 6, "short_note": 6, "chat": 3, "reviews": 2, "tickets": 3, "todo": 3, "recipe": 1, "faq": 3, "readme": 3, "news": 2, "policy": 2, "bank": 2, "table": 2, "search": 2, "calendar": 2, "status": 4}
    out = []
    for _ in range(n):
        kind = rng.choices(list(weights), list(weights.values()))[0]
        text = people.KINDS[kind](rng)
        if kind == "email" and rng.random() < 0.15:
            text += "\n\n" + people.email(rng)
        text = window(text, MAX_TOKENS if rng.random() < 0.7 else size(rng), rng)
        channel = "unknown" if rng.random() < 0.08 else "tool_result"
        out.append(row(text, channel, "benign", "own-everyday", f"everyday:{digest(text)}", f"everyday:{kind}"))
    return out


def tool_descriptions(pool: Pool, n_honest: int, share: float) -> list[Row]:
    """Tool descriptions as they are, and with legitimate imperatives."""
    rng = pool.rng("tool_descriptions")
    out = []
    for tool, text, group in pool.descriptions:
        if rng.random() < share:
            body = text if rng.random() < 0.6 else f"{tool}: {text}"
            out.append(row(window(body, MAX_TOKENS, rng, (0, 1)), "tool_description" if rng.random() < 0.93 else "unknown", "benign", "tool_descriptions", group, "tool_description"))
    for tool, text, server in pool.mcp_tools:
        for _ in range(3):
            out.append(row(window(text, MAX_TOKENS, rng, (0, 1) if rng.random() < 0.6 else None), "tool_description", "benign", "mcp_tools", f"mcp:{server}:{tool}", "mcp_description"))
    for text, group in pool.parameters:
        if rng.random() < 0.09 * share:
            out.append(row(text, "tool_description", "benign", "tool_descriptions", group, "parameter_description"))
    templates = [t for i, t in enumerate(attacks.HONEST) if (i % 8 == 3) == (pool.side == "dev")]
    for _ in range(n_honest):
        tool, text, _ = rng.choice(pool.descriptions)
        other = rng.choice(pool.descriptions)[0]
        template = rng.choice(templates)
        body, _ = attacks.describe(template, text, tool, other, rng)
        if rng.random() < 0.25:
            body, _ = attacks.describe(rng.choice(templates), body, tool, other, rng)
        out.append(row(window(body, MAX_TOKENS, rng), "tool_description", "benign", "tool_descriptions", "honest:" + template[:60], "honest_imperative"))
    return out


def system_prompts(pool: Pool, n: int, airline: int) -> list[Row]:
    """System prompts: they give orders, and speak of ignoring and revealing."""
    rng = pool.rng("system_prompts")
    out = []
    for _ in range(n):
        text = counterfactual.system_prompt(rng)
        out.append(row(window(text, MAX_TOKENS, rng), "system", "benign", "own-system", f"system:{digest(text)}", "system_prompt"))
    for text, group in pool.texts["persona_prompts"]:
        if rng.random() < 0.4:
            out.append(row(window(text, rng.choice([MAX_TOKENS, 120]), rng, (0, 1) if rng.random() < 0.5 else None), "system", "benign", "persona_prompts", group, "system_persona"))
    policy = [r["text"] for r in pool.base.raw["airline_agent_turns"] if r["channel"] == "system"]
    for text in policy if pool.side == "train" else []:
        out += [row(window(text, size(rng), rng), "system", "benign", "airline_agent_turns", "airline_policy", "system_policy") for _ in range(airline)]
    return out


def tool_calls(pool: Pool, n: int) -> list[Row]:
    """Arguments of tool calls, recorded or with a goal of the user's in them."""
    rng = pool.rng("tool_calls")
    out = []
    for text, group in rng.sample(pool.calls, min(n, len(pool.calls))):
        out.append(row(window(text, MAX_TOKENS, rng), "tool_call", "benign", "sessions", group, "tool_call"))
    for _ in range(n // 2):
        goal, group = pool.goal(rng)
        if rng.random() < 0.5:
            goal, group = people.short_note(rng), "everyday:call"
        args = {rng.choice(["query", "message", "text", "body", "instruction", "content", "task", "comment"]): goal, **({"to": people.fill("{email}", rng)} if rng.random() < 0.5 else {})}
        out.append(row(json.dumps(args), "tool_call", "benign", "own-calls", group if group.startswith(("goal", "seed")) else f"call:{digest(goal)}", "tool_call_text"))
    return out


def ciphers(pool: Pool, rows: list[Row], n: int) -> list[Row]:
    """Short rows of either class behind a cipher or spelling, drawn alike from both."""
    rng = pool.rng("ciphers")
    names = ["rot13"] * 4 + ["reversed"] * 3 + ["spaced_letters"] * 3 + ["leet"] * 3 + ["pig_latin"] * 2 + ["no_spaces"] * 2 + ["base64"] + ["split_words"] * 2 + ["diacritics"] * 2
    short = {True: [], False: []}
    for r in rows:
        if len(r.text) < 170 and ":" not in r.kind[:6] and r.text.isascii():
            short[r.label == "benign"].append(r)
    out = []
    for i in range(n):
        r = rng.choice(short[rng.random() < 0.6])
        name = rng.choice(names)
        text = TRANSFORMS[name](r.text, rng)
        if tokens(text) <= MAX_TOKENS:
            out.append(row(text, r.channel, r.label, r.source, r.group, f"noise:{name}"))
    return out
