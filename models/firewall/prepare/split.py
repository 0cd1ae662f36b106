"""Sides and windows: which base text goes to train or dev, and how long texts are cut."""

from __future__ import annotations

import hashlib
import random
import re

# Most a row may hold, in estimated pieces of the tokeniser, prefix excluded.
MAX_TOKENS = 235
DEV_SHARE = 10  # one group in ten


def side(group: str) -> str:
    """`dev` for one group in ten, by the hash of its name, else `train`."""
    return "dev" if hashlib.blake2b(group.encode("utf-8", "replace")).digest()[0] % DEV_SHARE == 0 else "train"


_PIECE = re.compile(r"[A-Za-z]+|\d+|[^\x00-\x7f]|[^\sA-Za-z\d]")


def tokens(text: str) -> int:
    """About how many word pieces `text` gives (errs upwards on code and JSON)."""
    total = 0
    for piece in _PIECE.finditer(text):
        n = len(piece[0])
        first = piece[0][0]
        if first.isdigit():
            total += (n + 2) // 3
        elif first.isascii() and first.isalpha():
            total += 1 if n <= 7 else 1 + (n - 4) // 4
        else:
            total += 1
    return total


def window(text: str, size: int, rng: random.Random, around: tuple[int, int] | None = None) -> str:
    """A stretch of `text` of at most `size` tokens, at a random place.

    With `around` (a byte-free character range) the stretch holds it whole,
    if it can, with what is left of the size shared at random on both sides.
    """
    # No piece is longer than a word: far more characters need no counting.
    if len(text) <= 20 * size and tokens(text) <= size:
        return text
    low, high = around if around else (None, None)
    if low is None:
        low = high = _word_start(text, rng.randrange(len(text)))
    spare = max(0, size - tokens(text[low:high]))
    before = int(spare * rng.random()) if around else 0
    start = _back(text, low, before)
    end = _forward(text, high, spare - tokens(text[start:low]))
    # What the end could not use goes to the front.
    start = _back(text, low, spare - tokens(text[high:end]))
    return text[start:end].strip("\n")


def _word_start(text: str, at: int) -> int:
    """The start of the word at `at`, if it is near."""
    for back in range(min(at, 24)):
        if text[at - back - 1].isspace():
            return at - back
    return at


def _back(text: str, at: int, budget: int) -> int:
    start = max(0, at - budget * 6)
    while start < at and tokens(text[start:at]) > budget:
        start += max(1, (at - start) // 8)
    while 0 < start < at and not text[start - 1].isspace() and at - start > 12:
        start += 1
    return start


def _forward(text: str, at: int, budget: int) -> int:
    end = min(len(text), at + budget * 6)
    while end > at and tokens(text[at:end]) > budget:
        end -= max(1, (end - at) // 8)
    while at < end < len(text) and not text[end].isspace() and end - at > 12:
        end -= 1
    return end


def size(rng: random.Random) -> int:
    """How long a window shall be: mostly short, some as long as the model takes."""
    draw = rng.random()
    if draw < 0.28:
        return rng.randint(24, 60)
    if draw < 0.6:
        return rng.randint(60, 120)
    return rng.randint(120, MAX_TOKENS)
