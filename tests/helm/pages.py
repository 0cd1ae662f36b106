"""The YAML and the commands that the manuals show are held against the chart."""

import re
import shlex

import yaml

PAGES = ["docs/kubernetes.md", "helm/sallyport/README.md", "deploy/kubernetes/README.md"]


def blocks(text):
    """(language, line, text) of each block of code."""
    found, inside = [], None
    for at, line in enumerate(text.splitlines(), 1):
        if line.startswith("```"):
            if inside is None:
                inside = (line[3:].strip(), at, [])
            else:
                found.append((inside[0], inside[1], "\n".join(inside[2])))
                inside = None
        elif inside is not None:
            inside[2].append(line)
    return found


def settings(command):
    """The values that a command sets with `--set`."""
    words = shlex.split(command, comments=True)
    return [after for word, after in zip(words, words[1:]) if word in ("--set", "--set-string")]


def wrong(root, judge, versions_of, parse_set):
    """What is wrong with the pages. `judge(values)` gives what the chart says against values, laid over a plain base."""
    sources = [(root / "helm/examples/agent/templates/agent.yaml").read_text()]
    lines = {line.strip() for source in sources for line in source.splitlines()}
    shown = 0
    for page in PAGES:
        for language, at, text in blocks((root / page).read_text()):
            where = f"{page}:{at}"
            if language == "yaml" and "{{" in text:
                shown += 1
                for line in text.splitlines():
                    if line.strip() and line.strip() not in lines and not line.strip().startswith("#"):
                        yield f"{where}: helm/examples/agent has no line `{line.strip()}`"
            elif language == "yaml":
                shown += 1
                for one in yaml.safe_load_all(text):
                    if "apiVersion" in one and one.get("kind"):
                        yield from (f"{where}: {said}" for said in versions_of(one))
                    elif "apiVersion" not in one and "dependencies" not in one:
                        values = one.get("sallyport", one)
                        yield from (f"{where}: {said}" for said in judge(values))
            elif language == "sh":
                for command in re.split(r"(?<!\\)\n", text):
                    command = command.replace("\\\n", " ")
                    for setting in settings(command):
                        yield from (f"{where}: {said}" for said in judge(parse_set(setting)))
                    for path in re.findall(r"(?:^| )((?:helm|deploy|examples|scripts)/[\w./-]+)", command):
                        if not (root / path).exists():
                            yield f"{where}: there is no {path}"
    if shown < 5:
        yield f"the pages show {shown} blocks of YAML: is their form still known?"
