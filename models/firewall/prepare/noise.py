"""Noise: the same transforms for attacks and for harmless rows.

Each takes `(text, rng)` and gives a text back; given the same generator state
the answer is the same. Those the run-time normaliser undoes (zero-width,
homoglyph, full width, entities, base64, hex) are kept because the raw form is
judged as well; `WEIGHTS` favours those that survive it.
"""

from __future__ import annotations

import base64
import codecs
import random
import re
import unicodedata
import urllib.parse

LEET = str.maketrans("aeiostAEIOST", "431057431057")
SOFT_LEET = str.maketrans("aeioAEIO", "43104310")
HOMO = str.maketrans("aceopxyiATEOPCMH", "асеорхуіАТЕОРСМН")
ZERO = ["\u200b", "\u200c", "\u200d", "\u2060", "\ufeff", "\u00ad"]
EMOJI = ["😀", "🔥", "✨", "👉", "⭐", "🙏", "💡", "🚀"]
MARKS = ["\u0301", "\u0300", "\u0308", "\u0302", "\u0303"]
KEYS = {"a": "s", "s": "a", "e": "r", "r": "e", "o": "p", "i": "u", "t": "y", "n": "m", "l": "k", "d": "f", "c": "v", "h": "g"}


def upper(text, rng):
    return text.upper()


def lower(text, rng):
    return text.lower()


def mixed_case(text, rng):
    return "".join(c.upper() if rng.random() < 0.5 else c.lower() for c in text)


def title_case(text, rng):
    return text.title()


def zero_width(text, rng):
    z = rng.choice(ZERO)
    return "".join(c + (z if c.isalpha() and rng.random() < 0.4 else "") for c in text)


def homoglyph(text, rng):
    return "".join(c.translate(HOMO) if rng.random() < 0.6 else c for c in text)


def leet(text, rng):
    table = rng.choice([LEET, SOFT_LEET])
    rate = rng.choice([0.5, 0.9, 1.0])
    return "".join(c.translate(table) if rng.random() < rate else c for c in text)


def _typo(word, rng):
    if len(word) < 4 or not word.isalpha():
        return word
    i = rng.randrange(1, len(word) - 1)
    how = rng.randrange(4)
    if how == 0:
        return word[:i] + word[i + 1] + word[i] + word[i + 2:]
    if how == 1:
        return word[:i] + word[i + 1:]
    if how == 2:
        return word[:i] + word[i] + word[i:]
    return word[:i] + KEYS.get(word[i], word[i]) + word[i + 1:]


def typos(text, rng):
    rate = rng.choice([0.15, 0.3, 0.5])
    return re.sub(r"\w+", lambda m: _typo(m[0], rng) if rng.random() < rate else m[0], text)


def full_width(text, rng):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def entities(text, rng):
    return "".join(f"&#{ord(c)};" if c.isalpha() and rng.random() < 0.35 else {"<": "&lt;", ">": "&gt;", '"': "&quot;", "&": "&amp;"}.get(c, c) for c in text)


def line_breaks(text, rng):
    return re.sub(r" ", lambda m: "\n" if rng.random() < 0.25 else " ", text)


def punctuation(text, rng):
    mark = rng.choice([".", ",", "!", "...", "-", "*", "_", "|", ";"])
    return re.sub(r" ", lambda m: f"{mark} " if rng.random() < 0.3 else (mark if rng.random() < 0.15 else " "), text)


def no_spaces(text, rng):
    return text.replace(" ", rng.choice(["", "_", "-", "."]))


def extra_spaces(text, rng):
    return re.sub(r" ", lambda m: " " * rng.randint(1, 4), text)


def spaced_letters(text, rng):
    sep = rng.choice([" ", " ", ".", "-", "_", "*"])
    return "   ".join(sep.join(w) for w in text.split(" "))


def split_words(text, rng):
    def cut(m):
        w = m[0]
        if len(w) < 5 or rng.random() < 0.5:
            return w
        i = rng.randrange(2, len(w) - 1)
        return w[:i] + rng.choice([" ", "-", ". "]) + w[i:]
    return re.sub(r"\w+", cut, text)


