"""Writes REPORT.md from what the shipped model scored.

    python report.py --rows dev.jsonl long_dev.jsonl --scores dev.scores long.scores --ngram dev.ngram long.ngram \
        --baselines baselines.json --model sallyport-firewall.gguf --out REPORT.md

`--scores`: what `raw` printed with the calibrated model, all stages on; `--ngram`: the same with `--no-model`. Only
the half of the development groups that calibration did not see is counted.
"""

import argparse
import hashlib
import json
from collections import defaultdict
from pathlib import Path

import numpy

from measure import auc, half, threshold_at

PUBLISHED = """\
| system | set | figure | source |
| --- | --- | --- | --- |
| Llama Prompt Guard 2 22M | private, English | AUC 0.995, recall 88.7 % at 1 % false alarms | model card |
| Llama Prompt Guard 2 86M | private, English | AUC 0.998, recall 97.5 % at 1 % false alarms | model card |
| Llama Prompt Guard 2 86M | AgentDojo goals, wrapped / bare, at 1 % false alarms | 94.3 % / 2.9 % | S. Brankovic, prompt-injection-guardrail-eval |
| ProtectAI deberta-v3-base v2 | the same | 2.9 % / 2.9 % | the same |
| PIGuard | NotInject, accuracy | 87.3 % | its repository |
"""


def read(paths):
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def percent(part):
    return "–" if part is None else f"{100 * part:.1f} %"


def share(hits):
    return float(numpy.mean(hits)) if len(hits) else None


def overall(rows, scores):
    """AUC, and recall at 1 % false alarms of the same rows."""
    attack = numpy.array([r["label"] != "benign" for r in rows])
    scores = numpy.array(scores)
    if attack.all() or not attack.any():
        return None, None
    limit = threshold_at(scores[~attack], 0.01)
    return auc(scores[~attack], scores[attack]), float((scores[attack] > limit).mean())


def table(rows, scored, key, least=10):
    """Rows, share flagged: attacks and benign apart."""
    groups = defaultdict(lambda: ([], []))
    for row, score in zip(rows, scored):
        groups[key(row)][row["label"] != "benign"].append(score["flagged"])
    lines = ["| | attacks | found | benign | false alarms |", "| --- | --- | --- | --- | --- |"]
    for name, (benign, attacks) in sorted(groups.items()):
        if len(benign) + len(attacks) >= least:
            lines.append(
                f"| {name} | {len(attacks)} | {percent(share(attacks))} | {len(benign)} | {percent(share(benign))} |"
            )
    return "\n".join(lines) + "\n"


def length(row):
    size = len(row["text"].encode())
    for end, name in [(1 << 10, "to 1 KB"), (4 << 10, "to 4 KB"), (16 << 10, "to 16 KB")]:
        if size <= end:
            return name
    return "over 16 KB"


def stages(rows, scored):
    lines = ["| channel | texts | by the n-grams | by the model | median | 99 of 100 within |", "| --- " * 6 + "|"]
    for channel in sorted({r["channel"] for r in rows}):
        mine = [s for r, s in zip(rows, scored) if r["channel"] == channel]
        by_ngram = share([s["stage"] == "ngram" for s in mine])
        micros = sorted(s["micros"] for s in mine)
        lines.append(
            f"| {channel} | {len(mine)} | {percent(by_ngram)} | {percent(1 - by_ngram)} | "
            f"{micros[len(micros) // 2] / 1e3:.1f} ms | {micros[int(len(micros) * 0.99)] / 1e3:.0f} ms |"
        )
    return "\n".join(lines) + "\n"


