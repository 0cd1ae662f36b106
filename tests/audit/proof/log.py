"""The log as others see it: by `sallyport audit`, by the independent verifier, and as plain files."""

import asyncio
import dataclasses
import json
import pathlib
import shutil
import sys

from stage.gateway import binary

VERIFIER = pathlib.Path(__file__).resolve().parents[3] / "audit" / "verifier" / "verify.py"


@dataclasses.dataclass
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    told: str

    @property
    def words(self):
        return f"exit {self.code}: {self.out[:600]} {self.told[:600]}".strip()

    def json(self):
        return json.loads(self.out)


async def said(*words, within=300, stdin=""):
    """Runs a command to its end."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *map(str, words), stdin=pipe, stdout=pipe, stderr=pipe
    )
    try:
        out, told = await asyncio.wait_for(process.communicate(stdin.encode()), within)
    except TimeoutError:
        process.kill()
        raise
    return Said(process.returncode, out.decode(), told.decode())


async def sallyport(*words, **more):
    """Runs the gateway's own command line."""
    return await said(binary(), *words, **more)


async def verified(folder, *more):
    """`sallyport audit verify` in JSON."""
    return await sallyport("audit", "verify", "--json", "--folder", folder, *more)


async def verified_by_python(folder, *more):
    """The independent verifier."""
    return await said(sys.executable, VERIFIER, folder, *more)


def lines(folder):
    """All lines of the log, as bytes without their ends."""
    for segment in sorted((pathlib.Path(folder) / "segments").iterdir()):
        yield from (line.rstrip(b"\n") for line in segment.open("rb") if line.endswith(b"\n"))


def records(folder, *kinds):
    """The log's records, or those of some kinds."""
    for line in lines(folder):
        record = json.loads(line)
        if not kinds or record["kind"] in kinds:
            yield record


def last_segment(folder):
    """The file that is written to."""
    return max((pathlib.Path(folder) / "segments").iterdir())


def copied(folder, to):
    """A copy of the folder to harm."""
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    return pathlib.Path(to)


def audit(**more):
    """The section `audit` of a configuration, as YAML."""
    return json.dumps({"folder": "audit", "origin": "proof.example.com/audit", **more})
