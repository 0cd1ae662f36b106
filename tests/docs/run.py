"""Checks what the manuals say: links, configurations, rules, command lines, JSON, Python and TOML in README.md and docs/.

    SALLYPORT_BIN=target/debug/sallyport python3 tests/docs/run.py [PAGE…]

A block is checked by the word after its ```:

    yaml    with a key of the configuration: `sallyport check` accepts it, what it leaves out being filled in
    rego    compiles, and tests pass with the rules of the block before; without a `package` it is taken for a part of a
            team's rules; `rego,continued` goes on from the block before
    sh      each `sallyport …` in it parses: its commands and options exist
    json    parses; `…` stands for what is left out
    python, toml   parse

What cannot be checked is in EXEMPT, with the reason.
"""

import ast
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
TOP = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md"]
FOLDERS = ["docs", "examples", "helm", "deploy"]
SKIPPED = {"node_modules", "target", "book"}
# Blocks that no check here can judge: what their page is called or a line in them, their kind, and why.
EXEMPT = [
    ("docs/kubernetes.md", "yaml", "values of the chart, and Kubernetes' own: tests/helm"),
    ("helm/", "yaml", "values of the chart, and Kubernetes' own: tests/helm"),
    ("apiVersion: ", "yaml", "Kubernetes' own: tests/helm"),
    ("services:\n", "yaml", "Compose's own: tests/deploy"),
    ("scrape_configs:\n", "yaml", "Prometheus' own: tests/deploy"),
    ("receivers:\n", "yaml", "the OTLP collector's own: tests/deploy"),
    ("uses: actions/", "yaml", "a workflow of a forge"),
]
STAND_IN = "stand-in-0123456789abcdef0123456789abcdef"
FILLED = {
    "upstreams": "upstreams: {openai: {url: 'http://127.0.0.1:1', speaks: openai}}",
    "policies": "policies: policies",
    "keys": f"keys: [{{name: docs, team: docs, agent: docs, sha256: '{'0' * 64}'}}]",
}
COMMAND_SECONDS = 60


class Block:
    """What stands between two lines of ```."""

    def __init__(self, page, line, kind):
        self.page, self.line, self.kind, self.lines = page, line, kind, []
        self.before = ""  # the block of rules before it on the page

    @property
    def text(self):
        return "\n".join(self.lines) + "\n"

    def __str__(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages():
    found = [ROOT / name for name in TOP]
    for folder in FOLDERS:
        found += sorted((ROOT / folder).rglob("*.md"))
    return [page for page in found if page.exists() and not SKIPPED & set(page.relative_to(ROOT).parts)]


def read(page):
    """The blocks of a page, and its lines outside of them."""
    blocks, prose, block, fence = [], [], None, ""
    for number, line in enumerate(page.read_text().splitlines(), 1):
        mark = re.match(r"\s*(```+)\s*(\S*)", line)
        if block is None and mark:
            before = next((old for old in reversed(blocks) if old.kind.startswith("rego")), None)
            block, fence = Block(page, number, mark[2]), mark[1]
            block.before = before.text if before else ""
        elif block is not None and line.strip() == fence:
            blocks.append(block)
            block = None
        elif block is not None:
            block.lines.append(line)
        else:
            prose.append((number, line))
    if block is not None:
        sys.exit(f"{block}: this block has no end")
    return blocks, prose


# Links ------------------------------------------------------------------------------------------------------------


def anchors(page):
    """The anchors of a page, as forges and mdBook make them: the second heading of a name gets `-1`."""
    found = set()
    for _, line in read(page)[1]:
        if not line.startswith("#"):
            continue
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", line.lstrip("#").strip()).lower().replace(" ", "-")
        slug = "".join(c for c in words if c.isalnum() or c in "-_")
        again = 0
        while slug + (f"-{again}" if again else "") in found:
            again += 1
        found.add(slug + (f"-{again}" if again else ""))
    return found


def links(page):
    for number, line in read(page)[1]:
        told = "".join(line.split("`")[::2])  # what stands in backticks is shown, not linked
        for target in re.findall(r"\]\(([^)\s]+)[^)]*\)", told) + re.findall(r"^\[[^]]+\]:\s*(\S+)", told):
            if not re.match(r"[a-z]+:", target):
                yield number, target


def bad_links(page):
    for number, target in links(page):
        file, _, anchor = target.partition("#")
        to = (page.parent / file).resolve() if file else page
        if not to.exists():
            yield f"{page.relative_to(ROOT)}:{number}: {target}: no such file"
        elif anchor and to.suffix == ".md" and anchor not in anchors(to):
            yield f"{page.relative_to(ROOT)}:{number}: {target}: no such heading"


# What the binary says -----------------------------------------------------------------------------------------------


def sallyport(*words, **more):
    command = [pathlib.Path(os.environ["SALLYPORT_BIN"]).resolve(), *words]
    more = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, "timeout": COMMAND_SECONDS, **more}
    return subprocess.run(command, **more)


