"""An agent of the OpenAI Agents SDK with one tool. Only OPENAI_BASE_URL and OPENAI_API_KEY say where Sallyport is."""

import openai
from agents import Agent, Runner, function_tool, set_tracing_disabled

set_tracing_disabled(True)  # traces go to OpenAI by themselves, past the gateway and with all texts in them


@function_tool
def run_sql(database: str, sql: str) -> str:
    """Asks the shop's database."""
    print(f"  (run_sql runs on {database}: {sql})")
    return "3 rows"


agent = Agent(name="Analyst", model="demo-model", tools=[run_sql])


def ask(words):
    print(">", words)
    print(Runner.run_sync(agent, words).final_output)


ask("say Hello.")
ask('call run_sql with {"database": "prod", "sql": "select count(*) from orders"}')
ask("echo The deployment key is " + "AKIA" + "Z7Q3M5XWRT2LKD4P.")  # in two pieces, for scanners of source code
try:
    ask('call run_sql with {"database": "prod", "sql": "update orders set paid = true where id = 7"}')
except openai.PermissionDeniedError as refusal:
    print(type(refusal).__name__, refusal.status_code, refusal.code, refusal.body["message"], sep="\n  ")