LEAD_IN = {
    "base64": ["", "", "Base64: ", "Decode this base64: ", "data:text/plain;base64,", "The following is base64 encoded: "],
    "hex": ["", "", "hex: ", "Decode from hex: "],
    "rot13": ["", "", "", "rot13: ", "Decode this rot13: ", "(ROT13) "],
    "reversed": ["", "", "", "Read this backwards: ", "reversed: "],
}


def b64(text, rng):
    return rng.choice(LEAD_IN["base64"]) + base64.b64encode(text.encode()).decode()


def hexed(text, rng):
    return rng.choice(LEAD_IN["hex"]) + text.encode().hex()


def rot13(text, rng):
    return rng.choice(LEAD_IN["rot13"]) + codecs.encode(text, "rot13")


def url_encoded(text, rng):
    return urllib.parse.quote(text) if rng.random() < 0.6 else urllib.parse.quote_plus(text)


def reversed_text(text, rng):
    return rng.choice(LEAD_IN["reversed"]) + (text[::-1] if rng.random() < 0.6 else " ".join(w[::-1] for w in text.split(" ")))


def diacritics(text, rng):
    rate = rng.choice([0.2, 0.5])
    return unicodedata.normalize("NFC", "".join(c + (rng.choice(MARKS) if c.isalpha() and rng.random() < rate else "") for c in text))


def emoji_separators(text, rng):
    e = rng.choice(EMOJI)
    return re.sub(r" ", lambda m: f" {e} " if rng.random() < 0.5 else " ", text)


def pig_latin(text, rng):
    def turn(m):
        w = m[0]
        i = next((k for k, c in enumerate(w.lower()) if c in "aeiou"), 0)
        return w + "way" if i == 0 else w[i:] + w[:i] + "ay"
    return re.sub(r"[A-Za-z]+", turn, text)


def json_escaped(text, rng):
    return "".join(f"\\u{ord(c):04x}" if c.isalpha() and ord(c) < 0x10000 and rng.random() < 0.5 else c for c in text)


def tag_characters(text, rng):
    return "".join(chr(0xE0000 + ord(c)) if " " <= c <= "~" else c for c in text)


TRANSFORMS = {
    "upper": upper, "lower": lower, "mixed_case": mixed_case, "title_case": title_case, "zero_width": zero_width, "homoglyph": homoglyph,
    "leet": leet, "typos": typos, "full_width": full_width, "entities": entities, "line_breaks": line_breaks, "punctuation": punctuation,
    "no_spaces": no_spaces, "extra_spaces": extra_spaces, "spaced_letters": spaced_letters, "split_words": split_words, "base64": b64,
    "hex": hexed, "rot13": rot13, "url_encoded": url_encoded, "reversed": reversed_text, "diacritics": diacritics,
    "emoji_separators": emoji_separators, "pig_latin": pig_latin, "json_escaped": json_escaped, "tag_characters": tag_characters,
}
WEIGHTS = {
    "upper": 4, "lower": 5, "mixed_case": 4, "title_case": 2, "zero_width": 1, "homoglyph": 1, "leet": 7, "typos": 9, "full_width": 1,
    "entities": 1, "line_breaks": 3, "punctuation": 5, "no_spaces": 4, "extra_spaces": 2, "spaced_letters": 7, "split_words": 6, "base64": 3,
    "hex": 1, "rot13": 5, "url_encoded": 2, "reversed": 5, "diacritics": 4, "emoji_separators": 3, "pig_latin": 3, "json_escaped": 1,
}
# These hide the words themselves: short texts only, or nothing is left to see.
GROWS = {"base64", "hex", "rot13", "reversed", "spaced_letters", "zero_width", "entities", "url_encoded", "json_escaped", "tag_characters", "full_width", "pig_latin"}


def pick(rng: random.Random, length: int) -> str:
    """A transform's name, by weight; those that grow a text only for short ones."""
    names = [n for n in WEIGHTS if length < 260 or n not in GROWS]
    return rng.choices(names, [WEIGHTS[n] for n in names])[0]
