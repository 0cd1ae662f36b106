"""`python -m prepare`: from the raw data and the seeds to the corpus.

Writes train.jsonl, dev.jsonl, long_dev.jsonl and data-manifest.json.
"""

from __future__ import annotations

import argparse
import json
import os
import random
from collections import Counter
from pathlib import Path

from . import attack_rows, benign_rows, dev_sets, noise, sources
from .dedupe import Seen, key
from .pools import Base, Pool
from .row import Row, digest
from .split import MAX_TOKENS, tokens

NOISE_SHARE = 0.17


def build(pool: Pool, scale: float) -> list[Row]:
    """All rows of one side; `scale` 1 is the training set."""
    def n(count: int) -> int:
        return max(20, int(count * scale))
    out: list[Row] = []
    out += attack_rows.own_overrides(pool, n(2600))
    out += attack_rows.seed_attacks(pool, "override", "override", n(3000))
    out += attack_rows.public_overrides(pool, 1)
    out += attack_rows.overrides_in_data(pool, n(1500))
    out += attack_rows.jailbreaks(pool, n(1500))
    out += attack_rows.seed_attacks(pool, "jailbreak", "jailbreak", n(2400))
    out += attack_rows.own_jailbreaks(pool, n(1100))
    out += attack_rows.bare_goals(pool, n(2600))
    out += attack_rows.goals_in_carriers(pool, n(5200))
    out += attack_rows.wrapped_goals(pool, n(1600))
    out += attack_rows.pasted(pool, n(900))
    out += attack_rows.public_tasks(pool, 0.55 if scale == 1 else 1.0)
    out += attack_rows.poisoned_tools(pool, n(2000))
    out += attack_rows.seed_calls(pool, 4)
    out += benign_rows.user_sources(pool)
    out += benign_rows.triggers(pool, n(1700))
    out += benign_rows.own_personas(pool, n(1000))
    out += benign_rows.seed_benign(pool, 3)
    out += benign_rows.seed_documents(pool, n(1300))
    out += benign_rows.other_languages(pool, n(1400))
    out += benign_rows.user_goals(pool, n(2300))
    out += benign_rows.pasted(pool, n(1200))
    out += benign_rows.quotes(pool, n(450))
    out += benign_rows.documents(pool, n(8500) if scale == 1 else n(13000))
    out += benign_rows.everyday(pool, n(5200))
    out += benign_rows.tool_descriptions(pool, n(1500), 0.6)
    out += benign_rows.system_prompts(pool, n(700), 40)
    out += benign_rows.tool_calls(pool, n(900))
    out += benign_rows.ciphers(pool, out, n(1900))
    return out


def noised(rows: list[Row], rng: random.Random) -> list[Row]:
    """The rows with noise on a fixed share, whatever their label."""
    out = []
    for r in rows:
        if rng.random() < NOISE_SHARE and not r.kind.startswith("noise") and len(r.text) < 900:
            name = noise.pick(rng, len(r.text))
            text = noise.TRANSFORMS[name](r.text, rng)
            if tokens(text) <= MAX_TOKENS + 20:
                r = Row(text, r.channel, r.label, r.source, r.group, f"noise:{name}")
        out.append(r)
    return out


def unique(rows: list[Row], rng: random.Random) -> list[Row]:
    """One row per (letters, channel); texts with two labels in a channel are left out."""
    labels: dict[tuple[str, str], set[str]] = {}
    for r in rows:
        labels.setdefault((_name(r), r.channel), set()).add(r.label)
    clash = {k for k, v in labels.items() if "benign" in v and len(v) > 1}
    seen, out = set(), []
    rng.shuffle(rows)
    for r in rows:
        k = (_name(r), r.channel)
        if k in seen or k in clash or len(r.text.strip()) < 2:
            continue
        seen.add(k)
        out.append(r)
    return out


def _name(r: Row) -> str:
    return key(r.text) or r.text


def without_dev(train: list[Row], dev: list[Row]) -> list[Row]:
    """Train rows whose text is not in dev, nor mostly made of its 8-grams."""
    seen = Seen()
    for r in dev:
        seen.add(r.text)
    dev_groups = {r.group for r in dev}
    clean = {"benign": 0.4, "override": 0.5, "jailbreak": 0.5, "embedded": 0.7}
    return [r for r in train if r.group not in dev_groups and not seen.near(r.text, clean[r.label])]


def write(path: Path, rows: list[Row]) -> None:
    """Writes all rows or nothing: a reader never sees half a file."""
    part = path.with_suffix(".part")
    part.write_text("".join(r.json() + "\n" for r in rows), "utf-8", errors="replace")
    os.replace(part, path)


def table(rows: list[Row]) -> str:
    counts = Counter((r.kind.split(":")[0].split("/")[0], r.channel, r.label) for r in rows)
    return "\n".join(f"{n:6} {kind:26} {channel:17} {label}" for (kind, channel, label), n in sorted(counts.items()))


def main() -> None:
    parser = argparse.ArgumentParser(prog="prepare", description=__doc__)
    for name in ("data", "compression", "seeds", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    base = Base(args.data, args.compression, args.seeds, args.seed)
    rng = random.Random(args.seed)
    train_pool, dev_pool = Pool(base, "train"), Pool(base, "dev")
    dev_clean = unique(build(dev_pool, 0.15), rng)
    extra = dev_sets.public(dev_pool) + dev_sets.held_out_forms(dev_pool, 150)
    # Transforms stay out of `unique`: their letters are those of the plain rows.
    dev = unique(noised(dev_clean, rng) + extra, rng) + dev_sets.transforms(dev_pool, dev_clean)
    long_dev = dev_sets.long_documents(dev_pool, 600, 240)
    train = without_dev(unique(noised(build(train_pool, 1), rng), rng), dev_clean + extra)
    write(args.out / "train.jsonl", train)
    write(args.out / "dev.jsonl", dev)
    write(args.out / "long_dev.jsonl", long_dev)
    counts = {name: dict(Counter(f"{r.channel}/{r.label}" for r in rows)) for name, rows in (("train", train), ("dev", dev), ("long_dev", long_dev))}
    outputs = {p.name: sources.sha256(p) for p in sorted(args.out.glob("*.jsonl"))}
    inputs = sources.manifest(args.data, args.compression, args.seeds)
    documents = {"counts": Counter(d.sort for d in base.documents), "digest": digest("\n".join(f"{d.name} {digest(d.text)}" for d in base.documents))}
    (args.out / "data-manifest.json").write_text(json.dumps({"seed": args.seed, "inputs": inputs, "machine_documents": documents, "counts": counts, "outputs": outputs}, indent=1, sort_keys=True) + "\n")
    (args.out / "table.txt").write_text("train\n" + table(train) + "\n\ndev\n" + table(dev) + "\n\nlong_dev\n" + table(long_dev) + "\n")
    for name, rows in (("train", train), ("dev", dev), ("long_dev", long_dev)):
        attacks = sum(r.label != "benign" for r in rows)
        print(f"{name}: {len(rows)} rows, {attacks / len(rows):.1%} attacks, mean {sum(tokens(r.text) for r in rows) / len(rows):.0f} tokens")


if __name__ == "__main__":
    main()
