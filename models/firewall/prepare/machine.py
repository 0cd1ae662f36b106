"""Documents found on any Debian machine with the tool chains installed, and
the recorded tool results of the compression data: carriers and long texts."""

from __future__ import annotations

import gzip
import html
import json
import random
import re
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

from .sources import read


@dataclass(frozen=True)
class Document:
    """A harmless text: what sort it is, and the name its group is keyed by."""

    text: str
    sort: str
    name: str


def _text(path: Path, limit: int = 400_000) -> str:
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    return data[:limit].decode("utf-8", "replace")


def _take(paths: list[Path], n: int, rng: random.Random, sort: str, least: int = 300, clean=lambda t: t) -> list[Document]:
    paths = sorted(paths)
    rng.shuffle(paths)
    out: list[Document] = []
    for path in paths:
        if len(out) == n:
            break
        try:
            text = clean(_text(path))
        except (OSError, EOFError, gzip.BadGzipFile):
            continue
        if len(text) >= least and text.count("\ufffd") < 5:
            # Package and file name only: no path of the machine leaves here.
            out.append(Document(text, sort, f"{sort}:{path.parent.name}/{path.name}"))
    return out


_ROFF = re.compile(r"^\.\\\".*$|^\.(de|ie|el|if|nr|ds|tr|ad|hy|nh|na|ne|in|ti|so|ft)\b.*$|^'.*$", re.M)


def _man(text: str) -> str:
    text = _ROFF.sub("", text)
    text = re.sub(r"^\.(SH|SS|TH)\s*\"?(.*?)\"?$", r"\n\2", text, flags=re.M)
    text = re.sub(r"^\.\w+ ?", "    ", text, flags=re.M)
    text = re.sub(r"\\f[BIRP1-4]|\\f\(..|\\&|\\s[+-]?\d|\\m\[.*?\]|\\%|\\c$", "", text)
    text = re.sub(r"\\\(..|\\\[\w+\]", "'", text).replace("\\-", "-").replace("\\ ", " ").replace("\\e", "\\")
    return re.sub(r"\n{3,}", "\n\n", text)


def strip_tags(page: str) -> str:
    page = re.sub(r"(?is)<(script|style|noscript)\b.*?</\1>|<!--.*?-->", " ", page)
    page = re.sub(r"(?i)</(p|div|li|h\d|tr|br)>|<br\s*/?>", "\n", page)
    return re.sub(r"[ \t]+", " ", re.sub(r"\n\s*\n+", "\n\n", html.unescape(re.sub(r"<[^>]+>", "", page)))).strip()


LANGUAGES = ("de", "fr", "es", "it", "pt", "pt_BR", "nl", "pl", "ru", "zh_CN", "ja", "ko", "tr", "sv", "cs", "uk", "hu")


