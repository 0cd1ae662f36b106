// An agent with one tool. Nothing in it knows of Sallyport: OPENAI_BASE_URL and OPENAI_API_KEY say where it is.

import OpenAI from "openai";

const client = new OpenAI();
const model = "demo-model";
const tools = [{
  type: "function",
  name: "run_sql",
  description: "Asks the shop's database.",
  strict: false,
  parameters: { type: "object", properties: { database: { type: "string" }, sql: { type: "string" } } },
}];

function runSql({ database, sql }) {
  console.log(`  (run_sql runs on ${database}: ${sql})`);
  return "3 rows";
}

async function ask(words) {
  console.log(">", words);
  const input = [{ role: "user", content: words }];
  for (;;) {
    const response = await client.responses.create({ model, input, tools, store: false });
    const calls = response.output.filter((item) => item.type === "function_call");
    if (calls.length === 0) return console.log(response.output_text);
    for (const call of calls) {
      const output = runSql(JSON.parse(call.arguments));
      input.push(call, { type: "function_call_output", call_id: call.call_id, output });
    }
  }
}

await ask("say Hello.");
await ask('call run_sql with {"database": "prod", "sql": "select count(*) from orders"}');
await ask("echo The deployment key is " + "AKIA" + "Z7Q3M5XWRT2LKD4P."); // in two pieces, for scanners of source code
try {
  await ask('call run_sql with {"database": "prod", "sql": "update orders set paid = true where id = 7"}');
} catch (refusal) {
  if (!(refusal instanceof OpenAI.PermissionDeniedError)) throw refusal;
  console.log(["PermissionDeniedError", refusal.status, refusal.code, refusal.error.message].join("\n  "));
}
