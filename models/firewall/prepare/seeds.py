"""Hand-written seeds: goals, wrappers, overrides, jailbreaks, hard negatives.

A seed file is JSON lines with `text`, `split` (train | dev) and, where it
matters, `family`, `lang`, `label` and `channel`. `fillers.json` adds values to
the slots. Seeds marked dev are dev; of the others one in ten is, by hash.
"""

from __future__ import annotations

import base64
import codecs
import json
import random
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from . import slots
from .split import side


GOALS = ("goal", "task", "payload")
CODINGS = {
    "b64": lambda t: base64.b64encode(t.encode()).decode(), "hex": lambda t: t.encode().hex(), "rot13": lambda t: codecs.encode(t, "rot13"),
    "rev": lambda t: t[::-1], "leet": lambda t: t.translate(str.maketrans("aeios", "43105")), "dash": "-".join,
}


@dataclass(frozen=True)
class Seed:
    """One hand-written text, with slots still open."""

    text: str
    side: str
    family: str
    lang: str
    label: str
    channel: str
    file: str

    @property
    def group(self) -> str:
        return f"seed:{self.file}:{self.text[:80]}"


class Seeds:
    """All seed files of a folder by stem; files that are not there are empty."""

    def __init__(self, folder: Path):
        self.by_file: dict[str, list[Seed]] = {}
        self.fillers: dict[str, list[str]] = {}
        fillers = folder / "fillers.json"
        if fillers.is_file():
            loaded = json.loads(fillers.read_text("utf-8"))
            self.fillers = {k: v for k, v in loaded.items() if isinstance(v, list)}
        for path in sorted(folder.glob("*.jsonl")):
            rows = []
            for line in path.read_text("utf-8").splitlines():
                row = json.loads(line) if line.strip() else {}
                if row.get("text"):
                    which = "dev" if row.get("split") == "dev" else side(f"seed:{path.stem}:{row['text']}")
                    rows.append(Seed(row["text"], which, row.get("family", ""), row.get("lang", "en"),
                                     row.get("label", ""), row.get("channel", ""), path.stem))
            self.by_file[path.stem] = rows

    def get(self, stem: str, side: str | None = None) -> list[Seed]:
        """The seeds of every file whose name begins with `stem`."""
        return [s for name, rows in self.by_file.items() if name.startswith(stem) for s in rows if side in (None, s.side)]

    def fill(self, text: str, rng: random.Random, goal: Callable[[], str] | None = None, own_only: bool = False) -> str:
        """`text` with its slots drawn from both lists of values.

        `goal` gives the text of `{goal}` slots; `{x_b64}` and the like give a
        value of `{x}` encoded. With `own_only` the seeds' values come first.
        """
        def plain(name: str) -> str | None:
            if name in GOALS and goal:
                return goal()
            if name == "goal_inf" and goal:
                inner = goal().rstrip(".!")
                return inner[:1].lower() + inner[1:]
            own, ours = self.fillers.get(name), slots.SLOTS.get(name)
            if own and (ours is None or own_only or rng.random() < 0.4):
                return str(rng.choice(own))
            return ours(rng) if ours else None

        named: dict[str, str] = {}

        def value(match: re.Match) -> str:
            # One text has one persona and one assistant, however often named.
            if match[1] in ("persona", "assistant") and self.fillers.get(match[1]):
                return named.setdefault(match[1], rng.choice(self.fillers[match[1]]))
            name, _, coding = match[1].rpartition("_")
            if coding in CODINGS and plain(name) is not None:
                return CODINGS[coding](plain(name))
            found = plain(match[1])
            return match[0] if found is None else found
        return slots.SLOT.sub(value, text)
