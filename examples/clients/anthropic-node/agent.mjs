// An agent with one tool. Nothing in it knows of Sallyport: ANTHROPIC_BASE_URL and ANTHROPIC_API_KEY say where it is.

import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic();
const model = "demo-model";
const tools = [{
  name: "run_sql",
  description: "Asks the shop's database.",
  input_schema: { type: "object", properties: { database: { type: "string" }, sql: { type: "string" } } },
}];

function runSql({ database, sql }) {
  console.log(`  (run_sql runs on ${database}: ${sql})`);
  return "3 rows";
}

async function ask(words) {
  console.log(">", words);
  const messages = [{ role: "user", content: words }];
  for (;;) {
    const said = await client.messages.create({ model, max_tokens: 500, messages, tools });
    const calls = said.content.filter((block) => block.type === "tool_use");
    if (calls.length === 0) return console.log(said.content.map((block) => block.text).join(""));
    const content = calls.map((call) => ({ type: "tool_result", tool_use_id: call.id, content: runSql(call.input) }));
    messages.push({ role: "assistant", content: said.content }, { role: "user", content });
  }
}

await ask("say Hello.");
await ask('call run_sql with {"database": "prod", "sql": "select count(*) from orders"}');
await ask("echo The deployment key is " + "AKIA" + "Z7Q3M5XWRT2LKD4P."); // in two pieces, for scanners of source code
try {
  await ask('call run_sql with {"database": "prod", "sql": "update orders set paid = true where id = 7"}');
} catch (refusal) {
  if (!(refusal instanceof Anthropic.PermissionDeniedError)) throw refusal;
  console.log(["PermissionDeniedError", refusal.status, refusal.error.error.message].join("\n  "));
}
