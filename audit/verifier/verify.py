#!/usr/bin/env python3
"""Checks a Sallyport audit log, or a proof from one, by FORMAT.md alone: Python's standard library, no other code.

    verify.py FOLDER [--key VKEY] [--against CHECKPOINT]    chain, tree, tiles, checkpoints, signatures
    verify.py --proof FILE --key VKEY                       that a record is in the log
"""
import argparse, base64, hashlib, json, os, sys

# Ed25519 (RFC 8032, section 6, in extended coordinates)
P, L = 2**255 - 19, 2**252 + 27742317777372353535851937790883648493
D, ROOT = -121665 * pow(121666, P - 2, P) % P, pow(2, (P - 1) // 4, P)
def add(a, b):
    A, B, C, E = (a[1] - a[0]) * (b[1] - b[0]), (a[1] + a[0]) * (b[1] + b[0]), 2 * a[3] * b[3] * D, 2 * a[2] * b[2]
    e, f, g, h = B - A, E - C, E + C, B + A
    return e * f % P, g * h % P, f * g % P, e * h % P
def times(n, point):
    result = (0, 1, 1, 0)
    while n:
        if n & 1: result = add(result, point)
        point, n = add(point, point), n >> 1
    return result
def x_of(y, sign):
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P: x = x * ROOT % P
    return None if (x * x - xx) % P or (x == 0 and sign) else P - x if x & 1 != sign else x
def point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    x = None if y >= P else x_of(y, sign)
    return None if x is None else (x, y, 1, x * y % P)
BASE = (lambda y: (x_of(y, 0), y, 1, x_of(y, 0) * y % P))(4 * pow(5, P - 2, P) % P)
def signed_by(public, text, signature):
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or len(signature) != 64 or s >= L: return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + text).digest(), "little") % L
    left, right = times(s, BASE), add(r, times(h, a))
    return (left[0] * right[2] - right[0] * left[2]) % P == 0 == (left[1] * right[2] - right[1] * left[2]) % P
# RFC 6962, section 2.1
sha, leaf = lambda data: hashlib.sha256(data).digest(), lambda data: sha(b"\0" + data)
node = lambda left, right: sha(b"\1" + left + right)
class Tree:
    def __init__(self): self.size, self.peaks = 0, []
    def push(self, hash):
        size = self.size
        while size & 1: hash, size = node(self.peaks.pop(), hash), size >> 1
        self.peaks, self.size = self.peaks + [hash], self.size + 1
    def root(self):
        if not self.peaks: return sha(b"")
        right = self.peaks[-1]
        for left in self.peaks[-2::-1]: right = node(left, right)
        return right
def fail(words): sys.exit("BAD: " + words)
def read_key(text):
    origin, id, key = text.strip().split("+", 2)
    key = base64.b64decode(key, validate=True)
    want = sha(origin.encode() + b"\n" + key)[:4].hex()
    if key[:1] != b"\1" or len(key) != 33 or id != want: fail("the key is no Ed25519 vkey")
    return origin, bytes.fromhex(id), key[1:]
def open_note(note, key):
    """(size, root) of a checkpoint whose signature is right."""
    text, _, signatures = note.rpartition("\n\n")
    origin, size, root = (text + "\n").split("\n")[:3]
    if origin != key[0] or str(int(size)) != size: fail("a checkpoint of another log: " + origin)
    for line in signatures.splitlines():
        dash, name, signature = line.split(" ")
        signature = base64.b64decode(signature, validate=True)
        if (dash, name, signature[:4]) == ("—", key[0], key[1]):
            if signed_by(key[2], (text + "\n").encode(), signature[4:]): return int(size), base64.b64decode(root, validate=True)
            fail(f"the signature on the checkpoint of size {size} is wrong")
    fail("a checkpoint is signed by another key")
def check_proof(text, key):
    head, _, note = text.partition("\n\n")
    first, extra, index, *path = head.split("\n")
    if first != "c2sp.org/tlog-proof@v1" or extra[:6] != "extra " or index[:6] != "index ": fail("not a proof with a record")
    line, at, path = base64.b64decode(extra[6:], validate=True), int(index[6:]), [base64.b64decode(hash) for hash in path]
    size, root = open_note(note, key)
    hash, n, last = leaf(sha(line)), at, size - 1
    for sibling in path:  # RFC 9162, section 2.1.3.2
        if last == 0: fail("the proof is too long")
        if n & 1 or n == last:
            hash = node(sibling, hash)
            while not n & 1 and n: n, last = n >> 1, last >> 1
        else: hash = node(hash, sibling)
        n, last = n >> 1, last >> 1
    if at >= size or last or hash != root or json.loads(line)["seq"] != at: fail(f"record {at} is not in the tree")
    print(f"ok: record {at} is in the log of {size} records\n{line.decode()}")
