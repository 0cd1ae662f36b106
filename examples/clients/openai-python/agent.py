"""An agent with one tool. Nothing in it knows of Sallyport: OPENAI_BASE_URL and OPENAI_API_KEY say where it is."""

import json

import openai

client = openai.OpenAI()
MODEL = "demo-model"
TOOLS = [{"type": "function", "function": {
    "name": "run_sql",
    "description": "Asks the shop's database.",
    "parameters": {"type": "object", "properties": {"database": {"type": "string"}, "sql": {"type": "string"}}},
}}]


def run_sql(database, sql):
    print(f"  (run_sql runs on {database}: {sql})")
    return "3 rows"


def ask(words):
    print(">", words)
    messages = [{"role": "user", "content": words}]
    while True:
        said = client.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS).choices[0].message
        if not said.tool_calls:
            return print(said.content)
        messages.append(said)
        for call in said.tool_calls:
            result = run_sql(**json.loads(call.function.arguments))
            messages.append({"role": "tool", "tool_call_id": call.id, "content": result})


ask("say Hello.")
ask('call run_sql with {"database": "prod", "sql": "select count(*) from orders"}')
ask("echo The deployment key is " + "AKIA" + "Z7Q3M5XWRT2LKD4P.")  # in two pieces, for scanners of source code
try:
    ask('call run_sql with {"database": "prod", "sql": "update orders set paid = true where id = 7"}')
except openai.PermissionDeniedError as refusal:
    print(type(refusal).__name__, refusal.status_code, refusal.code, refusal.body["message"], sep="\n  ")