def wrong_configuration(block, known, folder):
    keys = set(re.findall(r"^([A-Za-z_]+):", block.text, re.MULTILINE))
    if not keys & known:
        return "no key of it is one of the configuration; say why in EXEMPT" if keys else "not a mapping"
    if "tool_servers" in keys and "upstreams" not in keys:
        keys.add("upstreams")
    filled = [text for name, text in FILLED.items() if name not in keys]
    named = re.search(r"^policies: *([\w./-]+)", block.text, re.MULTILINE)
    (folder / (named[1] if named else "policies")).mkdir(parents=True, exist_ok=True)
    text = block.text.replace('sha256: "…"', f'sha256: "{"0" * 64}"')
    (folder / "sallyport.yaml").write_text("\n".join([text, *filled]))
    variables = {name: STAND_IN for name in re.findall(r"\$\{(\w+)\}", text)}
    told = sallyport("check", cwd=folder, env={**os.environ, **variables})
    # Certificates, locks and keys that it names are not there. Nothing else may be wrong.
    errors = [line for line in told.stderr.splitlines() if not line.startswith(("  hint: ", "warning: "))]
    errors = [line for line in errors if "No such file or directory" not in line]
    return told.stderr.strip() if told.returncode not in (0, 1, 3) or errors else None


def wrong_rules(block, folder):
    tested = re.search(r"^package \S+_test$", block.text, re.MULTILINE)
    text = block.before + block.text if tested or block.kind == "rego,continued" else block.text
    if not re.search(r"^package ", text, re.MULTILINE):
        imports = re.findall(r"^import .*\n", text, re.MULTILINE)
        imports += [f"import data.sallyport.lib.{name}\n" for name in ["guard"] if f"{name}." in text and not imports]
        allow = "" if "default allow" in text else "default allow := true\n\n"
        rules = re.sub(r"^import .*\n", "", text, flags=re.MULTILINE)
        text = "package sallyport.teams.docs\n\n" + "".join(imports) + allow + rules
    files = re.split(r"(?m)^(?=package )", text)
    for number, file in enumerate(filter(str.strip, files)):
        name = f"{number}_test.rego" if re.match(r"package \S+_test\b", file) else f"{number}.rego"
        (folder / name).write_text(file)
    (folder / "docs_compile_test.rego").write_text("package sallyport.docs_compile_test\n\ntest_compiles := true\n")
    told = sallyport("policy", "test", folder)
    return None if told.returncode == 0 else f"{told.stdout}{told.stderr}".strip()


def command_lines(block):
    """Each `sallyport …` of a shell block, as words."""
    for line in block.text.replace("\\\n", " ").splitlines():
        try:
            lexer = shlex.shlex(line, posix=True, punctuation_chars="|;&<>()")
            lexer.whitespace_split = True
            lexer.commenters = "#"
            words = list(lexer)
        except ValueError:
            continue  # a line of a text in quotes that goes on
        segment = []
        for word in [*words, ";"]:
            if not re.fullmatch(r"[|;&<>()]+", word):
                segment.append(word)
                continue
            while segment and (segment[0] in ("sudo", "exec", "time") or re.match(r"\w+=", segment[0])):
                segment.pop(0)
            if segment and segment[0] == "sallyport":
                yield segment[1:]
            segment = []


def wrong_commands(block):
    for words in command_lines(block):
        told = sallyport(*words, "--help")
        if told.returncode != 0:
            return f"sallyport {' '.join(words)}: {told.stderr.strip()}"
    return None


# What parses by itself ------------------------------------------------------------------------------------------------


def wrong_json(block):
    text = re.sub(r",?\s*…(?=\s*[\]},])", "", block.text)
    text = re.sub(r"([\[{])\s*…,?", r"\1", text)
    at = 0
    try:
        while text[at:].strip():
            at += len(text[at:]) - len(text[at:].lstrip())
            _, at = json.JSONDecoder().raw_decode(text, at)
    except ValueError as why:
        return str(why)
    return None


def wrong_python(block):
    try:
        compile(block.text, str(block), "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as why:
        return str(why)
    return None


def wrong_toml(block):
    try:
        tomllib.loads(block.text)
    except tomllib.TOMLDecodeError as why:
        return str(why)
    return None


def judge(block, known, used):
    for place, kind, why in EXEMPT:
        if kind == block.kind and (str(block).startswith(place) or place in block.text):
            used.append(why)
            return None
    with tempfile.TemporaryDirectory(prefix="sallyport-docs-") as folder:
        match block.kind:
            case "yaml":
                wrong = wrong_configuration(block, known, pathlib.Path(folder))
            case "rego" | "rego,continued":
                wrong = wrong_rules(block, pathlib.Path(folder))
            case "sh" | "bash" | "console":
                wrong = wrong_commands(block)
            case "json":
                wrong = wrong_json(block)
            case "python":
                wrong = wrong_python(block)
            case "toml":
                wrong = wrong_toml(block)
            case _:
                return None
    return f"{block}: {block.kind}: {wrong}" if wrong else None


def main():
    if "SALLYPORT_BIN" not in os.environ:
        sys.exit(__doc__)
    wanted = [pathlib.Path(word).resolve() for word in sys.argv[1:]] or pages()
    wrong = [how for page in wanted for how in bad_links(page)]
    blocks = [block for page in wanted for block in read(page)[0]]
    known = set(json.loads(sallyport("config", "schema").stdout)["properties"])
    used = []
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        wrong += filter(None, pool.map(lambda block: judge(block, known, used), blocks))
    if wrong:
        sys.exit("\n".join(wrong))
    print(f"{len(wanted)} pages, {len(blocks)} blocks: all as they say")
    for why in sorted(set(used)):
        print(f"  not checked here: {used.count(why)} blocks: {why}")


if __name__ == "__main__":
    main()
