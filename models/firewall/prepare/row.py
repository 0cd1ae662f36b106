"""One row of the corpus, and the words the rows are made of."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

CHANNELS = ("user", "system", "tool_description", "tool_call", "tool_result", "unknown")
LABELS = ("benign", "override", "jailbreak", "embedded")


@dataclass(frozen=True)
class Row:
    """A labelled window of text.

    `group` names the base text (goal, carrier, document) the row was made
    from: every row of a group is on one side of the train/dev split.
    `kind` says how it was made and is used only for reports.
    """

    text: str
    channel: str
    label: str
    source: str
    group: str
    kind: str

    def __post_init__(self):
        assert self.channel in CHANNELS, self.channel
        assert self.label in LABELS, self.label

    def json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)


def digest(text: str) -> str:
    """A short stable name for a text, for group keys."""
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()
