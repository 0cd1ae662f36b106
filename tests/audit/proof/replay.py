"""Decisions of the log, made once more: the same by the policies that made them, and told apart by others."""

import asyncio
import json
import pathlib
import random
import shutil

from proof import log, scene
from proof.agents import Caller
from proof.provider import Provider
from stage import gateway, told

# Agents at once.
AGENTS = 6
BROKEN = 3

ORG = """package sallyport.org

default allow := false

allow if input.operation in {"chat", "models", "connect", "tool_list", "notify"}

allow if {
	input.operation == "tool_call"
	not input.call.tool in data.forbidden
}

deny contains {"rule": "banned-model", "say": "Ask another model."} if input.model == "banned"

redact contains "pii.*"
"""

RED = """package sallyport.teams.red

default allow := true

steer contains {"rule": "use-the-wiki", "say": "It is in the wiki."} if {
	input.flow == "request"
	some part in input.parts
	contains(part.text, "holidays")
}

deny contains {"rule": "too-much", "say": "At most a thousand."} if input.call.arguments.amount > 1000

deny contains {"rule": "a-half", "say": "Not this number."} if input.call.arguments.amount * 2 == 0.2

hide contains tool if {
	some tool in input.tools
	startswith(tool.name, "admin_")
}

warn contains {"rule": "late", "say": "By the clock."} if input.time_ns % 2 == 0

settings := {"models": ["m*", "banned"]}
"""

BLUE = """package sallyport.teams.blue

default allow := true

deny contains {"rule": "no-tools", "say": "No tools here."} if count(input.tools) > 2

# A call whose arguments are no numbers fails here, and a policy that fails refuses.
deny contains {"rule": "odd", "say": "Odd."} if input.call.arguments.text % 2 == 1
"""

DATA = '{"forbidden": ["rm", "format"]}'
POLICIES = {"org.rego": ORG, "red.rego": RED, "blue.rego": BLUE, "data.json": DATA}
# What is in force from the middle on.
LATER = {"red.rego": RED.replace("> 1000", "> 10"), "data.json": '{"forbidden": ["rm", "format", "echo2"]}'}

# Numbers and words that a log could write otherwise than they came.
ARGUMENTS = [
    '{"amount": 5}',
    '{"amount": 1001}',
    '{"amount": 0.1}',
    '{"amount": 1e3}',
    '{"amount": 1E400}',
    '{"amount": 12345678901234567890123}',
    '{"amount": -0.0}',
    '{"amount": 1000.0000000000000001}',
    '{"amount": 9007199254740993, "text": 3}',
    '{"text": "\\u2028 \\ud83d\\ude00 \\u0000 é"}',
    '{"text": {"deep": [[[[[[{}]]]]]]}, "amount": "many"}',
    '{"amount": 5, "amount": 5000}',
    "not json",
    "",
]


async def main(decisions):
    provider = Provider()
    url = await provider.start()
    with gateway.folder() as where:
        where = pathlib.Path(where)
        path = scene.lay_out(where, url, policies=POLICIES, mode="strict", inputs=True)
        async with scene.Serving(path) as running:
            await filled(path, running, decisions)
        folder = scene.folder_of(path)
        recorded = list(log.records(folder, "decision"))
        teams = {record["body"]["team"] for record in recorded}
        told.check(len(recorded) >= decisions and teams == {"red", "blue"}, f"{len(recorded)} decisions of {len(teams)} teams are recorded")
        refused = [record for record in recorded if record["body"]["decision"].get("denials")]
        told.measured(f"{len(refused)} of them refused, by {len(set(map(rules_of, refused)))} sets of rules")
        await the_same(folder, len(recorded))
        if decisions <= 10_000:
            await changed(where, folder)
            await unknown(where, folder)
    await not_read(url)
    await too_long(url)


def rules_of(record):
    return tuple(denial["rule"] for denial in record["body"]["decision"]["denials"])


