#!/usr/bin/env python3
"""The image, without a container engine: its root file system is put together by the Dockerfile's own steps, and the binary
runs in it under bubblewrap: read-only, as a number that is not root, without capabilities, with no network but loopback."""

import asyncio
import os
import pathlib
import platform
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from stage import dockerfile, gateway, told
from stage.agents import Agent
from stage.upstream import Upstream

ARCHITECTURE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
# All but the binary: libraries, authorities, licences.
BASE_MAX = 8 << 20
UPSTREAM_PORT = 18080


def in_builder(steps, repository, out, root):
    """Runs RUN steps as the builder would: the system's programs, the sources at /src, nothing else to write to."""
    system = [word for name in ("bin", "sbin", "lib", "lib64") for word in ("--symlink", f"usr/{name}", f"/{name}")]
    sandbox = ["bwrap", "--unshare-net", "--ro-bind", "/usr", "/usr", *system, "--ro-bind", "/etc", "/etc", "--ro-bind", "/var/lib/dpkg", "/var/lib/dpkg"]
    sandbox += ["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--ro-bind", repository, "/src", "--chdir", "/src", "--bind", out, "/out", "--bind", root, "/rootfs"]
    for step in steps:
        subprocess.run([*sandbox, "sh", "-c", step], check=True)


def assemble(where):
    """The root file system of the stage `image`."""
    stages = dockerfile.stages(dockerfile.PATH.read_text())
    image = stages["image"]
    told.check(image[0] == "scratch" and not dockerfile.of(image, "RUN"), "the last stage adds nothing to what is copied into it")
    told.check(list(stages)[-1] == "image", "it is what is built unless another is asked for")
    out, root = where / "out", where / "rootfs"
    out.mkdir()
    root.mkdir()
    subprocess.run([dockerfile.REPOSITORY / "scripts/strip.sh", gateway.binary(), out / ARCHITECTURE], check=True)
    built = out / ARCHITECTURE
    if (built / gateway.binary().name) != built / "sallyport":
        (built / gateway.binary().name).rename(built / "sallyport")
    for stage, source, target in dockerfile.copies(image):
        told.check((source, target) == ("/rootfs/", "/"), "one copy makes the whole root")
        steps = [dockerfile.with_arguments(step, TARGETARCH=ARCHITECTURE) for step in dockerfile.of(stages[stage], "RUN")]
        in_builder(steps, str(dockerfile.REPOSITORY), str(out), str(root))
    return image, root


def looks_right(image, root):
    user = dockerfile.of(image, "USER")
    told.check(len(user) == 1 and all(part.isdigit() and int(part) > 0 for part in user[0].split(":")), "the user is a number, and not root's", f"{user}")
    entries = [path for path in root.rglob("*") if not path.is_symlink()]
    programs = sorted(str(path.relative_to(root)) for path in entries if path.is_file() and path.stat().st_mode & 0o111)
    told.check(
        len(programs) == 2 and programs[-1] == "usr/local/bin/sallyport" and "/ld-linux" in programs[0],
        "nothing can be run but the binary and its loader",
        f"{programs}",
    )
    special = [path for path in entries if path.stat().st_mode & (stat.S_ISUID | stat.S_ISGID) or (path.is_file() and path.stat().st_mode & 0o022)]
    told.check(not special, "no file has set-user-id or is writable by others", f"{special}")
    binary = (root / "usr/local/bin/sallyport").stat().st_size
    base = sum(path.stat().st_size for path in entries if path.is_file()) - binary
    told.check(base < BASE_MAX, f"besides the binary there are less than {BASE_MAX >> 20} MiB", f"{base}")
    packages = sorted(path.name for path in (root / "var/lib/dpkg/status.d").iterdir())
    told.check({"libc6", "libstdc++6", "ca-certificates"} <= set(packages), "scanners can tell what came from Debian", f"{packages}")
    told.measured(f"image {(base + binary) / 1e6:.1f} MB: binary {binary / 1e6:.1f} MB, the rest {base / 1e6:.1f} MB (a debug build, if this is one)")


