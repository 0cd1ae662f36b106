"""An agent with one tool. Nothing in it knows of Sallyport: ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY say where it is."""

import anthropic

client = anthropic.Anthropic()
MODEL = "demo-model"
TOOLS = [{
    "name": "run_sql",
    "description": "Asks the shop's database.",
    "input_schema": {"type": "object", "properties": {"database": {"type": "string"}, "sql": {"type": "string"}}},
}]


def run_sql(database, sql):
    print(f"  (run_sql runs on {database}: {sql})")
    return "3 rows"


def ask(words):
    print(">", words)
    messages = [{"role": "user", "content": words}]
    while True:
        with client.messages.stream(model=MODEL, max_tokens=500, messages=messages, tools=TOOLS) as stream:
            said = stream.get_final_message()
        if said.stop_reason != "tool_use":
            return print("".join(block.text for block in said.content if block.type == "text"))
        messages.append({"role": "assistant", "content": said.content})
        calls = [block for block in said.content if block.type == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": call.id, "content": run_sql(**call.input)} for call in calls]
        messages.append({"role": "user", "content": results})


ask("say Hello.")
ask('call run_sql with {"database": "prod", "sql": "select count(*) from orders"}')
ask("echo The deployment key is " + "AKIA" + "Z7Q3M5XWRT2LKD4P.")  # in two pieces, for scanners of source code
try:
    ask('call run_sql with {"database": "prod", "sql": "update orders set paid = true where id = 7"}')
except anthropic.APIStatusError as refusal:
    print(type(refusal).__name__, refusal.body["error"]["message"], sep="\n  ")
