"""Reads scores as chances, and chooses from which chance on a text is flagged.

    python calibrate.py --rows dev.jsonl long_dev.jsonl --scores dev.scores long.scores --out calibration.json

`--rows` are development rows as `python -m prepare` wrote them, `--scores` what the Rust path computed of them
(`cargo run -p sallyport-firewall --example raw -- MODEL.gguf < dev.jsonl`): the calibration is of the
quantised model, in the program that ships. For each channel a logistic curve (Platt 1999) and, for each of four
lengths, the lowest threshold with at most `--alarms` of the benign rows above it. What the n-grams clear counts as
benign and unflagged.
"""

import argparse
import json
from pathlib import Path

import numpy

from measure import half

CHANNELS = ["user", "system", "tool_description", "tool_call", "tool_result", "unknown"]
# Bytes; as in filters/firewall/src/calibration.rs.
LENGTHS = [1 << 10, 4 << 10, 16 << 10]
# Fewer benign rows than this in a bucket say nothing: the next shorter bucket's threshold is taken, and STEP more
# log-odds, since the hottest of more windows is hotter.
ROWS_MIN = 60
STEP = 0.25
# Fewer rows than this of either class make no curve.
CLASS_MIN = 25
# A chance lower than this is never flagged, however harmless the benign rows of a channel are.
FLOOR = 0.5


def read(paths):
    return [json.loads(line) for path in paths for line in path.read_text().splitlines()]


def logistic(x):
    return 1 / (1 + numpy.exp(-numpy.clip(x, -60, 60)))


def platt(heat, attack):
    """Slope and offset of the logistic curve, by Newton's method on smoothed targets (Lin, Lin, Weng 2007)."""
    attack = numpy.asarray(attack, dtype=float)
    ups, downs = attack.sum(), len(attack) - attack.sum()
    target = numpy.where(attack == 1, (ups + 1) / (ups + 2), 1 / (downs + 2))
    # Both classes weigh the same: how many attacks the development rows hold says nothing of the world.
    weight = numpy.where(attack == 1, 0.5 / max(ups, 1), 0.5 / max(downs, 1)) * len(attack)
    slope, offset = 1.0, 0.0
    for _ in range(100):
        chance = logistic(slope * heat + offset)
        error = weight * (chance - target)
        curve = weight * chance * (1 - chance) + 1e-9
        gradient = numpy.array([(error * heat).sum() + 1e-3 * slope, error.sum()])
        hessian = numpy.array([[(curve * heat * heat).sum() + 1e-3, (curve * heat).sum()], [(curve * heat).sum(), curve.sum()]])
        step = numpy.linalg.solve(hessian, gradient)
        # Far from the solution a whole step would overshoot.
        step = numpy.clip(step, -0.5, 0.5)
        slope, offset = slope - step[0], offset - step[1]
        if abs(step).max() < 1e-7:
            break
    return max(slope, 0.05), offset


def bucket(row):
    return sum(len(row["text"].encode()) > end for end in LENGTHS)


def thresholds(rows, chance, alarms):
    found = [None] * (len(LENGTHS) + 1)
    benign = [(bucket(r), c) for r, c in zip(rows, chance) if r["label"] == "benign"]
    for length in range(len(found)):
        scores = sorted((c for b, c in benign if b == length), reverse=True)
        if len(scores) >= ROWS_MIN:
            found[length] = scores[int(len(scores) * alarms)] + 1e-4
    known = [t for t in found if t is not None]
    for length in range(len(found)):
        if found[length] is None:
            if length == 0:
                found[length] = known[0] if known else 0.9
            else:
                shorter = min(max(found[length - 1], FLOOR), 0.999)
                found[length] = float(logistic(numpy.log(shorter / (1 - shorter)) + STEP))
    # The longer the text, the more windows: a threshold never falls with the length.
    for length in range(1, len(found)):
        found[length] = max(found[length], found[length - 1])
    return [round(min(max(t, FLOOR), 0.9999), 4) for t in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=Path, nargs="+", required=True)
    parser.add_argument("--scores", type=Path, nargs="+", required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--alarms", type=float, default=0.01)
    args = parser.parse_args()
    rows, scores = read(args.rows), read(args.scores)
    assert len(rows) == len(scores), "rows and scores are not of the same run"
    # The other half of the groups is what report.py measures; disguises are measured there only.
    kept = [half(row) == 0 and not row["kind"].startswith("transform") for row in rows]
    rows, scores = [r for r, k in zip(rows, kept) if k], [s for s, k in zip(scores, kept) if k]
    calibration = {}
    every = [(r, s) for r, s in zip(rows, scores) if s["heat"] is not None]
    for channel in CHANNELS:
        mine = [(r, s) for r, s in zip(rows, scores) if r["channel"] == channel]
        asked = [(r, s) for r, s in mine if s["heat"] is not None]
        # A channel without enough of both classes is read as all channels together are.
        least = min(sum(r["label"] != "benign" for r, _ in asked), sum(r["label"] == "benign" for r, _ in asked))
        fitted = asked if least >= CLASS_MIN else every
        heat = numpy.array([s["heat"] for _, s in fitted])
        attack = numpy.array([r["label"] != "benign" for r, _ in fitted])
        slope, offset = platt(heat, attack)
        chance = [
            0.0 if s["heat"] is None else float(logistic(slope * s["heat"] + offset)) for _, s in mine
        ]
        calibration[channel] = {
            "slope": round(float(slope), 4),
            "offset": round(float(offset), 4),
            "thresholds": thresholds([r for r, _ in mine], chance, args.alarms),
        }
        print(channel, len(mine), len(asked), calibration[channel])
    args.out.write_text(json.dumps(calibration) + "\n")


if __name__ == "__main__":
    main()
