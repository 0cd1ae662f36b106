"""Puts a text into a document at a random place, in the way its sort allows."""

from __future__ import annotations

import json
import random
import re

from .split import tokens, window


def insert(text: str, doc: str, sort: str, size: int, rng: random.Random) -> str:
    """At most `size` tokens of `doc` with `text` inside; `text` is kept whole."""
    stripped = doc.lstrip()
    if stripped.startswith(("{", "[")) and rng.random() < 0.85:
        out = _in_json(text, doc, rng)
        if out:
            body, at = out
            return window(body, size, rng, at)
    room = max(12, size - tokens(text))
    part = window(doc, room, rng)
    if sort in ("python", "rust", "shell") and rng.random() < 0.6:
        return _in_code(text, part, sort, rng)
    if "<" in part and ("</" in part or sort == "html") and rng.random() < 0.7:
        return _in_html(text, part, rng)
    if sort == "table" or part.count(",") > 12 or part.count("|") > 8:
        done = _in_table(text, part, rng)
        if done:
            return done
    return _in_prose(text, part, rng)


def _leaves(value, path=()):
    if isinstance(value, dict):
        for k, v in value.items():
            yield from _leaves(v, (*path, k))
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from _leaves(v, (*path, i))
    elif isinstance(value, str) and path:
        yield path, value


_PROSE_KEYS = {"body", "text", "description", "title", "message", "content", "summary", "note", "subject", "snippet", "comment", "name", "bio", "location", "word"}


def _in_json(text: str, doc: str, rng: random.Random) -> tuple[str, tuple[int, int]] | None:
    try:
        value = json.loads(doc)
    except ValueError:
        return None
    leaves = [(p, v) for p, v in _leaves(value) if not v.startswith("http")]
    if not leaves:
        return None
    prose = [(p, v) for p, v in leaves if str(p[-1]).lower() in _PROSE_KEYS or " " in v]
    path, old = rng.choice(prose if prose and rng.random() < 0.85 else leaves)
    how = rng.random()
    new = text if how < 0.35 or not old else (f"{old} {text}" if how < 0.7 else f"{text} {old}" if how < 0.85 else f"{old}\n\n{text}")
    node = value
    for step in path[:-1]:
        node = node[step]
    node[path[-1]] = new
    ascii_only = rng.random() < 0.5
    body = json.dumps(value, indent=2 if "\n" in doc[:40] else None, ensure_ascii=ascii_only)
    needle = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
    at = body.find(needle)
    if at < 0:
        return None
    return body, (at, at + len(needle))


def _in_code(text: str, part: str, sort: str, rng: random.Random) -> str:
    lines = part.split("\n")
    at = rng.randint(0, len(lines))
    mark = {"python": "# ", "rust": "// ", "shell": "# "}[sort]
    if sort == "python" and rng.random() < 0.2:
        lines.insert(at, f'    """{text}"""')
    elif sort == "rust" and rng.random() < 0.3:
        lines.insert(at, f"/* {text} */")
    else:
        lines[at:at] = [mark + rng.choice(["", "", "", "TO" "DO: ", "NOTE: "]) + x for x in text.split("\n")]
    return "\n".join(lines)


def _in_html(text: str, part: str, rng: random.Random) -> str:
    gaps = [m.end() for m in re.finditer(r"</?(p|div|li|td|h\d|ul|span|tr|a|dd|dt)\b[^>]*>", part)]
    at = rng.choice(gaps) if gaps else rng.randint(0, len(part))
    inner = rng.choice([text, text, f"<p>{text}</p>", f"<div>{text}</div>", f"<li>{text}</li>", f"<b>{text}</b>"])
    return part[:at] + inner + part[at:]


def _in_table(text: str, part: str, rng: random.Random) -> str | None:
    lines = part.split("\n")
    at = rng.randrange(len(lines))
    sep = "|" if lines[at].count("|") > 1 else ","
    cells = lines[at].split(sep)
    if len(cells) < 2:
        return None
    i = rng.randrange(1 if sep == "|" else 0, len(cells))
    quoted = text.replace("\n", " ")
    if sep == "," and "," in quoted:
        quoted = '"' + quoted.replace('"', '""') + '"'
    cells[i] = f" {quoted} " if sep == "|" else quoted
    lines[at] = sep.join(cells)
    return "\n".join(lines)


def _in_prose(text: str, part: str, rng: random.Random) -> str:
    how = rng.random()
    if how < 0.22:
        return part.rstrip() + rng.choice(["\n\n", " ", "\n", "\n\n\n", "\n---\n"]) + text
    if how < 0.36:
        return text + rng.choice(["\n\n", " ", "\n", "\n---\n"]) + part.lstrip()
    gaps = [m.end() for m in re.finditer(r"[.!?:;]\s+|\n+", part)]
    if how < 0.75 and gaps:
        gaps = [m.end() for m in re.finditer(r"\n+", part)] or gaps
    at = rng.choice(gaps) if gaps else len(part)
    tail = part[at:]
    glue = rng.choice([" ", "\n", "\n\n"]) if tail else ""
    lead = "" if not part[:at] or part[at - 1].isspace() else " "
    return part[:at] + lead + text + glue + tail
