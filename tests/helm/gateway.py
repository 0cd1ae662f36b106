"""The real gateway is asked whether it takes what the chart renders: its files are laid out as the pod would mount them."""

import base64
import os
import re
import subprocess
import tempfile
from pathlib import Path

import objects as rules

CLOSED = "package sallyport.org\n\ndefault allow := false\n"
ED25519 = bytes.fromhex("302e020100300506032b657004220420")


def pem(kind, der):
    return f"-----BEGIN {kind}-----\n{base64.encodebytes(der).decode()}-----END {kind}-----\n"


class Certificate:
    """One self-signed certificate for all cases."""

    made = None

    @classmethod
    def get(cls):
        if not cls.made:
            with tempfile.TemporaryDirectory() as folder:
                line = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=gateway"
                line += " -addext subjectAltName=DNS:gateway -keyout k -out c"
                subprocess.run(line.split(), cwd=folder, check=True, capture_output=True)
                cls.made = Path(folder, "c").read_text(), Path(folder, "k").read_text()
        return cls.made


def content(path):
    """What a Secret or a ConfigMap of somebody else would hold at this place of the pod."""
    if path.endswith("keys.yaml"):
        return "[]\n"
    if path.endswith("tls.crt") or path.endswith("ca.crt"):
        return Certificate.get()[0]
    if path.endswith("tls.key"):
        return Certificate.get()[1]
    if path.endswith("audit/key.pem"):
        return pem("PRIVATE KEY", ED25519 + os.urandom(32))
    return "made-up-provider-key\n"


def mount(folder, files):
    """Files as a ConfigMap is mounted: each a link into `..data`, which is a link to what is in force."""
    for name, text in files.items():
        real = folder / "..first" / name
        real.parent.mkdir(parents=True, exist_ok=True)
        real.write_text(text)
        link = folder / name.split("/")[0]
        if not link.is_symlink():
            link.symlink_to(f"..data/{name.split('/')[0]}")
    folder.mkdir(parents=True, exist_ok=True)
    if files:
        (folder / "..data").symlink_to("..first")


def volume_files(volume, where, maps, case):
    """The files of one volume: those that were rendered, and made-up ones for what is somebody else's."""
    if "configMap" in volume:
        theirs = {"keys.yaml": content("keys.yaml")} if where.endswith("keys") else {"org.rego": CLOSED}
        return maps.get(volume["configMap"]["name"], theirs)
    if "secret" in volume:
        return {item["path"]: content(f"{where}/{item['path']}") for item in volume["secret"].get("items", [])}
    if "projected" in volume:
        items = [item for source in volume["projected"]["sources"] for item in source["secret"]["items"]]
        return {item["path"]: content(f"{where}/{item['path']}") for item in items}
    if where.endswith("policies"):
        steps = [step for step in case.config_text_folder().split("/") if step]
        return {"/".join([*steps, "org.rego"]): CLOSED}
    return {}


def lay_out(root, objects, case):
    """Writes all that the gateway's container mounts. Gives the container."""
    maps = {one["metadata"]["name"]: one["data"] for one in rules.of(objects, "ConfigMap")}
    for _, _, spec in rules.pods(objects):
        container = next(one for one in rules.containers(spec) if one["name"] == rules.GATEWAY)
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        mounts = sorted(container["volumeMounts"], key=lambda one: len(one["mountPath"]))
        for each in mounts:
            volume = volumes.get(each["name"], {})
            where = each["mountPath"]
            files = volume_files(volume, where, maps, case)
            if "sallyport.yaml" in files:
                moved = re.sub(r"(?<![\w.])/(etc|var/lib)/sallyport", rf"{root}/\1/sallyport", files["sallyport.yaml"])
                files = {"sallyport.yaml": moved}
            mount(root / where.lstrip("/"), files)
        return container
    return None


def environment(container, case):
    """The container's variables; those from Secrets have made-up values."""
    known = {"POD_NAME": "sallyport-0", **case.env}
    made = "a made-up value that is longer than thirty-two bytes"
    own = {one["name"]: one.get("value", known.get(one["name"], made)) for one in container.get("env", [])}
    return {"PATH": os.environ.get("PATH", ""), "HOME": "/nowhere", **own}


def wrong(binary, objects, case):
    """What the gateway says against the configuration, or its policies' tests."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        container = lay_out(root, objects, case)
        if not container:
            return
        config = root / "etc/sallyport/config/sallyport.yaml"
        where = container["args"][container["args"].index("--config") + 1]
        if root / where.lstrip("/") != config:
            yield f"gateway: the configuration is looked for at {where}"
        commands = [["check", "--config", config]]
        commands += [["policy", "test", root / "etc/sallyport/policies"]] if case.tests else []
        own = environment(container, case)
        for command in commands:
            done = subprocess.run([binary, *command], env=own, capture_output=True, text=True, timeout=120)
            if done.returncode:
                yield f"gateway: `{command[0]}` ended with {done.returncode}:\n{done.stdout}{done.stderr}".replace(str(root), "")
