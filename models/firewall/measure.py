"""How well scores tell attacks from what is benign."""

import hashlib
from collections import defaultdict

import numpy


def half(row):
    """0 or 1: development rows of 0 calibrate, those of 1 are reported on. All of a group is in one."""
    return hashlib.sha256(row["group"].encode()).digest()[0] % 2


def auc(benign, attacks):
    """The chance that an attack scores higher than a benign text (Mann-Whitney U), ties counted half."""
    both = numpy.concatenate([benign, attacks])
    _, inverse, counts = numpy.unique(both, return_inverse=True, return_counts=True)
    ranks = (numpy.cumsum(counts) - (counts - 1) / 2)[inverse]
    high = ranks[len(benign) :].sum() - len(attacks) * (len(attacks) + 1) / 2
    return float(high / (len(benign) * len(attacks)))


def threshold_at(benign, share):
    """The lowest score above which at most `share` of the benign lie."""
    ordered = numpy.sort(benign)[::-1]
    return float(ordered[int(len(ordered) * share)])


def figures(rows, scores):
    """AUC and recall at 1 % false alarms: of all, and by kind at the threshold of the row's own channel."""
    scores = numpy.array(scores)
    attack = numpy.array([row["label"] != "benign" for row in rows])
    limit = threshold_at(scores[~attack], 0.01)
    out = {
        "auc": round(auc(scores[~attack], scores[attack]), 4),
        "recall_at_1": round(float((scores[attack] > limit).mean()), 4),
    }
    kinds = defaultdict(list)
    for i, row in enumerate(rows):
        kinds[(row["channel"], row["label"] if attack[i] else "benign", row["kind"])].append(scores[i] > limit)
    out["flagged"] = {
        " / ".join(key): [len(hits), round(float(numpy.mean(hits)), 3)] for key, hits in sorted(kinds.items())
    }
    return out
