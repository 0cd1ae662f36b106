"""A tool server on standard input and output that behaves as its first argument says."""
import json, os, signal, subprocess, sys, time

mode = sys.argv[1]
out = sys.stdout


def say(message):
    out.write(json.dumps(message) + "\n")
    out.flush()


def answer(message, result):
    say({"jsonrpc": "2.0", "id": message["id"], "result": result})


def tell(method, params):
    say({"jsonrpc": "2.0", "method": method, "params": params})


if mode == "crash":
    sys.exit(3)
if mode == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "1000"])
if mode == "rubbish":
    print("Server is starting…\n\n{\"level\": \"info\"}\n[1, 2")
if mode == "endless-rubbish":
    while True:
        print("la la la")
sys.stderr.write("\x1b[31mhello from the server\x1b[0m\n" * 3)

for line in sys.stdin:
    message = json.loads(line)
    method = message.get("method")
    if method == "server/discover":
        if mode == "modern":
            answer(message, {"supportedVersions": ["2026-07-28"], "capabilities": {}})
        elif mode == "dies-of-probe":
            sys.exit(1)
        elif mode != "silent-to-probe":
            say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32602, "message": "no"}})
    elif method == "initialize":
        if mode == "modern":
            say({"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32601, "message": "no"}})
            continue
        revision = message["params"]["protocolVersion"]
        answer(message, {"protocolVersion": revision, "capabilities": {}, "serverInfo": {"name": mode, "version": "0"}})
    elif method == "env":
        answer(message, {"env": dict(os.environ), "directory": os.getcwd(), "pid": os.getpid()})
    elif method == "limits":
        import resource
        answer(message, resource.getrlimit(resource.RLIMIT_NOFILE))
    elif method == "progress":
        token = message["params"]["_meta"]["progressToken"]
        tell("notifications/progress", {"progressToken": token, "progress": 1})
        tell("notifications/tools/list_changed", {})
        answer(message, {})
    elif method == "die":
        os._exit(7)
    elif method == "hang":
        pass
    elif method == "flood":
        for n in range(20000):
            tell("notifications/message", {"n": n})
        answer(message, {})
    elif method == "long":
        out.write("x" * (17 << 20))
        out.flush()
    elif method == "twice":
        out.write('{"jsonrpc":"2.0","id":%d,"result":{"a":1,"a":2}}\n' % message["id"])
        out.flush()
    elif "id" in message:
        answer(message, {"echo": message})

if mode == "stubborn":
    while True:
        time.sleep(1)
