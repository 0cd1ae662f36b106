"""Who may not write a log: a second gateway, one with another key or name, one whose key all can read. None starts, each says why."""

import pathlib
import subprocess

from proof import log, scene
from proof.agents import Caller
from proof.provider import Provider
from stage import gateway, told

# How long it may take to say no, in seconds; a debug build on a busy machine.
NO_MAX = 15.0
BROKEN = 3


async def main():
    provider = Provider()
    url = await provider.start()
    with gateway.folder() as where:
        path = scene.lay_out(where, url, mode="strict")
        async with scene.Serving(path) as running:
            await Caller(running.agents).chat("hello")
            before = whole(path)
            await refuses(path, "a second gateway on the same folder", "another process")
            told.check(
                (await Caller(running.agents).chat("still there?")).status == 200, "the first goes on as if nothing had been"
            )
        told.check(before <= whole(path), "and nothing of its log was touched")
        await others(where, path, url)
        async with scene.Serving(path) as running:
            told.check((await Caller(running.agents).chat("back")).status == 200, "with its own key and name it goes on")
        good = await log.verified(scene.folder_of(path))
        told.check(good.code == 0, "and the log is good", good.words)


def whole(path):
    return set(log.lines(scene.folder_of(path)))


async def others(where, path, url):
    folder, key = scene.folder_of(path), pathlib.Path(where) / "foreign.pem"
    before = whole(path)
    scene.lay_out(where, url, mode="strict", origin="other.example.com/audit")
    await refuses(path, "another origin", "proof.example.com/audit")
    made = subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", key], capture_output=True)
    if made.returncode == 0:
        key.chmod(0o600)
        scene.lay_out(where, url, mode="strict", key_file=str(key))
        await refuses(path, "a foreign key", "key")
    else:
        told.measured("no openssl: a foreign key was not tried")
    scene.lay_out(where, url, mode="strict")
    (folder / "key.pem").chmod(0o644)
    await refuses(path, "a key that others may read", "owner")
    (folder / "key.pem").chmod(0o600)
    (folder / "key.pem").rename(folder / "key.away")
    await refuses(path, "a lost key", "key")
    (folder / "key.away").rename(folder / "key.pem")
    good = (folder / "key.pem").read_text()
    (folder / "key.pem").write_text("no key at all\n")
    await refuses(path, "a broken key", "key")
    (folder / "key.pem").write_text(good)
    scene.lay_out(where, url, mode="strict", folder="/dev/null/audit")
    await refuses(path, "a folder that cannot be", "/dev/null/audit")
    scene.lay_out(where, url, mode="strict")
    told.check(before == whole(path), "none of them changed a byte of the records")


async def refuses(path, who, word):
    """It does not start: at once, with exit code 3 and a word that tells why."""
    try:
        said = await log.sallyport("run", "--config", path, within=NO_MAX)
    except TimeoutError:
        told.check(False, f"{who}: it does not start", "it did")
        return
    told.check(said.code == BROKEN and word in said.told, f"{who}: exit code {BROKEN}, and the reason is told", said.words)
    told.measured(said.told.strip().replace(str(path.parent), "…"))