def in_image(root, configuration, state, user):
    """The sandbox that stands for `docker run --read-only --cap-drop ALL`."""
    uid, gid = user.split(":")
    sandbox = ["bwrap", "--unshare-user", "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--uid", uid, "--gid", gid, "--cap-drop", "ALL", "--clearenv"]
    sandbox += ["--die-with-parent", "--new-session", "--ro-bind", str(root), "/", "--proc", "/proc", "--dev", "/dev"]
    return [*sandbox, "--ro-bind", str(configuration), "/etc/sallyport", "--bind", str(state), "/var/lib/sallyport", "--chdir", "/var/lib/sallyport"]


async def serves(where, image, root, firewall):
    """Inside a network of loopback alone: a chat, whole and streamed, then SIGTERM."""
    upstream = Upstream(words=5)
    await upstream.start(port=UPSTREAM_PORT + firewall)
    configuration, state = where / f"conf{firewall}", where / f"state{firewall}"
    state.mkdir()
    text = gateway.config(
        upstream.url,
        agents='{listen: "0.0.0.0:8080"}',
        operators='{listen: "0.0.0.0:9090"}',
        decisions="{to: /var/lib/sallyport/decisions.jsonl}",
        firewall=f"{{enabled: {'true' if firewall else 'false'}}}",
    )
    gateway.lay_out(configuration, text)
    words = dockerfile.command(image)
    told.check(words[1:] == ["run", "--config", "/etc/sallyport/sallyport.yaml"], "the image runs the documented command", f"{words}")
    sandbox = in_image(root, configuration, state, dockerfile.of(image, "USER")[0])
    running = await gateway.Gateway.start(words[-1], [*sandbox, words[0]])
    running.agents, running.operators = ("127.0.0.1", 8080), ("127.0.0.1", 9090)
    with_model = "with" if firewall else "without"
    try:
        for path in ("/healthz", "/readyz"):
            status, _ = await asyncio.to_thread(running.operators_say, path)
            told.check(status == 200, f"{path} says 200, {with_model} the model", f"{status}")
        for stream in (False, True):
            answer = await Agent(running.agents).ask(stream=stream)
            told.check(answer.whole, f"a chat is served, stream={stream}, {with_model} the model", f"{answer}")
        told.measured(f"ready in {running.ready_in:.2f} s {with_model} the model")
        me = next(int(pid) for pid in os.listdir("/proc") if pid.isdigit() and is_gateway(pid))
        status = pathlib.Path(f"/proc/{me}/status").read_text()
        told.check("CapEff:\t0000000000000000" in status, "it has no capabilities")
        mounts = pathlib.Path(f"/proc/{me}/mountinfo").read_text().splitlines()
        told.check(any(line.split()[4] == "/" and "ro" in line.split()[5].split(",") for line in mounts), "its root is read-only")
        os.kill(me, 15)
        told.check(await running.ends(20) == 0, "SIGTERM ends it with exit code 0")
    finally:
        await running.stop()
    written = sorted(path.name for path in state.rglob("*"))
    told.check(written == ["decisions.jsonl"], "it wrote to its volume and nowhere else", f"{written}")


def is_gateway(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe").endswith("/usr/local/bin/sallyport")
    except OSError:
        return False


async def inside(where):
    stages = dockerfile.stages(dockerfile.PATH.read_text())
    interfaces = [line.split(":")[0].strip() for line in pathlib.Path("/proc/net/dev").read_text().splitlines()[2:]]
    told.check(interfaces == ["lo"], "there is no network but loopback", f"{interfaces}")
    for firewall in (0, 1):
        await serves(where, stages["image"], where / "rootfs", firewall)


def main():
    if len(sys.argv) > 1:
        asyncio.run(inside(pathlib.Path(sys.argv[1])))
        told.end()
    if not shutil.which("bwrap"):
        told.cannot("there is no bwrap (Debian: bubblewrap)")
    if subprocess.run(["bwrap", "--unshare-user", "--unshare-net", "--ro-bind", "/", "/", "true"], capture_output=True).returncode:
        told.cannot("bubblewrap may make no namespaces here")
    with gateway.folder() as folder:
        where = pathlib.Path(folder)
        image, root = assemble(where)
        looks_right(image, root)
        again = ["bwrap", "--unshare-net", "--dev-bind", "/", "/", sys.executable, __file__, folder]
        inside_failed = subprocess.run(again).returncode
        told.check(inside_failed == 0, "all of that holds in a network of its own")
    told.end()


main()