def debian(rng: random.Random, scale: int) -> list[Document]:
    """Man pages, package documents, changelogs, Python and Rust sources, logs."""
    doc, man = Path("/usr/share/doc"), Path("/usr/share/man")
    std = Path(sysconfig.get_paths()["stdlib"])
    crates = Path.home() / ".cargo/registry/src"
    out = []
    out += _take([*man.glob("man1/*.gz"), *man.glob("man5/*.gz"), *man.glob("man8/*.gz")], 3 * scale, rng, "man", clean=_man)
    out += _take([p for lang in LANGUAGES for p in man.glob(f"{lang}/man[158]/*.gz")], scale, rng, "man_i18n", clean=_man)
    out += _take([*doc.glob("*/changelog*.gz"), *doc.glob("*/NEWS*.gz")], scale, rng, "changelog")
    out += _take([*doc.glob("*/README*"), *doc.glob("*/TO" "DO*"), *doc.glob("*/FAQ*"), *doc.glob("*/NEWS")], scale, rng, "readme")
    out += _take([*doc.glob("*/copyright")], scale // 4, rng, "licence")
    out += _take([*doc.glob("**/*.html")], scale, rng, "html")
    out += _take([*doc.glob("nodejs/api/*.html")], scale // 4, rng, "manual", clean=strip_tags)
    out += _take([p for p in std.glob("*.py")] + [p for d in ("email", "http", "asyncio", "json", "logging", "unittest") for p in (std / d).glob("*.py")], scale, rng, "python")
    out += _take([*crates.glob("*/*/src/**/*.rs")], scale, rng, "rust")
    out += _take([*crates.glob("*/*/*.md")], 2 * scale, rng, "markdown")
    out += _take([p for p in Path("/var/log").glob("*.log")] + [*Path("/var/log").glob("apt/*.log")], 10, rng, "log")
    return out


def _pieces(value, depth: int = 0):
    """Objects inside a JSON value that are worth a row of their own."""
    if isinstance(value, dict):
        if depth and len(value) >= 4:
            yield value
        for child in value.values():
            yield from _pieces(child, depth + 1)
    elif isinstance(value, list):
        for child in value[:3]:
            yield from _pieces(child, depth + 1)


def _messages(rows: list[dict]):
    for i, row in enumerate(rows):
        for m in row.get("messages", []):
            yield i, m


def recorded(folder: Path, rng: random.Random) -> list[Document]:
    """Tool results from the compression data: APIs, web pages, agents' sessions."""
    out = []
    for name in ("api_responses_github", "webhook_payloads_github"):
        for row in read(folder / f"{name}.jsonl.gz"):
            out.append(Document(json.dumps(row["json"], indent=rng.choice([None, 2])), "json", f"{name}:{row['path']}"))
            for i, piece in enumerate(_pieces(row["json"])):
                if i < 6:
                    out.append(Document(json.dumps(piece, indent=rng.choice([None, None, 2])), "json", f"{name}:{row['path']}"))
    for row in read(folder / "web_pages.jsonl.gz"):
        out.append(Document(row["article"] if isinstance(row["article"], str) else strip_tags(row["html"]), "article", f"web:{row['id'][:12]}"))
        out.append(Document(strip_tags(row["html"])[:40_000], "web", f"web:{row['id'][:12]}"))
        body = re.sub(r"(?is)<(script|style)\b.*?</\1>", "", row["html"])
        out.append(Document(body[body.find("<body"):][:60_000], "html", f"web:{row['id'][:12]}"))
    for name in ("agent_sessions_airline", "agent_sessions_livemcp"):
        for i, m in _messages(read(folder / f"{name}.jsonl.gz")):
            if m.get("role") == "tool" and isinstance(m.get("content"), str) and len(m["content"]) > 2:
                out.append(Document(m["content"][:60_000], "session", f"{name}:{i}"))
    for row in read(folder / "coding_sessions_swe_agent.jsonl.gz"):
        for step in row["trajectory"] or []:
            if len(step.get("observation") or "") > 20:
                out.append(Document(step["observation"][:40_000], "shell", f"swe:{row['path']}"))
    return [d for d in out if d.text.strip()]


def tool_calls(folder: Path) -> list[tuple[str, str]]:
    """Arguments of recorded tool calls, with their group."""
    out = []
    for name in ("agent_sessions_airline", "agent_sessions_livemcp"):
        for i, m in _messages(read(folder / f"{name}.jsonl.gz")):
            for call in m.get("tool_calls") or []:
                arguments = (call.get("function") or {}).get("arguments")
                if isinstance(arguments, str) and len(arguments) > 4:
                    out.append((arguments, f"{name}:{i}"))
    for row in read(folder / "coding_sessions_swe_agent.jsonl.gz"):
        out += [(json.dumps({"command": s["action"]}), f"swe:{row['path']}") for s in row["trajectory"] or [] if s.get("action")]
    return out


def tools(folder: Path) -> list[tuple[str, str, str]]:
    """(tool, description, server) of the recorded MCP catalogues."""
    out = [(r["name"], r["description"], "github") for r in read(folder / "mcp_tools_github.jsonl.gz") if r.get("description")]
    for server in read(folder / "mcp_tools_many_servers.jsonl.gz"):
        for part in (server.get("tools") or {}).values():
            out += [(t["name"], t["description"], server["name"]) for t in part.get("tools", []) if t.get("description")]
    return out


if __name__ == "__main__":
    docs = debian(random.Random(0), 20) + recorded(Path(sys.argv[1]), random.Random(0))
    counts: dict[str, int] = {}
    for d in docs:
        counts[d.sort] = counts.get(d.sort, 0) + 1
    print(counts)
