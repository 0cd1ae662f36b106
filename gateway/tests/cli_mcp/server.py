"""A tool server on standard input and output that lists what the file named by its first argument says."""
import json, sys

listed = sys.argv[1]


def say(message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def declarations():
    with open(listed) as file:
        return json.load(file)


for line in sys.stdin:
    message = json.loads(line)
    method, params = message.get("method"), message.get("params") or {}
    if "id" not in message:
        continue
    said = declarations()
    if method == "initialize":
        result = {
            "protocolVersion": params["protocolVersion"],
            "capabilities": {"tools": {}},
            "serverInfo": {"name": said.get("calls itself", "files"), "version": "1"},
        }
        if "instructions" in said:
            result["instructions"] = said["instructions"]
    elif method == "tools/list":
        # A page a tool.
        at = int(params.get("cursor", "0"))
        result = {"tools": said["tools"][at : at + 1]}
        if at + 1 < len(said["tools"]):
            result["nextCursor"] = str(at + 1)
    elif method == "tools/call":
        result = {"content": [{"type": "text", "text": "done: " + params["name"]}]}
    elif method == "ping":
        result = {}
    else:
        say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no such method"}})
        continue
    say({"jsonrpc": "2.0", "id": message["id"], "result": result})
