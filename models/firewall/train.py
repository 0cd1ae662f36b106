"""Trains the classifier: all-MiniLM-L6-v2, mean pooling, a tanh layer, four logits.

    python train.py --base DIR --data DIR --out DIR [--epochs 3] [--threads 2] [--device cpu|cuda]

`--base` is the folder of all-MiniLM-L6-v2 (config.json, model.safetensors, vocab.txt), `--data` what
`python -m prepare` wrote. Writes model.safetensors and head.safetensors (for export.py), config.json,
the vocabulary, and training.json with the figures of every epoch. The same seed on the same machine and
the same number of threads gives the same files.
"""

import argparse
import json
import math
import random
import shutil
import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer
from transformers import BertConfig, BertModel

from measure import figures

LABELS = ["benign", "override", "jailbreak", "embedded"]
PREFIX = {
    "user": "channel user : ",
    "system": "channel system : ",
    "tool_description": "channel tool description : ",
    "tool_call": "channel tool call : ",
    "tool_result": "channel tool result : ",
    "unknown": "channel unknown : ",
}
TOKENS_MAX = 256
# Tokens in a batch, padding and all: long windows come in small batches, short ones in large.
BATCH_TOKENS = 4096
SMOOTHING = 0.03
EMA = 0.999
DEV_ROWS = 4000


class Classifier(torch.nn.Module):
    """What llama.cpp computes for `bert` with RANK pooling over the mean (llama-graph.cpp, build_pooling)."""

    def __init__(self, base: Path):
        super().__init__()
        config = BertConfig.from_pretrained(base)
        # llama.cpp's GELU is the tanh form; no dropout: on a CPU it costs a third of a step.
        config.hidden_act = "gelu_pytorch_tanh"
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
        self.bert = BertModel.from_pretrained(
            base, config=config, add_pooling_layer=False, attn_implementation="eager"
        )
        # The rows of the vocabulary stay as they were pre-trained: words that the training data lacks keep
        # their neighbours.
        self.bert.embeddings.word_embeddings.weight.requires_grad_(False)
        width = config.hidden_size
        self.pooler = torch.nn.Linear(width, width)
        self.classifier = torch.nn.Linear(width, len(LABELS))
        torch.nn.init.eye_(self.pooler.weight)
        torch.nn.init.zeros_(self.pooler.bias)

    def forward(self, ids, mask):
        hidden = self.bert(input_ids=ids, attention_mask=mask).last_hidden_state
        weight = mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1)
        return self.classifier(torch.tanh(self.pooler(mean)))


