"""Baselines that really run beside the firewall: a TF-IDF of words with logistic regression, and a list of phrases.

    python baselines.py --train train.jsonl --dev dev.jsonl [--ngram scores.jsonl] --out baselines.json

Rows are {"text", "channel", "label", "source"}; every label but `benign` is an attack. `--ngram` takes what
`sallyport-firewall-fit --scores` wrote for the same dev rows, so that all stand in one table. Each baseline is fitted twice:
on the text alone, and with the channel as a word before it. C is chosen by cross-validation on the training rows, in folds
by source, so that a source is never on both sides.
"""

import argparse
import json
import re

import numpy as np
from scipy.sparse import hstack
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.preprocessing import OneHotEncoder

SEED = 20261122
FALSE_ALARMS = 0.01
CS = (0.3, 1.0, 3.0, 10.0, 30.0)

PHRASES = re.compile(
    r"(?i)\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(previous|prior|above|earlier|all|your|the)\b.{0,40}"
    r"\b(instruction|prompt|rule|direction|guideline|context|polic)"
    r"|\b(system|initial|hidden|secret)\s+(prompt|instruction|message)"
    r"|\b(reveal|repeat|print|show|tell)\b.{0,30}\b(prompt|instructions|password|secret)"
    r"|\byou are now\b|\bact as\b|\bpretend (to be|you)|\bdo anything now\b|\bDAN\b|\bjailbreak|\bdeveloper mode\b"
    r"|\bno (restrictions|limits|rules|filters)\b|<\|im_start\|>|\[INST\]|\bnew instructions?\b|\bimportant instructions?\b"
)


def read(path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def family(source):
    """A source without what it was put into: `own-goals` of `own-goals+email`."""
    return re.split(r"[+:]", source)[0]


def threshold(scores, attacks):
    """What 1 % of the harmless rows exceed."""
    benign = np.sort(scores[~attacks])[::-1]
    return benign[int(len(benign) * FALSE_ALARMS)]


def figures(scores, attacks):
    if attacks.all() or not attacks.any():
        return None
    at = threshold(scores, attacks)
    return {
        "attacks": int(attacks.sum()),
        "benign": int((~attacks).sum()),
        "auc": round(float(roc_auc_score(attacks, scores)), 4),
        "recall_at_1_percent": round(float((scores[attacks] > at).mean()), 4),
    }


def report(scores, rows, attacks):
    at = threshold(scores, attacks)
    channels = np.array([row["channel"] for row in rows])
    sources = np.array([family(row["source"]) for row in rows])
    flagged = scores > at
    of_source = {}
    for source in sorted(set(sources)):
        of = sources == source
        of_source[source] = {
            "attacks": int((of & attacks).sum()),
            "attacks_flagged": int((of & attacks & flagged).sum()),
            "benign": int((of & ~attacks).sum()),
            "benign_flagged": int((of & ~attacks & flagged).sum()),
        }
    return {
        "all": figures(scores, attacks),
        "channels": {c: figures(scores[channels == c], attacks[channels == c]) for c in sorted(set(channels))},
        "sources": of_source,
    }


class TfIdf:
    """Words and pairs of words, with the channel beside them or not."""

    def __init__(self, with_channel):
        self.words = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, max_features=300_000)
        self.channel = OneHotEncoder(handle_unknown="ignore") if with_channel else None

    def fit(self, rows):
        table = self.words.fit_transform([row["text"] for row in rows])
        if self.channel is None:
            return table
        return hstack([table, self.channel.fit_transform([[row["channel"]] for row in rows])]).tocsr()

    def read(self, rows):
        table = self.words.transform([row["text"] for row in rows])
        if self.channel is None:
            return table
        return hstack([table, self.channel.transform([[row["channel"]] for row in rows])]).tocsr()


def classifier(c):
    return LogisticRegression(C=c, class_weight="balanced", max_iter=300, solver="liblinear", random_state=SEED)


def choose_c(table, attacks, groups, folds):
    """The C with the best AUC where no source is on both sides."""
    best = []
    for c in CS:
        aucs = []
        for fit, held in GroupKFold(folds).split(table, attacks, groups):
            if attacks[held].all() or not attacks[held].any():
                continue
            model = classifier(c).fit(table[fit], attacks[fit])
            aucs.append(roc_auc_score(attacks[held], model.decision_function(table[held])))
        best.append((float(np.mean(aucs)), c))
        print(f"  C={c}: {best[-1][0]:.4f}", flush=True)
    return max(best)


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--train", required=True)
    options.add_argument("--dev", required=True)
    options.add_argument("--ngram", help="scores of the n-gram model for the dev rows")
    options.add_argument("--folds", type=int, default=3)
    options.add_argument("--out", required=True)
    options = options.parse_args()
    train, dev = read(options.train), read(options.dev)
    attacks = np.array([row["label"] != "benign" for row in train])
    dev_attacks = np.array([row["label"] != "benign" for row in dev])
    groups = np.array([family(row["source"]) for row in train])
    found = {}
    for name, with_channel in (("tfidf_lr", False), ("tfidf_lr_channel", True)):
        print(name, flush=True)
        words = TfIdf(with_channel)
        table = words.fit(train)
        auc, c = choose_c(table, attacks, groups, options.folds)
        model = classifier(c).fit(table, attacks)
        found[name] = report(model.decision_function(words.read(dev)), dev, dev_attacks)
        found[name]["c"] = c
        found[name]["cross_validated_auc"] = round(auc, 4)
    hits = np.array([len(PHRASES.findall(row["text"])) for row in dev], dtype=float)
    found["phrases"] = report(hits, dev, dev_attacks)
    found["phrases"]["recall"] = round(float((hits[dev_attacks] > 0).mean()), 4)
    found["phrases"]["false_alarms"] = round(float((hits[~dev_attacks] > 0).mean()), 4)
    if options.ngram:
        scores = np.array([-30.0 if row["logit"] is None else row["logit"] for row in read(options.ngram)])
        found["ngram"] = report(scores, dev, dev_attacks)
    with open(options.out, "w", encoding="utf-8") as out:
        json.dump(found, out, indent=2)
        out.write("\n")
    for name, of in found.items():
        print(f"{name:<18} AUC {of['all']['auc']:.4f}  recall at 1 % false alarms {of['all']['recall_at_1_percent']:.4f}")
        for channel, figure in of["channels"].items():
            if figure:
                print(f"  {channel:<16} AUC {figure['auc']:.4f}  recall {figure['recall_at_1_percent']:.4f}")


if __name__ == "__main__":
    main()
