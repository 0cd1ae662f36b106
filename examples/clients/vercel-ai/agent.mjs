// An agent of the Vercel AI SDK with one tool, streamed. Only OPENAI_BASE_URL and OPENAI_API_KEY say where Sallyport is.

import { openai } from "@ai-sdk/openai";
import { stepCountIs, streamText, tool } from "ai";
import { z } from "zod";

const runSql = tool({
  description: "Asks the shop's database.",
  inputSchema: z.object({ database: z.string(), sql: z.string() }),
  execute: async ({ database, sql }) => {
    console.log(`  (run_sql runs on ${database}: ${sql})`);
    return "3 rows";
  },
});

async function ask(prompt) {
  console.log(">", prompt);
  const options = { model: openai("demo-model"), prompt, tools: { run_sql: runSql }, stopWhen: stepCountIs(5) };
  const result = streamText({ ...options, onError: () => {} });
  for await (const part of result.fullStream) {
    if (part.type === "text-delta") process.stdout.write(part.text);
    if (part.type === "error") throw part.error;
  }
  console.log();
}

await ask("say Hello.");
await ask('call run_sql with {"database": "prod", "sql": "select count(*) from orders"}');
await ask("echo The deployment key is " + "AKIA" + "Z7Q3M5XWRT2LKD4P."); // in two pieces, for scanners of source code
try {
  await ask('say One moment. then call run_sql with {"database": "prod", "sql": "update orders set paid = true where id = 7"}');
} catch (refusal) {
  console.log(["\nrefused", refusal.code, refusal.message].join("\n  "));
}