def calibrate(rows, scored, calibration):
    """What filters/firewall/src/calibration.rs does with the heat of a text."""
    for row, score in zip(rows, scored):
        scale = calibration[row["channel"]]
        if score["heat"] is not None:
            score["score"] = float(1 / (1 + numpy.exp(-(scale["slope"] * score["heat"] + scale["offset"]))))
        limit = scale["thresholds"][["to 1 KB", "to 4 KB", "to 16 KB", "over 16 KB"].index(length(row))]
        score["flagged"] = score["score"] >= limit


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reported", type=Path, help="only write the rows that are reported on here, for baselines.py")
    for name in ["--rows", "--scores", "--ngram"]:
        parser.add_argument(name, type=Path, nargs="+", required=True)
    parser.add_argument("--calibration", type=Path, help="read --scores, which were taken without, by this")
    parser.add_argument("--baselines", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    rows, scored, ngram = read(args.rows), read(args.scores), read(args.ngram)
    assert len(rows) == len(scored) == len(ngram), "rows and scores are not of the same run"
    if args.calibration:
        calibrate(rows, scored, json.loads(args.calibration.read_text()))
    every = [(r, s, n) for r, s, n in zip(rows, scored, ngram) if half(r) == 1]
    plain = [e for e in every if not e[0]["kind"].startswith("transform") and e[0]["source"] != "long_dev"]
    mixed = [e for e in plain if not e[0]["kind"].startswith("long")]
    long = [e for e in every if e[0]["kind"].startswith("long")]
    of = lambda chosen: ([e[0] for e in chosen], [e[1] for e in chosen])  # noqa: E731
    score = lambda chosen, which=1: overall([e[0] for e in chosen], [e[which]["score"] for e in chosen])  # noqa: E731

    if args.reported:
        args.reported.write_text("".join(json.dumps(e[0]) + "\n" for e in mixed))
        return
    out = []
    say = out.append
    say("# What the firewall's classifier finds\n")
    say("Written by `models/firewall/report.py` from a run of the shipped model through the gateway's own code. ")
    say(f"Model: `{args.model.name}`, SHA-256 `{hashlib.sha256(args.model.read_bytes()).hexdigest()}`.\n")
    say("All rows are development data (DATA.md): kept apart from training by source or by group, but seen by those who ")
    say("made the model. The half of the groups that chose the thresholds is not counted here. No public benchmark was ")
    say(f"read, trained on or tuned on. {len(rows)} rows were scored, a random sample of all.\n")
    say("## In one table\n")
    say("| | AUC | recall at 1 % false alarms |\n| --- | --- | --- |")
    for name, chosen, which in [
        ("all stages", mixed, 1),
        ("n-grams and patterns alone", mixed, 2),
    ]:
        a, r = score(chosen, which)
        say(f"| {name} ({len(chosen)} texts) | {a:.4f} | {percent(r)} |")
    for channel in ["user", "tool_result", "tool_description", "tool_call", "unknown"]:
        chosen = [e for e in mixed if e[0]["channel"] == channel]
        a, r = score(chosen)
        if a is not None:
            say(f"| all stages, channel {channel} ({len(chosen)}) | {a:.4f} | {percent(r)} |")
    if args.baselines and args.baselines.exists():
        for name, figures in json.loads(args.baselines.read_text()).items():
            name = {"tfidf_lr": "TF-IDF and logistic regression", "tfidf_lr_channel": "the same, told the channel", "phrases": "a list of phrases"}.get(name)
            if name:
                say(f"| {name} | {figures['all']['auc']:.4f} | {percent(figures['all']['recall_at_1_percent'])} |")
    say("\nAUC and recall are over all channels with the shipped chances: one threshold for all, chosen on these rows. ")
    say("What follows uses the shipped thresholds, one a channel and length.\n")
    say("## At the shipped thresholds, by channel\n")
    say(table(*of(mixed), lambda r: r["channel"]))
    say("## By length\n")
    say(table(*of(plain), length))
    say("## Long documents\n\nClean, or with one attack somewhere in the middle.\n")
    say(table(*of(long), lambda r: ":".join(r["kind"].split(":")[:2])))
    say("## By kind\n")
    say(table(*of(mixed), lambda r: f"{r['channel']}: {r['kind']}"))
    say("## Disguises\n\nThe same attacks, and the same benign texts, under each transform; `none` is without one.\n")
    say(table(*of([e for e in every if e[0]["kind"].startswith("transform")]), lambda r: r["kind"].split(":", 1)[1]))
    say("## Which stage decided, and how long that took\n")
    say("One text at a time on each core of the machine that wrote this, nothing cached.\n")
    say(stages(*of(plain)))
    say("## What others published\n\nNot run here, on other data: no comparison, an orientation.\n")
    say(PUBLISHED)
    args.out.write_text("\n".join(out))
    print("\n".join(out[:24]))


if __name__ == "__main__":
    main()
