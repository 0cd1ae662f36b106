"""A Pydantic AI agent with one tool, by Anthropic's protocol. Only ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY say where
Sallyport is; `openai:demo-model` and OPENAI_BASE_URL do as well."""

from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError

agent = Agent("anthropic:demo-model")


@agent.tool_plain
def run_sql(database: str, sql: str) -> str:
    """Asks the shop's database."""
    print(f"  (run_sql runs on {database}: {sql})")
    return "3 rows"


def ask(words):
    print(">", words)
    print(agent.run_sync(words).output)


ask("say Hello.")
ask('call run_sql with {"database": "prod", "sql": "select count(*) from orders"}')
ask("echo The deployment key is " + "AKIA" + "Z7Q3M5XWRT2LKD4P.")  # in two pieces, for scanners of source code
try:
    ask('call run_sql with {"database": "prod", "sql": "update orders set paid = true where id = 7"}')
except ModelHTTPError as refusal:
    print(type(refusal).__name__, refusal.status_code, refusal.body["error"]["message"], sep="\n  ")
