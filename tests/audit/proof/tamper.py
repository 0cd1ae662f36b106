"""A log that was changed: verify names the first record that was, and the independent verifier agrees that it is bad."""

import asyncio
import base64
import dataclasses
import hashlib
import json
import pathlib
import random
import sys
import typing

from proof import log, scene
from proof.agents import Caller
from proof.provider import Provider
from stage import gateway, told

CHATS = 80
# Bytes that are flipped, one at a time.
FLIPS = 20
BROKEN = 3


async def main():
    provider = Provider()
    url = await provider.start()
    with gateway.folder() as where:
        where = pathlib.Path(where)
        path = scene.lay_out(where, url, mode="strict", segment_size="64KiB")
        held = await written(path)
        folder = scene.folder_of(path)
        key = where / "held.pub"
        key.write_text((folder / "key.pub").read_text())
        good = await log.verified(folder, "--key", key)
        told.check(good.code == 0 and good.json()["unsigned"] == 0, "what the gateway wrote and closed is good, all signed", good.words)
        told.measured(f"{good.json()['records']} records, {len(list((folder / 'segments').iterdir()))} segments")
        for case in cases(folder):
            await named(where, folder, key, case)
        await flipped(where, folder, key)
        await around(where, folder, key)
        await held_elsewhere(where, path, key, held)
        await not_gone_on_with(where, path)
        await proved(where, folder, key, held)


async def written(path):
    """Fills a log by way of the gateway. Gives a checkpoint from the middle."""
    async with scene.Serving(path) as running:
        agent = Caller(running.agents)
        for n in range(CHATS):
            await agent.chat(f"chat {n}", stream=n % 3 == 0)
    held = path.parent / "held.checkpoint"
    held.write_bytes((scene.folder_of(path) / "checkpoint").read_bytes())
    log.copied(scene.folder_of(path), path.parent / "before")
    async with scene.Serving(path) as running:
        agent = Caller(running.agents)
        for n in range(CHATS):
            await agent.chat(f"chat {n}")
    return held


@dataclasses.dataclass
class Case:
    """What is done to a copy of the log, and the first record that is bad then."""

    what: str
    first: int
    harm: typing.Callable


def place(folder, seq):
    """The segment in which a record lies, and which line of it that is."""
    segment = max(path for path in (folder / "segments").iterdir() if int(path.stem) <= seq)
    return segment, seq - int(segment.stem)


def edited(seq, edit):
    """Changes the lines of the segment with the record `seq`."""

    def harm(folder):
        segment, at = place(folder, seq)
        lines = segment.read_bytes().splitlines(keepends=True)
        segment.write_bytes(b"".join(edit(lines, at)))

    return harm


