"""Sets that exist for development only, and the long documents."""

from __future__ import annotations

import random

from . import attack_rows, attacks, carriers, people
from .noise import TRANSFORMS
from .pools import Pool, row
from .row import Row, digest
from .split import MAX_TOKENS, size, tokens, window

ATTACK_BASE = 300


def public(pool: Pool) -> list[Row]:
    """XSTest, BIPIA's training payloads bare and in mails, and the clean mails."""
    rng = pool.rng("dev_public")
    raw = pool.base.raw
    out = [row(r["text"], "user", "benign", "dev_xstest", f"xstest:{digest(r['text'])}", f"xstest_{r.get('note', '')}".rstrip("_")) for r in raw["dev_xstest"]]
    mails = raw.texts("dev_email_contexts")
    for mail in mails:
        out.append(row(window(mail, MAX_TOKENS, rng), "tool_result", "benign", "dev_email_contexts", f"mail:{digest(mail)}", "dev_email_clean"))
    for name, kind in (("dev_bipia_text_payloads", "bipia_text"), ("dev_bipia_code_payloads", "bipia_code")):
        for r in raw[name]:
            group = f"bipia:{digest(r['text'])}"
            text = window(r["text"], MAX_TOKENS, rng, (0, min(len(r["text"]), 300)))
            out.append(row(text, "tool_result", "embedded", name, group, f"{kind}_bare"))
            for where in range(3):
                doc, sort = (rng.choice(mails), "mail") if where < 2 else pool.carrier(rng, rng.choice(["table", "news", "search"]))
                body = carriers.insert(text, doc, sort, min(MAX_TOKENS, tokens(text) + size(rng)), rng)
                out.append(row(window(body, MAX_TOKENS + 15, rng), "tool_result", "embedded", name, group, f"{kind}_in_{sort}"))
    return out


def held_out_forms(pool: Pool, n: int) -> list[Row]:
    """The wrapper family and the carrier that training never sees."""
    rng = pool.rng("held_out_forms")
    out = []
    for _ in range(n):
        goal, group = pool.goal(rng)
        out.append(row(attacks.wrap(goal, attacks.DEV_FAMILY, rng), "tool_result", "embedded", "own-goals", group, "held_out_wrapper"))
        bare = rng.random() < 0.5
        text = goal if bare else pool.wrapped(goal, rng)[0]
        doc = people.calendar(rng)
        body = carriers.insert(text, doc, "calendar", MAX_TOKENS, rng)
        out.append(row(body, "tool_result", "embedded", "own-goals+calendar", group, "held_out_carrier_bare" if bare else "held_out_carrier_wrapped"))
        clean = people.calendar(rng)
        out.append(row(clean, "tool_result", "benign", "own-everyday", f"everyday:{digest(clean)}", "held_out_carrier_clean"))
    return out


def transforms(pool: Pool, rows: list[Row]) -> list[Row]:
    """The same attacks, plain and under every transform; and harmless rows likewise."""
    rng = pool.rng("transforms")
    short = [r for r in rows if 20 < len(r.text) < 260 and not r.kind.startswith("noise") and r.text.isascii()]
    bad = [r for r in short if r.label != "benign" and r.kind.split("/")[0].split(":")[0] not in ("bare_goal", "bare_goals", "trivia", "poisoned_tool")]
    good = [r for r in short if r.label == "benign" and r.channel in ("user", "tool_result")]
    bad, good = rng.sample(bad, min(ATTACK_BASE, len(bad))), rng.sample(good, min(ATTACK_BASE, len(good)))
    out = []
    for sort, base in (("transform", bad), ("transform_benign", good)):
        out += [row(r.text, r.channel, r.label, r.source, r.group, f"{sort}:none") for r in base]
        for name, change in TRANSFORMS.items():
            own = random.Random(f"transform:{name}")
            out += [row(change(r.text, own), r.channel, r.label, r.source, r.group, f"{sort}:{name}") for r in base]
    return out


def _long_clean(pool: Pool, length: int, rng: random.Random) -> tuple[str, str, str]:
    """A clean text of about `length` characters: one document, or many short ones joined."""
    if rng.random() < 0.7:
        for _ in range(30):
            d = pool.document(rng)
            if len(d.text) >= length * 0.8:
                at = rng.randint(0, max(0, len(d.text) - length))
                return d.text[at:at + length], d.sort, d.name
    parts, total, kind = [], 0, rng.choice(["email", "news", "reviews", "tickets", "faq", "chat", "search", "policy", "readme", "bank", "table", "session", "article"])
    while total < length:
        text = pool.carrier(rng, kind if kind in people.KINDS or kind in pool.by_sort else "email")[0][:length]
        parts.append(text)
        total += len(text) + 2
    return "\n\n".join(parts)[:length], f"joined_{kind}", f"joined:{digest(parts[0])}"


def long_documents(pool: Pool, clean: int, attacked: int) -> list[Row]:
    """Long clean documents of about 4,000 and 16,000 characters, and some with one attack."""
    rng = pool.rng("long_documents")
    out = []
    for i in range(clean):
        length = (4000, 16_000)[i % 2]
        text, sort, name = _long_clean(pool, length, rng)
        out.append(row(text, "tool_result", "benign", f"machine:{sort}", name, f"long_clean:{length // 1000}k:{sort}"))
    for i in range(attacked):
        length = (4000, 16_000)[i % 2]
        text, sort, _ = _long_clean(pool, length, rng)
        goal, group = pool.goal(rng)
        kind = "bare"
        if i % 4 >= 2:
            kind, goal = "wrapped", pool.wrapped(goal, rng)[0]
            if rng.random() < 0.3:
                kind, goal = "override", attack_rows.own_overrides(pool, 40)[rng.randrange(40)].text
        at = text.find("\n", rng.randint(len(text) // 5, len(text) * 4 // 5))
        at = at + 1 if at > 0 else len(text) // 2
        body = text[:at] + goal + "\n" + text[at:]
        out.append(row(body, "tool_result", "override" if kind == "override" else "embedded", f"machine:{sort}", group, f"long_attack:{length // 1000}k:{kind}"))
    return out