def tile_path(layer, index, width=256):
    digits = str(index).zfill(-(-len(str(index)) // 3) * 3)
    groups = [digits[i:i + 3] for i in range(0, len(digits), 3)]
    return "/".join(["tile", str(layer)] + ["x" + group for group in groups[:-1]] + groups[-1:]) + (f".p/{width}" if width < 256 else "")
def check_tiles(folder, size, digests):
    layer, hashes, rows = 0, [leaf(digest) for digest in digests], [("entries", [b"\0\x20" + digest for digest in digests])]
    while hashes:
        rows.append((layer, hashes))
        full = []
        for i in range(0, len(hashes) // 256 * 256, 256):
            tree = Tree()
            for hash in hashes[i:i + 256]: tree.push(hash)
            full.append(tree.root())
        layer, hashes = layer + 1, full
    for layer, row in rows:
        for i in range(0, len(row), 256):
            path, want = tile_path(layer, i // 256, min(256, len(row) - i)), b"".join(row[i:i + 256])
            for name in (path, path.split(".p/")[0]):  # a log that goes on may have filled it
                if os.path.exists(os.path.join(folder, name)): break
            else: fail(f"the tile {path} is missing")
            if open(os.path.join(folder, name), "rb").read()[:len(want)] != want: fail(f"the tile {path} is wrong")
def check_log(folder, key, against):
    read = lambda name: open(os.path.join(folder, name), encoding="utf-8").read()
    size, root = open_note(read("checkpoint"), key)
    parts = read("checkpoints").split("\n\n")[:-1]
    signed = [open_note(a + "\n\n" + b + "\n", key) for a, b in zip(parts[::2], parts[1::2])] + [(size, root)]
    if against: signed.append(open_note(open(against, encoding="utf-8").read(), key))
    if max(signed)[0] > size: fail(f"{max(signed)[0]} records were signed, and the log has {size}")
    tree, digests, last, retained = Tree(), [], bytes(32), 0
    def push(digest):
        digests.append(digest)
        tree.push(leaf(digest))
        if any(root != tree.root() for at, root in signed if at == tree.size): fail(f"the root of the first {tree.size} records is not the one that was signed")
    files = sorted(name for name in os.listdir(os.path.join(folder, "segments")) if os.path.getsize(os.path.join(folder, "segments", name)))
    first = int(files[0].split(".")[0]) if files else 0
    for seq in range(first):  # what went by retention is in the bundles
        with open(os.path.join(folder, tile_path("entries", seq // 256)), "rb") as bundle: push(last := bundle.read()[seq % 256 * 34 + 2:][:32])
    for name in files:
        if int(name.split(".")[0]) != tree.size: fail(f"record {tree.size}: its segment is missing")
        for line in open(os.path.join(folder, "segments", name), "rb"):
            if tree.size == size: break  # not signed yet
            try: record = json.loads(line)
            except ValueError: fail(f"record {tree.size} in {name} is no JSON")
            if line[-1:] != b"\n" or record["seq"] != tree.size: fail(f"record {tree.size} in {name} is not where it should be")
            if record["prev"] != last.hex(): fail(f"record {tree.size} in {name} does not follow from the one before it")
            if record["kind"] == "retention": retained = max(retained, record["body"]["last"] + 1)
            push(last := sha(line[:-1]))
    if tree.size < size: fail(f"{size} records are signed, and {tree.size} are there")
    if first > retained: fail(f"the records before {first} are not there, and no retention record says why")
    check_tiles(folder, size, digests)
    print(f"ok: {size} records, {len(signed)} checkpoints, root {root.hex()}")
if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("folder", nargs="?")
    for name in ("--key", "--against", "--proof"): arguments.add_argument(name)
    given = arguments.parse_args()
    try:
        key = read_key(given.key or open(os.path.join(given.folder or "", "key.pub"), encoding="utf-8").read())
        if given.proof: check_proof(open(given.proof, encoding="utf-8").read(), key)
        else: check_log(given.folder, key, given.against)
    except (ValueError, KeyError, TypeError, OSError) as error: fail(f"{type(error).__name__}: {error}")