def read(path: Path):
    with open(path, encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def encode(rows, tokenizer):
    texts = [PREFIX[row["channel"]] + row["text"] for row in rows]
    encoded = []
    for at in range(0, len(texts), 4096):
        encoded += [e.ids for e in tokenizer.encode_batch(texts[at : at + 4096])]
    # Past the window: the end, but for the separator, is cut.
    return [ids if len(ids) <= TOKENS_MAX else ids[: TOKENS_MAX - 1] + ids[-1:] for ids in encoded]


def batches(lengths, rng):
    """Indices by length, in batches of about BATCH_TOKENS, in random order."""
    order = sorted(range(len(lengths)), key=lambda i: (lengths[i] + rng.random() * 8))
    made, batch, longest = [], [], 0
    for i in order:
        longest = max(longest, lengths[i])
        if batch and longest * (len(batch) + 1) > BATCH_TOKENS:
            made.append(batch)
            batch, longest = [], lengths[i]
        batch.append(i)
    if batch:
        made.append(batch)
    rng.shuffle(made)
    return made


def collate(ids, chosen, device):
    longest = max(len(ids[i]) for i in chosen)
    padded = torch.zeros(len(chosen), longest, dtype=torch.long)
    mask = torch.zeros(len(chosen), longest, dtype=torch.long)
    for row, i in enumerate(chosen):
        padded[row, : len(ids[i])] = torch.tensor(ids[i])
        mask[row, : len(ids[i])] = 1
    return padded.to(device), mask.to(device)


@torch.no_grad()
def logits_of(model, ids, device):
    model.eval()
    out = torch.zeros(len(ids), len(LABELS))
    for chosen in batches([len(i) for i in ids], random.Random(0)):
        padded, mask = collate(ids, chosen, device)
        with torch.autocast(device, dtype=torch.bfloat16):
            out[chosen] = model(padded, mask).float().cpu()
    model.train()
    return out


def score(logits):
    """How much the attacks together outweigh the benign, in nats."""
    return torch.logsumexp(logits[:, 1:], 1) - logits[:, 0]


class Average:
    """An exponential moving average of the weights that learn; what is kept in the end."""

    def __init__(self, model):
        self.kept = {k: v.detach().clone() for k, v in model.named_parameters() if v.requires_grad}
        self.steps = 0

    @torch.no_grad()
    def add(self, model):
        self.steps += 1
        decay = min(EMA, (1 + self.steps) / (10 + self.steps))
        for name, value in model.named_parameters():
            if value.requires_grad:
                self.kept[name].lerp_(value, 1 - decay)

    def swap(self, model):
        """Exchanges the average with the weights of `model`."""
        with torch.no_grad():
            for name, value in model.named_parameters():
                if value.requires_grad:
                    kept = self.kept[name].clone()
                    self.kept[name].copy_(value)
                    value.copy_(kept)


def save(model, base: Path, out: Path):
    out.mkdir(parents=True, exist_ok=True)
    whole = {k: v.contiguous() for k, v in model.state_dict().items()}
    save_file({k[5:]: v for k, v in whole.items() if k.startswith("bert.")}, out / "model.safetensors")
    head = {
        "pooler.dense.weight": whole["pooler.weight"],
        "pooler.dense.bias": whole["pooler.bias"],
        "classifier.weight": whole["classifier.weight"],
        "classifier.bias": whole["classifier.bias"],
    }
    save_file(head, out / "head.safetensors")
    for name in ["config.json", "vocab.txt", "tokenizer.json"]:
        shutil.copy(base / name, out / name)


def train(args):
    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    rng = random.Random(args.seed)
    tokenizer = Tokenizer.from_file(str(args.base / "tokenizer.json"))
    # The shipped file cuts and fills to 128.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    rows, dev = read(args.data / "train.jsonl"), read(args.data / "dev.jsonl")
    # Enough to see how it goes; the report measures all of it, through the gateway's own code.
    dev = random.Random(0).sample(dev, min(len(dev), DEV_ROWS))
    ids, dev_ids = encode(rows, tokenizer), encode(dev, tokenizer)
    truth = torch.tensor([LABELS.index(row["label"]) for row in rows])
    lengths = [len(i) for i in ids]
    print(f"{len(rows)} rows, {sum(lengths) / 1e6:.2f} M tokens; development: {len(dev)} rows", flush=True)

    model = Classifier(args.base).to(args.device)
    model.train()
    if args.start:
        from safetensors.torch import load_file

        start = {"bert." + k: v for k, v in load_file(args.start / "model.safetensors").items()}
        head = load_file(args.start / "head.safetensors")
        start |= {k.replace("pooler.dense", "pooler"): v for k, v in head.items()}
        model.load_state_dict(start)
    learning = [p for p in model.parameters() if p.requires_grad]
    head = list(model.pooler.parameters()) + list(model.classifier.parameters())
    body = [p for p in learning if not any(p is h for h in head)]
    optimizer = torch.optim.AdamW(
        [{"params": body, "lr": args.rate}, {"params": head, "lr": args.rate * 5}],
        weight_decay=0.01,
        fused=True,
    )
    each = len(batches(lengths, random.Random(0)))
    steps = min(args.epochs * each, args.steps or args.epochs * each)
    warm = max(1, steps // 20)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: min(1.0, (s + 1) / warm) * max(0.02, 1 - s / steps)
    )
    average, log, step, began = Average(model), [], 0, time.time()
    for epoch in range(math.ceil(steps / each)):
        total, seen = 0.0, 0
        for chosen in batches(lengths, rng)[: steps - step]:
            padded, mask = collate(ids, chosen, args.device)
            with torch.autocast(args.device, dtype=torch.bfloat16):
                logits = model(padded, mask)
            loss = torch.nn.functional.cross_entropy(
                logits.float(), truth[chosen].to(args.device), label_smoothing=SMOOTHING
            )
            loss.backward()
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimizer.step()
            schedule.step()
            optimizer.zero_grad()
            average.add(model)
            total += loss.item()
            seen += 1
            step += 1
            if step % 25 == 0:
                gone = time.time() - began
                left = gone / step * (steps - step)
                print(f"step {step}/{steps} loss {total / seen:.4f} "
                      f"{gone / 60:.1f} min, {left / 60:.1f} left", flush=True)
            if step % args.checkpoint == 0:
                average.swap(model)
                save(model, args.base, args.out)
                average.swap(model)
        average.swap(model)
        save(model, args.base, args.out)
        measured = figures(dev, score(logits_of(model, dev_ids, args.device)).tolist())
        average.swap(model)
        log.append({"epoch": epoch + 1, "steps": step, "loss": total / seen, **measured})
        print(json.dumps(log[-1], indent=1), flush=True)
        (args.out / "training.json").write_text(json.dumps(log, indent=1) + "\n")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path, help="go on from what an earlier run wrote")
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--steps", type=int, help="stop after so many batches, if that is sooner")
    parser.add_argument("--rate", type=float, default=8e-5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--checkpoint", type=int, default=500)
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    train(parser.parse_args())


if __name__ == "__main__":
    main()
