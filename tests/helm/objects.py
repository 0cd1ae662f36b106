"""What must hold of every object that the chart renders, whatever the values. Each rule yields what is wrong, in words."""

import re

# Containers that are the gateway's, by name; all others are somebody else's.
GATEWAY, LOCK, GIT = "sallyport", "sallyport-lock", ("sallyport-policies-first", "sallyport-policies")
# What each of ours may mount of the volumes that begin with `sallyport-`. The gateway may mount all but git's.
GIT_VOLUMES = {"sallyport-policies", "sallyport-git-tmp", "sallyport-git-ssh"}
# Words that begin secrets, and the frames of keys.
SECRETS = re.compile(r"\b(sk-[A-Za-z0-9]|sp-[a-z0-9]|ghp_|xox[bp]-)|BEGIN [A-Z ]*PRIVATE KEY")
LABEL = re.compile(r"^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$")
WORKLOADS = ("Deployment", "StatefulSet")


def called(one):
    return f"{one['kind']}/{one['metadata']['name']}"


def of(objects, *kinds):
    return [one for one in objects if one["kind"] in kinds]


def pods(objects):
    """(name, pod template's metadata, pod spec) of each workload."""
    for one in of(objects, *WORKLOADS):
        template = one["spec"]["template"]
        yield called(one), template["metadata"], template["spec"]


def containers(spec):
    return (spec.get("initContainers") or []) + spec["containers"]


