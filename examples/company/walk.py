"""Three teams ask the same gateway, each with its own key. Only the standard library, so that every byte can be seen."""

import json
import os
import urllib.error
import urllib.request

URL = os.environ.get("SALLYPORT_URL", "http://127.0.0.1:8080")


def post(team, path, body, **headers):
    key = f"sp-example-company-{team}-do-not-use-elsewhere"
    headers = {"authorization": f"Bearer {key}", "content-type": "application/json", **headers}
    request = urllib.request.Request(URL + path, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as refusal:
        return json.load(refusal)


def ask(team, words, model="gpt-5-mini", tools=()):
    print(f"{team}: {words}")
    body = {"model": model, "messages": [{"role": "user", "content": words}]}
    if tools:
        body["tools"] = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in tools]
    answer = post(team, "/v1/chat/completions", body)
    if error := answer.get("error"):
        return print(f"  refused by {error['code']}: {error['message']}")
    message = answer["choices"][0]["message"]
    for call in message.get("tool_calls") or []:
        print(f"  calls {call['function']['name']} {call['function']['arguments']}")
    if message["content"]:
        print(f"  {message['content']}")


def tool_server(team):
    hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "walk", "version": "1"}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": hello}
    answer = post(team, "/mcp/desk", message, accept="application/json, text/event-stream")
    print(f"{team} at the tool server:", "connected" if "result" in answer else answer["error"]["message"])


ask("support", "echo Anna Berg, anna.berg@acme.co, asks for her parcel")
ask("engineering", "echo Anna Berg, anna.berg@acme.co, asks for her parcel")
ask("support", "say Hello.", model="gpt-5")
ask("finance", "say Hello.", model="gpt-5")
ask("support", "Good morning.", tools=["read_ticket", "pay_invoice"])
ask("finance", 'call pay_invoice with {"id": "I-7", "amount": 120}', tools=["pay_invoice"])
ask("finance", 'call pay_invoice with {"id": "I-8", "amount": 12000}', tools=["pay_invoice"])
ask("engineering", 'call Bash with {"command": "git push origin main"}', tools=["Bash"])
ask("engineering", 'call Bash with {"command": "terraform destroy -auto-approve"}', tools=["Bash"])
tool_server("support")
tool_server("engineering")