def cases(folder):
    """Harm of each kind, at the beginning, in the middle and at the end."""
    size = sum(1 for _ in log.lines(folder))
    seqs = [0, random.randrange(2, size - 3), size - 2]
    for seq in seqs:
        word = f"record {seq} of {size}"

        def other(lines, at):
            return [*lines[:at], lines[at].replace(b'"kind":"', b'"kind":"x', 1), *lines[at + 1 :]]

        def away(lines, at):
            return [*lines[:at], *lines[at + 1 :]]

        def twice(lines, at):
            return [*lines[:at], lines[at - 1] if at else lines[-1], *lines[at:]]

        def forged(lines, at):
            record = json.loads(lines[at])
            record["body"] = {"forged": True}
            line = json.dumps(record, separators=(",", ":"), sort_keys=True).encode() + b"\n"
            return [*lines[:at], line, *lines[at:]]

        yield Case(f"{word} changed", seq, edited(seq, other))
        yield Case(f"{word} taken out", seq, edited(seq, away))
        yield Case(f"an old record put in before {word}", seq, edited(seq, twice))
        yield Case(f"a forged record put in before {word}", seq, edited(seq, forged))
        yield Case(f"cut off in {word}", seq, cut_off(seq, half=True))
        yield Case(f"cut off before {word}", seq, cut_off(seq, half=False))
        segment, at = place(folder, seq)
        if at + 1 < len(segment.read_bytes().splitlines()):
            swap = lambda lines, at: [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]
            yield Case(f"{word} swapped with the next", seq, edited(seq, swap))
    middle = sorted((folder / "segments").iterdir())[1]
    yield Case(f"the segment {middle.name} taken out", int(middle.stem), lambda copy: (copy / "segments" / middle.name).unlink())
    yield Case(f"record {size // 2} changed, and the chain behind it made anew", size // 2, chained_anew(size // 2))


def cut_off(seq, half):
    """The log ends within a record, or before it."""

    def harm(folder):
        segment, at = place(folder, seq)
        lines = segment.read_bytes().splitlines(keepends=True)
        end = lines[at][: len(lines[at]) // 2] if half else b""
        segment.write_bytes(b"".join(lines[:at]) + end)
        for later in (folder / "segments").iterdir():
            if int(later.stem) > seq:
                later.unlink()

    return harm


def chained_anew(seq):
    """Whoever has the folder but not the key: a record is changed, and every `prev` behind it made to fit."""

    def harm(folder):
        prev = None
        for segment in sorted((folder / "segments").iterdir()):
            lines = []
            for line in segment.read_bytes().splitlines():
                record = json.loads(line)
                if record["seq"] == seq:
                    record["body"] = {"forged": True}
                if record["seq"] > seq:
                    record["prev"] = prev
                line = json.dumps(record, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
                prev = hashlib.sha256(line).hexdigest()
                lines.append(line + b"\n")
            segment.write_bytes(b"".join(lines))

    return harm


async def named(where, folder, key, case):
    """Both verifiers say bad; ours names the record."""
    copy = log.copied(folder, where / "harmed")
    case.harm(copy)
    bad, other = await both(copy, key)
    holds = bad.code == 1 and bad.json()["seq"] == case.first
    told.check(holds, f"{case.what}: record {case.first} is named", bad.words)
    told.check(other.code == 1 and "BAD" in other.told, f"{case.what}: the independent verifier agrees", other.words)


async def both(folder, key, *more):
    """What our own and the independent verifier say."""
    return await asyncio.gather(
        log.verified(folder, "--key", key, *more), log.verified_by_python(folder, "--key", key.read_text(), *more)
    )


async def flipped(where, folder, key):
    """One bit of any byte of the records."""
    wrong = []
    for _ in range(FLIPS):
        copy = log.copied(folder, where / "harmed")
        segment = random.choice(sorted((copy / "segments").iterdir()))
        text = bytearray(segment.read_bytes())
        at = random.randrange(len(text))
        text[at] ^= 1 << random.randrange(8)
        seq = int(segment.stem) + segment.read_bytes()[:at].count(b"\n")
        segment.write_bytes(text)
        bad = await log.verified(copy, "--key", key)
        if bad.code != 1 or bad.json()["seq"] != seq:
            wrong.append(f"byte {at} of {segment.name}, record {seq}: {bad.words}")
    told.check(not wrong, f"{FLIPS} bits flipped, one at a time: each time its record is named", f"{wrong[:2]}")


async def around(where, folder, key):
    """What stands around the records: checkpoints, tiles, keys."""

    def flip(name):
        def harm(copy):
            file = next(path for path in sorted(copy.glob(name)) if path.is_file())
            text = bytearray(file.read_bytes())
            text[len(text) // 2] ^= 1
            file.write_bytes(text)

        return harm

    harms = {
        "the checkpoint changed": flip("checkpoint"),
        "the checkpoint taken away": lambda copy: (copy / "checkpoint").unlink(),
        "an old checkpoint changed": flip("checkpoints"),
        "signed by another key": resigned,
    }
    for what, harm in harms.items():
        copy = log.copied(folder, where / "harmed")
        harm(copy)
        bad, other = await both(copy, key)
        told.check(bad.code == 1, f"{what}: bad", bad.words)
        told.check(other.code == 1, f"{what}: the independent verifier agrees", other.words)
    # Tiles are made from records, so a log whose tile is damaged is whole, and told of.
    for tile in ("tile/0/000", "tile/entries/000"):
        copy = log.copied(folder, where / "harmed")
        flip(tile)(copy)
        fine, other = await both(copy, key)
        remarked = fine.code == 0 and any(tile in remark for remark in fine.json()["remarks"])
        told.check(remarked, f"{tile} changed: told of, as it can be made anew", fine.words)
        told.check(other.code == 1, f"{tile} changed: the independent verifier sees it", other.words)


def resigned(folder):
    """The last checkpoint with a signature that nobody made with the key."""
    text, signature = (folder / "checkpoint").read_text().rsplit(" ", 1)
    signature = bytearray(base64.b64decode(signature))
    signature[4:] = random.randbytes(64)
    (folder / "checkpoint").write_text(f"{text} {base64.b64encode(signature).decode()}\n")


async def held_elsewhere(where, path, key, held):
    """An older state of the whole folder is right in itself; only a newer checkpoint tells."""
    folder, now = scene.folder_of(path), where / "now.checkpoint"
    now.write_bytes((folder / "checkpoint").read_bytes())
    old = where / "before"
    fine, other = await both(old, key)
    told.check(fine.code == other.code == 0, "an older state put back is good in itself", f"{fine.words} {other.words}")
    bad, other = await both(old, key, "--against", now)
    told.check(bad.code == other.code == 1, "and bad against a checkpoint that was held", f"{bad.words} {other.words}")
    fine, other = await both(folder, key, "--against", held)
    told.check(fine.code == other.code == 0, "the log has grown out of an older one that was held", f"{fine.words} {other.words}")


async def not_gone_on_with(where, path):
    """The gateway does not write behind what was changed."""
    folder = scene.folder_of(path)
    kept = log.copied(folder, where / "kept")
    last = log.last_segment(folder)
    seq = int(last.stem) + 1
    edited(seq, lambda lines, at: [*lines[:at], *lines[at + 1 :]])(folder)
    harmed = {file: file.read_bytes() for file in (folder / "segments").iterdir()}
    said = await log.sallyport("run", "--config", path, within=20)
    told.check(
        said.code == BROKEN and f"record {seq}" in said.told, "the gateway does not start on it, and names the record", said.words
    )
    same = {file: file.read_bytes() for file in (folder / "segments").iterdir()} == harmed
    told.check(same, "and leaves the evidence as it is")
    log.copied(kept, folder)


async def proved(where, folder, key, held):
    """Proofs of records, checked with the key alone."""
    lines = list(log.lines(folder))
    proof = where / "record.tlog-proof"
    for seq in (0, len(lines) // 3, len(lines) - 1):
        made = await log.sallyport("audit", "prove", "--folder", folder, "--seq", seq)
        proof.write_text(made.out)
        checked, other = await both_check(proof, key)
        shows = checked.out.encode().rstrip(b"\n") == lines[seq]
        told.check(checked.code == 0 and shows, f"record {seq} is proven, and shown", checked.words)
        told.check(other.code == 0 and lines[seq].decode() in other.out, f"record {seq}: the independent verifier agrees", other.words)
    text = made.out
    extra = text.split("\n")[1].removeprefix("extra ")
    forged = base64.b64encode(base64.b64decode(extra).replace(b'"kind":"', b'"kind":"x', 1)).decode()
    for what, changed in {
        "another record in the proof": text.replace(extra, forged),
        "another place": text.replace(f"index {seq}\n", f"index {seq - 1}\n"),
        "a hash less": "\n".join(text.split("\n")[:3] + text.split("\n")[4:]),
    }.items():
        proof.write_text(changed)
        checked, other = await both_check(proof, key)
        told.check(checked.code == 1 and other.code == 1, f"{what} proves nothing to either", f"{checked.words} {other.words}")
    missing = await log.sallyport("audit", "prove", "--folder", folder, "--seq", len(lines) + 5)
    told.check(missing.code == BROKEN, "a record that is not there is not proven", missing.words)
    made = await log.sallyport("audit", "prove", "--folder", folder, "--since", held)
    proof.write_text(made.out)
    checked = await log.sallyport("audit", "prove", "--check", proof, "--key", key)
    told.check(checked.code == 0, "that the log only grew since a checkpoint is proven", f"{made.words} {checked.words}")


async def both_check(proof, key):
    """What our own and the independent verifier say of a proof."""
    return await asyncio.gather(
        log.sallyport("audit", "prove", "--check", proof, "--key", key),
        log.said(sys.executable, log.VERIFIER, "--proof", proof, "--key", key.read_text()),
    )
