"""Kubernetes' NetworkPolicy as nftables rules for the network namespace of one pod."""

# Who stands behind a selector: (namespace's name, labels) is matched against this by the test.


def _ports(rule):
    """The ports of a rule, as nft says them; None for any."""
    return [f"{port.get('protocol', 'TCP').lower()} dport {port['port']}" for port in rule.get("ports", [])] or [""]


def _addresses(peers, direction, pods):
    """The other ends of a rule, as nft says them. `pods` are (namespace, labels, address)."""
    if not peers:
        return [""]
    found = []
    for peer in peers:
        if "ipBlock" in peer:
            block = peer["ipBlock"]
            family = "ip6" if ":" in block["cidr"] else "ip"
            but = f" {family} {direction} != {{ {', '.join(block['except'])} }}" if block.get("except") else ""
            found.append(f"{family} {direction} {block['cidr']}{but}" if not block["cidr"].endswith("/0") else f"meta nfproto {'ipv6' if family == 'ip6' else 'ipv4'}{but}")
            continue
        space = peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name")
        labels = peer.get("podSelector", {}).get("matchLabels", {})
        for namespace, has, address in pods:
            if space in (None, namespace) and labels.items() <= has.items():
                found.append(f"ip {direction} {address}")
    return found


def as_nftables(policy, pods):
    """The ruleset: what no rule allows is dropped, in each direction that the policy is about."""
    spec, chains = policy["spec"], []
    for kind, hook, side, direction, interface in (
        ("Egress", "output", "to", "daddr", "oifname"),
        ("Ingress", "input", "from", "saddr", "iifname"),
    ):
        if kind not in spec["policyTypes"]:
            continue
        rules = [f'{interface} "lo" accept', "ct state established,related accept"]
        for rule in spec.get(kind.lower(), []):
            rules += [f"{address} {port} accept".strip() for address in _addresses(rule.get(side), direction, pods) for port in _ports(rule)]
        body = "\n".join(f"    {rule}" for rule in rules)
        chains.append(f"  chain {hook} {{\n    type filter hook {hook} priority filter; policy drop;\n{body}\n  }}")
    return "table inet pod {\n" + "\n".join(chains) + "\n}\n"