def covers(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def names(objects, case):
    """Names are unique, and short enough for what Kubernetes makes of them."""
    seen = set()
    for one in objects:
        key = (one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"])
        if key in seen:
            yield f"{called(one)} is there twice"
        seen.add(key)
        limit = {"StatefulSet": 52, "Service": 63, "Deployment": 63}.get(one["kind"], 253)
        if len(one["metadata"]["name"]) > limit:
            yield f"{called(one)}: the name has more than {limit} characters"
        if not one["metadata"].get("namespace"):
            yield f"{called(one)} names no namespace"
        for key, value in one["metadata"].get("labels", {}).items():
            if not isinstance(value, str) or not LABEL.match(value):
                yield f"{called(one)}: label {key}: {value!r} is none"


def secrets(objects, case):
    """No Secret is made, and no secret stands anywhere."""
    for one in of(objects, "Secret"):
        yield f"{called(one)}: the chart makes no Secrets"
    for one in objects:
        found = SECRETS.search(str(one))
        if found:
            yield f"{called(one)} holds what looks like a secret: {found[0]}…"
    for name, _, spec in pods(objects):
        for container in containers(spec):
            for variable in container.get("env", []):
                if re.search(r"KEY|TOKEN|PASSWORD|SECRET", variable["name"]) and "valueFrom" not in variable:
                    yield f"{name}: {container['name']} has {variable['name']} in the open"


def operators(objects, case):
    """The operators' port is in no Service but its own, which is ClusterIP, and behind no entrance."""
    for one in of(objects, "Service"):
        about = one["metadata"]["labels"].get("sallyport/service")
        for port in one["spec"]["ports"]:
            if (port["targetPort"] == "operators") != (about == "operators"):
                yield f"{called(one)} has the port {port['targetPort']}"
        if about == "operators" and one["spec"].get("type") != "ClusterIP":
            yield f"{called(one)}: the operators' Service must be ClusterIP"
    for one in of(objects, "Ingress", "HTTPRoute"):
        if "operators" in str(one["spec"]):
            yield f"{called(one)} leads to the operators"
    for one in of(objects, "NetworkPolicy"):
        port = case.operators_port
        for rule in one["spec"].get("ingress") or []:
            if any(each["port"] == port for each in rule.get("ports", [])) and not rule.get("from"):
                yield f"{called(one)} lets everyone in at the operators' port"


def security(objects, case):
    """Every container stands on safe ground; the lock alone has one capability."""
    for name, _, spec in pods(objects):
        if spec.get("automountServiceAccountToken") is not False:
            yield f"{name} mounts a token"
        for flag in ("hostNetwork", "hostPID", "hostIPC", "shareProcessNamespace"):
            if spec.get(flag):
                yield f"{name} has {flag}"
        for volume in spec["volumes"]:
            if "hostPath" in volume:
                yield f"{name} mounts the node's {volume['hostPath']['path']}"
            if "emptyDir" in volume and "sizeLimit" not in volume["emptyDir"]:
                yield f"{name}: the volume {volume['name']} may grow without end"
        for container in containers(spec):
            yield from ground(f"{name}: {container['name']}", container, case)


def ground(where, container, case):
    about = container.get("securityContext", {})
    lock = container["name"] == LOCK
    wanted = {
        "privileged": False,
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": not lock,
        "seccompProfile": {"type": "RuntimeDefault"},
        "capabilities": {"drop": ["ALL"], "add": ["NET_ADMIN"]} if lock else {"drop": ["ALL"]},
    }
    for key, value in wanted.items():
        if about.get(key) != value:
            yield f"{where}: {key} is {about.get(key)!r}, not {value!r}"
    user = about.get("runAsUser")
    if not lock and user is None and not (case.no_user and container["name"] == GATEWAY):
        yield f"{where}: no numeric user"
    if not lock and user == 0:
        yield f"{where}: runs as root"
    if "resources" not in container and not case.without("resources"):
        yield f"{where}: no resources"


def provider_keys(objects, case):
    """(Secret, key) of all that the gateway has as files."""
    found = set()
    for _, _, spec in pods(objects):
        for volume in spec["volumes"]:
            for source in volume.get("projected", {}).get("sources", []):
                secret = source.get("secret", {})
                found |= {(secret.get("name"), item["key"]) for item in secret.get("items", [])}
    return found


def separation(objects, case):
    """What is the gateway's alone is mounted by the gateway alone, and the agent is given no provider key."""
    theirs = provider_keys(objects, case)
    for name, _, spec in pods(objects):
        users = {}
        for container in containers(spec):
            mine = {mount["name"] for mount in container.get("volumeMounts", [])}
            ours = {volume for volume in mine if volume.startswith("sallyport-")}
            may = {
                GATEWAY: {v for v in ours if not v.startswith("sallyport-git-")} - {"sallyport-lock"},
                LOCK: {"sallyport-lock"},
                **{one: GIT_VOLUMES for one in GIT},
            }.get(container["name"], set())
            for volume in sorted(ours - may):
                yield f"{name}: {container['name']} mounts {volume}"
            if container["name"] == GATEWAY:
                continue
            users[container["name"]] = container.get("securityContext", {}).get("runAsUser")
            for variable in container.get("env", []):
                secret = variable.get("valueFrom", {}).get("secretKeyRef", {})
                if (secret.get("name"), secret.get("key")) in theirs:
                    yield f"{name}: {container['name']} has the provider's key {secret['name']}/{secret['key']}"
        gateway = [one for one in containers(spec) if one["name"] == GATEWAY]
        if len(gateway) != 1:
            yield f"{name} has {len(gateway)} gateways"
            continue
        for other, user in users.items():
            if user is not None and user == gateway[0]["securityContext"].get("runAsUser"):
                yield f"{name}: {other} is the gateway's user"


def wiring(objects, case):
    """Every name that one object has for another leads there."""
    for name, _, spec in pods(objects):
        have = [volume["name"] for volume in spec["volumes"]]
        have += [claim["metadata"]["name"] for one in of(objects, "StatefulSet") for claim in one["spec"]["volumeClaimTemplates"]]
        used = {mount["name"] for container in containers(spec) for mount in container.get("volumeMounts", [])}
        for volume in sorted(used - set(have)):
            yield f"{name}: there is no volume {volume}"
        for volume in sorted(set(have) - used):
            yield f"{name}: nobody mounts {volume}"
        if len(have) != len(set(have)):
            yield f"{name}: a volume is there twice"
        maps = {one["metadata"]["name"] for one in of(objects, "ConfigMap")}
        for volume in spec["volumes"]:
            wanted = volume.get("configMap", {}).get("name")
            if wanted and wanted not in maps and wanted not in case.existing():
                yield f"{name}: there is no ConfigMap {wanted}"
        for container in containers(spec):
            ports = {port["name"] for port in container.get("ports", [])}
            for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
                port = container.get(probe, {}).get("httpGet", {}).get("port", None)
                if port is not None and port not in ports:
                    yield f"{name}: {probe} asks {port}"
                if container["name"] == GATEWAY and port is None:
                    yield f"{name}: the gateway has no {probe}"
    yield from selectors(objects)


def selectors(objects):
    templates = [(name, metadata["labels"], spec) for name, metadata, spec in pods(objects)]
    for one in objects:
        spec = one.get("spec", {})
        wanted = None
        if one["kind"] == "Service":
            wanted = spec["selector"]
        elif one["kind"] in WORKLOADS + ("PodDisruptionBudget", "PodMonitor"):
            wanted = spec["selector"]["matchLabels"]
        elif one["kind"] == "NetworkPolicy" and spec["policyTypes"] != ["Egress"]:
            wanted = spec["podSelector"]["matchLabels"]
        if wanted is not None and templates and not any(covers(wanted, labels) for _, labels, _ in templates):
            yield f"{called(one)} selects no pod"
        if one["kind"] == "HorizontalPodAutoscaler":
            target = spec["scaleTargetRef"]
            if f"{target['kind']}/{target['name']}" not in [name for name, _, _ in templates]:
                yield f"{called(one)} scales what is not there"
        services = of(objects, "Service")
        if one["kind"] == "StatefulSet" and spec["serviceName"] not in [each["metadata"]["name"] for each in services]:
            yield f"{called(one)}: there is no Service {spec['serviceName']}"
        if one["kind"] == "ServiceMonitor":
            labels = [each["metadata"]["labels"] for each in services]
            found = [each["sallyport/service"] for each in labels if covers(spec["selector"]["matchLabels"], each)]
            if found != ["operators"]:
                yield f"{called(one)} must select the operators' Service alone"
    services = {s["metadata"]["name"]: {p["port"] for p in s["spec"]["ports"]} for s in of(objects, "Service")}
    for one in of(objects, "Ingress"):
        for rule in one["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                to = path["backend"]["service"]
                if to["port"]["number"] not in services.get(to["name"], ()):
                    yield f"{called(one)} leads to {to}"
    for one in of(objects, "HTTPRoute"):
        for rule in one["spec"]["rules"]:
            for to in rule["backendRefs"]:
                if to["port"] not in services.get(to["name"], ()):
                    yield f"{called(one)} leads to {to}"


def lifecycle(objects, case):
    """A pod has the time that the gateway was given, and a second writer never comes to an audit log."""
    for name, _, spec in pods(objects):
        gateway = next(one for one in containers(spec) if one["name"] == GATEWAY)
        config = case.config(objects)
        grace = int(config["timeouts"]["grace"].removesuffix("s"))
        stop = gateway.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if spec["terminationGracePeriodSeconds"] < grace + stop:
            yield f"{name} is killed before {grace + stop} s"
        paths = [gateway[probe]["httpGet"]["path"] for probe in ("readinessProbe", "livenessProbe")]
        if paths != ["/readyz", "/healthz"]:
            yield f"{name}: readiness and liveness ask {paths}"
        if config.get("audit") and case.chart == "sallyport" and not name.startswith("StatefulSet"):
            yield f"{name} keeps an audit log, and is no StatefulSet"
        if config.get("audit") and "${POD_NAME}" not in config["audit"]["origin"]:
            yield f"{name}: two replicas' logs have one name"
    for one in of(objects, "StatefulSet"):
        modes = one["spec"]["volumeClaimTemplates"][0]["spec"]["accessModes"]
        if one["spec"]["updateStrategy"]["type"] != "RollingUpdate" or not modes:
            yield f"{called(one)}: two writers could meet"


def egress(objects, case):
    """An agent's way out: DNS and what the gateway needs, or DNS and the gateway."""
    for one in of(objects, "NetworkPolicy"):
        spec = one["spec"]
        if "Egress" not in spec["policyTypes"]:
            yield f"{called(one)} leaves every way out open"
            continue
        dns, rest = spec["egress"][0], spec["egress"][1:]
        if {(each["port"], each["protocol"]) for each in dns["ports"]} != {(53, "UDP"), (53, "TCP")} or not dns["to"]:
            yield f"{called(one)}: the first way out is not DNS"
        for rule in rest:
            if not rule.get("to") and not case.values_of("networkPolicy").get("extraEgress"):
                yield f"{called(one)}: a way out leads everywhere"
        if spec["policyTypes"] == ["Egress"]:
            gate = rest[0]["to"][0]
            if "podSelector" not in gate or "namespaceSelector" not in gate or len(rest[0]["ports"]) != 1:
                yield f"{called(one)}: agents get out to more than the gateway"
        blocks = [peer["ipBlock"] for rule in rest for peer in rule.get("to", []) if "ipBlock" in peer]
        if any(block["cidr"] == "0.0.0.0/0" and "169.254.0.0/16" not in block.get("except", []) for block in blocks):
            yield f"{called(one)}: the node's metadata can be reached"


def crds(objects, case):
    """Objects whose schemas do not come with Kubernetes: their few fields."""
    wanted = {
        "ServiceMonitor": ("monitoring.coreos.com/v1", {"selector", "endpoints"}),
        "PodMonitor": ("monitoring.coreos.com/v1", {"selector", "podMetricsEndpoints"}),
        "PrometheusRule": ("monitoring.coreos.com/v1", {"groups"}),
        "HTTPRoute": ("gateway.networking.k8s.io/v1", {"parentRefs", "hostnames", "rules"}),
    }
    for one in of(objects, *wanted):
        version, fields = wanted[one["kind"]]
        if one["apiVersion"] != version or not set(one["spec"]) <= fields or not set(one["spec"]) & fields:
            yield f"{called(one)}: {one['apiVersion']} with {sorted(one['spec'])}"
    for one in of(objects, "ServiceMonitor", "PodMonitor"):
        ends = one["spec"].get("endpoints") or one["spec"]["podMetricsEndpoints"]
        if [(end["port"], end["path"]) for end in ends] != [("operators", "/metrics")]:
            yield f"{called(one)}: {ends}"
        job = [each["replacement"] for each in ends[0].get("relabelings", []) if each["targetLabel"] == "job"]
        if job != [f"sallyport/{one['metadata']['namespace']}/{one['metadata']['name']}"]:
            yield f"{called(one)}: the alerts will not find the job {job}"
    for one in of(objects, "PrometheusRule"):
        rules = [rule for group in one["spec"]["groups"] for rule in group["rules"]]
        if not rules or not all(("alert" in rule or "record" in rule) and rule.get("expr") for rule in rules):
            yield f"{called(one)}: a rule without a name or an expression"
    for one in of(objects, "HTTPRoute"):
        for rule in one["spec"]["rules"]:
            if not rule["backendRefs"] or not set(rule) <= {"matches", "timeouts", "backendRefs"}:
                yield f"{called(one)}: {sorted(rule)}"


RULES = [names, secrets, operators, security, separation, wiring, lifecycle, egress, crds]
CUSTOM = ("ServiceMonitor", "PodMonitor", "PrometheusRule", "HTTPRoute")


def wrong(objects, case):
    """All that is wrong with what was rendered for a case."""
    return [f"{rule.__name__}: {said}" for rule in RULES for said in rule(objects, case)]
