"""Reads deploy/Dockerfile as far as its own steps need it: stages, their instructions, ARG in them."""

import json
import pathlib
import re
import shlex

REPOSITORY = pathlib.Path(__file__).resolve().parents[3]
PATH = REPOSITORY / "deploy/Dockerfile"


def stages(text):
    """Stages by name, in order: (base, [(instruction, rest)])."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found, name = {}, None
    for line in filter(str.strip, joined.splitlines()):
        instruction, rest = line.split(None, 1)
        if instruction == "FROM":
            base, _, name = re.fullmatch(r"(?:--platform=\S+ )?(\S+)( AS (\S+))?", rest).groups()
            found[name] = (base, [])
        elif name:
            found[name][1].append((instruction, rest))
    return found


def of(stage, instruction):
    """All that a stage says with one instruction."""
    return [rest for word, rest in stage[1] if word == instruction]


def copies(stage):
    """COPY --from as (stage, source, target)."""
    words = [shlex.split(rest) for rest in of(stage, "COPY")]
    return [(word[0].removeprefix("--from="), word[1], word[2]) for word in words if word[0].startswith("--from=")]


def command(stage):
    """ENTRYPOINT and CMD, in their exec form."""
    return [word for rest in of(stage, "ENTRYPOINT") + of(stage, "CMD") for word in json.loads(rest)]


def with_arguments(text, **values):
    """`${NAME}` replaced."""
    return re.sub(r"\$\{(\w+)\}", lambda name: values[name.group(1)], text)
