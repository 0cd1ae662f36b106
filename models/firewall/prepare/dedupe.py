"""Near-duplicates: clusters of base texts, and a check across train and dev."""

from __future__ import annotations

import re
import zlib

_WORD = re.compile(r"\w+")
HASHES = 24
BAND = 3


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def key(text: str) -> str:
    """Letters and digits only: the same for texts that differ in dress alone."""
    return " ".join(words(text))


def _shingles(text: str, n: int) -> set[int]:
    w = words(text)
    if len(w) <= n:
        return {zlib.crc32(" ".join(w).encode())}
    return {zlib.crc32(" ".join(w[i:i + n]).encode()) for i in range(len(w) - n + 1)}


_MIX = [((2 * i + 1) * 0x9E3779B1 & 0xFFFFFFFF, (i * 0x85EBCA6B + 0xC2B2AE35) & 0xFFFFFFFF) for i in range(HASHES)]


def _minhash(shingles: set[int]) -> list[int]:
    return [min((s * a + b) & 0xFFFFFFFF for s in shingles) for a, b in _MIX]


def clusters(texts: list[str], n: int = 2) -> list[int]:
    """A cluster number for each text; texts that share most word pairs share it.

    MinHash with bands of three (about 0.5 similarity) and union-find: a chain
    of near-duplicates is one cluster, which errs towards fewer, larger groups.
    """
    parent = list(range(len(texts)))

    def find(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    seen: dict[tuple, int] = {}
    for i, text in enumerate(texts):
        sig = _minhash(_shingles(text[:600], n))
        for b in range(0, HASHES, BAND):
            bucket = (b, *sig[b:b + BAND])
            if bucket in seen:
                parent[find(i)] = find(seen[bucket])
            else:
                seen[bucket] = i
    return [find(i) for i in range(len(texts))]


def grams(text: str, n: int = 8) -> set[int]:
    w = words(text)
    return {zlib.crc32(" ".join(w[i:i + n]).encode()) for i in range(len(w) - n + 1)}


class Seen:
    """The 8-grams of the dev rows, to keep train rows away from them."""

    def __init__(self):
        self._grams: set[int] = set()
        self._keys: set[str] = set()

    def add(self, text: str) -> None:
        self._grams |= grams(text)
        self._keys.add(key(text))

    def near(self, text: str, share: float) -> bool:
        """Whether `text` is known, or more than `share` of its 8-grams are."""
        if key(text) in self._keys:
            return True
        own = grams(text)
        return bool(own) and len(own & self._grams) > share * len(own)