async def filled(path, running, decisions):
    """All sorts of exchanges, with other policies from the middle on."""
    folder = scene.folder_of(path)
    callers = [Caller(running.agents, (gateway.KEY, scene.BLUE)[n % 2]) for n in range(AGENTS)]
    # An exchange asks at least once.
    rounds = -(-decisions // AGENTS)
    await asyncio.gather(*(ask(caller, rounds // 2) for caller in callers))
    await reloaded(path, folder)
    await asyncio.gather(*(ask(caller, rounds - rounds // 2) for caller in callers))


async def ask(caller, times):
    for _ in range(times):
        await one(caller)


async def one(caller):
    """One exchange by chance."""
    chance = random.randrange(8)
    if chance == 0:
        await caller.chat("when are the holidays?", stream=random.random() < 0.5)
    elif chance == 1:
        await caller.chat("hello", model="banned")
    elif chance == 2:
        await caller.chat("mail me at jo@example.com", tools=["search", "admin_drop", "shell"])
    elif chance == 3:
        await caller.call(json.loads(random.choice(ARGUMENTS[:4])))
    elif chance == 4:
        await caller.message("what is up?")
    elif chance == 5:
        await caller.chat("hello", stream=True)
    else:
        tool = random.choice(["search", "rm", "echo2", "pay"])
        await caller.chat(f"call {tool}: {random.choice(ARGUMENTS)}", stream=chance == 6, tools=["search", "pay"])


async def reloaded(path, folder):
    """Other policies come into force, while the gateway runs."""
    before = {record["body"]["revision"] for record in log.records(folder, "policy")}
    for name, text in LATER.items():
        (path.parent / "policies" / name).write_text(text)
    for _ in range(200):
        if len({record["body"]["revision"] for record in log.records(folder, "policy")} - before) > 0:
            return
        await asyncio.sleep(0.1)
    told.check(False, "a `policy` record tells of policies that came into force")


async def replay(folder, *more):
    return await log.sallyport("policy", "replay", "--json", "--audit", folder, *more, within=3_000)


async def the_same(folder, many):
    began = asyncio.get_running_loop().time()
    said = await replay(folder)
    took = asyncio.get_running_loop().time() - began
    report = said.json() if said.out else {}
    told.check(
        said.code == 0 and report.get("same") == many and not report["changed"] and not report["unknown"],
        f"all {many} are the same by the policies that made them",
        said.words,
    )
    revisions = {record["body"]["policy"] for record in log.records(folder, "decision")}
    told.check(len(revisions) > 1, f"they were made by {len(revisions)} revisions")
    told.measured(f"{many} decisions in {took:.1f} s, {many / max(took, 0.001):.0f} a second")


async def changed(where, folder):
    """By other policies: exit code 1, with team, rule and examples."""
    other = where / "other"
    shutil.copytree(where / "policies", other)
    (other / "blue.rego").write_text(BLUE + '\ndeny contains {"rule": "no-chat", "say": "No."} if input.operation == "chat"\n')
    said = await replay(folder, "--policies", other)
    report = said.json() if said.out else {}
    told.check(said.code == 1 and report.get("changed", 0) > 0, "by other policies: exit code 1", said.words)
    newly = [change for change in report.get("changes", []) if "no-chat" in change["change"]]
    told.check(
        newly and all(change["team"] == "blue" for change in newly),
        "the team and the new rule are named",
        f"{report.get('changes')}",
    )
    ids = {record["body"]["exchange"]: record["body"]["team"] for record in log.records(folder, "decision")}
    examples = [example for change in newly for example in change["examples"]]
    told.check(
        examples and all(ids.get(example) == "blue" for example in examples), "with examples that are in the log", f"{newly}"
    )
    wanted = sum(
        1
        for record in log.records(folder, "decision")
        if record["body"]["team"] == "blue" and record["body"]["input"]["operation"] == "chat"
    )
    named = sum(change["count"] for change in newly)
    told.check(named == wanted, f"the new rule speaks in each of blue's {wanted} chats", f"{named} are named")
    words = await log.sallyport("policy", "replay", "--audit", folder, "--policies", other)
    told.check(words.code == 1 and "blue" in words.out and "no-chat" in words.out, "the same in words", words.words)
    only = await replay(folder, "--policies", other, "--team", "red")
    told.check("no-chat" not in only.out, "of team red alone nothing of it is told", only.words)
    one = await replay(folder, "--id", examples[0] if examples else "none")
    told.check(one.code == 0 and one.json()["same"] >= 1, "one exchange can be replayed by its id", one.words)


async def unknown(where, folder):
    """A revision that is not kept, or is not what it was, is said to be unknown, and never guessed."""
    revision = next(log.records(folder, "decision"))["body"]["policy"]
    kept = folder / "policies" / f"{revision}.json"
    text = kept.read_text()
    for what, harm in {
        "not kept": kept.unlink,
        "changed": lambda: kept.write_text(text.replace("> 1000", "> 2000")),
        "broken": lambda: kept.write_text(text[: len(text) // 2]),
    }.items():
        harm()
        said = await replay(folder)
        report = said.json() if said.out else {}
        holds = said.code == 1 and list(report.get("unknown", {})) == [revision] and report["same"] > 0
        told.check(holds, f"policies that are {what}: their decisions are told as unknown", said.words)
    kept.write_text(text)
    now = list(log.records(folder, "policy"))[-1]["body"]["revision"]
    (folder / "policies" / f"{now}.json").write_text("")
    async with scene.Serving(where / "sallyport.yaml"):
        pass
    said = await replay(folder)
    told.check(said.code == 0, "what a crash left of kept policies is written anew at the next start", said.words)
    empty = await log.sallyport("policy", "replay", "--audit", where / "policies")
    told.check(empty.code == BROKEN, "a folder without a log: exit code 3", empty.words)


async def not_read(url):
    """Policies that read more than those that decided: what was not recorded is not taken for `nothing changes`."""
    with gateway.folder() as where:
        where = pathlib.Path(where)
        path = scene.lay_out(where, url, mode="strict", inputs=True)
        async with scene.Serving(path) as running:
            await Caller(running.agents).chat("tell me of the holidays", tools=["shell"])
        other = where / "other"
        for what, rule in {
            "texts": 'some part in input.parts\n\tcontains(part.text, "holidays")',
            "tools": 'some tool in input.tools\n\ttool.name == "shell"',
        }.items():
            shutil.rmtree(other, ignore_errors=True)
            shutil.copytree(where / "policies", other)
            more = '\n\ndeny contains {"rule": "new", "say": "No."} if {\n\tinput.flow == "request"\n\t%s\n}\n' % rule
            (other / "red.rego").write_text(gateway.ALLOW_ALL["red.rego"] + more)
            said = await replay(scene.folder_of(path), "--policies", other)
            told.check(said.code != 0, f"a new policy that reads {what}, which the old did not: not said to change nothing", said.words)


async def too_long(url):
    """A decision about more than a record holds is lost, and counted. Replay must not call what is left all of it."""
    with gateway.folder() as where:
        path = scene.lay_out(where, url, policies=POLICIES, mode="strict", inputs=True)
        async with scene.Serving(path) as running:
            agent = Caller(running.agents)
            answers = await agent.chat("hello"), await agent.chat("all of it " * 200_000)
            told.check(all(answer.whole for answer in answers), "a chat of 2 MB passes, although its decision fits into no record")
        folder = scene.folder_of(path)
        lost = sum(record["body"]["records"] for record in log.records(folder, "lost"))
        told.check(lost == 1, "the lost decision is counted in a `lost` record", f"{lost}")
        said = await replay(folder)
        told.check("lost" in said.out + said.told, "replay tells that decisions are missing", said.words)
