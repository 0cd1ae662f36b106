"""A LangChain agent with one tool. Nothing in it knows of Sallyport: OPENAI_BASE_URL and OPENAI_API_KEY say where it is."""

import openai
from langchain.agents import create_agent
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI


@tool
def run_sql(database: str, sql: str) -> str:
    """Asks the shop's database."""
    print(f"  (run_sql runs on {database}: {sql})")
    return "3 rows"


agent = create_agent(ChatOpenAI(model="demo-model"), tools=[run_sql])


def ask(words):
    print(">", words)
    answer = agent.invoke({"messages": [{"role": "user", "content": words}]})
    print(answer["messages"][-1].content)


ask("say Hello.")
ask('call run_sql with {"database": "prod", "sql": "select count(*) from orders"}')
ask("echo The deployment key is " + "AKIA" + "Z7Q3M5XWRT2LKD4P.")  # in two pieces, for scanners of source code
try:
    ask('call run_sql with {"database": "prod", "sql": "update orders set paid = true where id = 7"}')
except openai.PermissionDeniedError as refusal:
    print(type(refusal).__name__, refusal.status_code, refusal.code, refusal.body["message"], sep="\n  ")
