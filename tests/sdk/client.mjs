// The official JavaScript SDKs, unmodified, through the gateway: only the base URL and the key are given.
// Each function is one check. The model behind the gateway does what its last message says (`say …`, `call …`).

import Anthropic from "@anthropic-ai/sdk";
import assert from "node:assert/strict";
import OpenAI from "openai";

const schema = { type: "object", properties: { database: { type: "string" }, sql: { type: "string" } } };
const tool = { type: "function", function: { name: "run_sql", description: "Runs SQL", parameters: schema } };
const claudeTool = { name: "run_sql", description: "Runs SQL", input_schema: schema };
const read = 'call run_sql with {"database": "prod", "sql": "select 1"}';
const write =
  'say Let me tidy up that table for you, it is no trouble. then call run_sql with {"database": "prod", "sql": "delete from t"}';
// In pieces, so that no scanner of source code takes it for a real one.
const secret = ["AKIA", "Z7Q3M5XW", "RT2LKD4P"].join("");
const pixel =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const openai = new OpenAI({ timeout: 30_000 });
const claude = new Anthropic({ timeout: 30_000 });
const user = (content) => [{ role: "user", content }];
const chat = (words, more = {}, options = {}) =>
  openai.chat.completions.create({ model: "demo-model", messages: user(words), ...more }, options);
const message = (words, more = {}) =>
  claude.messages.create({ model: "demo-model", max_tokens: 500, messages: user(words), ...more });

const checks = {
  async chatWhole() {
    const answer = await chat("say Hello from the model.");
    assert.equal(answer.choices[0].message.content, "Hello from the model.");
  },

  async chatStreamWithUsage() {
    let text = "";
    let usage;
    for await (const chunk of await chat("say One two three.", { stream: true, stream_options: { include_usage: true } })) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, "One two three.");
    assert.ok(usage.total_tokens > 0);
  },

  async chatToolRoundTrip() {
    const first = (await chat(read, { tools: [tool] })).choices[0];
    const [call] = first.message.tool_calls;
    assert.equal(call.function.name, "run_sql");
    const messages = [...user(read), first.message, { role: "tool", tool_call_id: call.id, content: "one row" }];
    const second = await openai.chat.completions.create({ model: "demo-model", messages, tools: [tool] });
    assert.equal(second.choices[0].message.content, "The tool answered: one row");
  },

  async chatToolStream() {
    const stream = openai.chat.completions.stream({ model: "demo-model", messages: user(read), tools: [tool] });
    const final = await stream.finalChatCompletion();
    assert.match(final.choices[0].message.tool_calls[0].function.arguments, /select 1/);
  },

  async chatImage() {
    const url = `data:image/png;base64,${pixel}`;
    const answer = await chat([{ type: "text", text: "What?" }, { type: "image_url", image_url: { url } }]);
    assert.match(answer.choices[0].message.content, /1 picture/);
  },

  async chatSecretNeverReachesTheModel() {
    const { content } = (await chat(`echo ${secret}`)).choices[0].message;
    assert.ok(!content.includes(secret) && content.includes("redacted secret"), content);
  },

  async chatToolCallDenied() {
    await assert.rejects(chat(write, { tools: [tool] }), (error) => {
      assert.ok(error instanceof OpenAI.PermissionDeniedError, String(error));
      assert.match(error.message, /change ticket/);
      return true;
    });
  },

  async chatToolCallDeniedInStream() {
    let text = "";
    await assert.rejects(
      async () => {
        for await (const chunk of await chat(write, { tools: [tool], stream: true })) {
          assert.equal(chunk.choices[0].delta.tool_calls, undefined);
          text += chunk.choices[0].delta.content ?? "";
        }
      },
      (error) => error instanceof OpenAI.APIError && /change ticket/.test(String(error.message) + JSON.stringify(error.error)),
    );
    assert.match(text, /^Let me tidy/);
  },

  async chatRetries() {
    assert.equal((await chat("error 500 once")).choices[0].message.content, "All well again.");
    assert.equal((await chat("error 429 once")).choices[0].message.content, "All well again.");
    await assert.rejects(chat("error 500", {}, { maxRetries: 0 }), OpenAI.InternalServerError);
  },

  async chatCancelled() {
    const stream = await chat("slow", { stream: true });
    let count = 0;
    for await (const _ of stream) if (++count === 5) break;
  },

  async embeddings() {
    const one = await openai.embeddings.create({ model: "demo-embed", input: "a" });
    const two = await openai.embeddings.create({ model: "demo-embed", input: "a", encoding_format: "float" });
    assert.equal(one.data[0].embedding.length, two.data[0].embedding.length);
  },

  async models() {
    const ids = [];
    for await (const model of await openai.models.list()) ids.push(model.id);
    assert.ok(ids.includes("demo-model"));
  },

  async legacyCompletion() {
    const answer = await openai.completions.create({ model: "demo-model", prompt: "say A legacy answer." });
    assert.equal(answer.choices[0].text, "A legacy answer.");
  },

  async responsesWhole() {
    const answer = await openai.responses.create({ model: "demo-model", input: "say Hello from responses." });
    assert.equal(answer.output_text, "Hello from responses.");
  },

  async responsesStream() {
    const stream = openai.responses.stream({ model: "demo-model", input: "think deeply then say One two three." });
    assert.equal((await stream.finalResponse()).output_text, "One two three.");
  },

  async responsesToolCallDeniedInStream() {
    const tools = [{ type: "function", strict: false, ...tool.function }];
    let said = "";
    try {
      for await (const event of await openai.responses.create({ model: "demo-model", input: write, tools, stream: true })) {
        assert.ok(!event.type.includes("function_call_arguments"), "no part of the call may pass");
        said += JSON.stringify(event);
      }
    } catch (error) {
      said += error.message + JSON.stringify(error.error);
    }
    assert.match(said, /change ticket/);
  },

  async messageWhole() {
    assert.equal((await message("say Hello from Claude.")).content[0].text, "Hello from Claude.");
  },

  async messageStream() {
    const stream = claude.messages.stream({
      model: "demo-model",
      max_tokens: 500,
      messages: user("think deeply then say One two three."),
    });
    const final = await stream.finalMessage();
    assert.deepEqual(final.content.map((block) => block.type), ["thinking", "text"]);
    assert.equal(final.content[1].text, "One two three.");
  },

  async messageToolRoundTrip() {
    const first = await message(read, { tools: [claudeTool] });
    const [use] = first.content;
    const second = await claude.messages.create({
      model: "demo-model",
      max_tokens: 500,
      tools: [claudeTool],
      messages: [
        ...user(read),
        { role: "assistant", content: first.content },
        { role: "user", content: [{ type: "tool_result", tool_use_id: use.id, content: "one row" }] },
      ],
    });
    assert.equal(second.content[0].text, "The tool answered: one row");
  },

  async messageImage() {
    const source = { type: "base64", media_type: "image/png", data: pixel };
    assert.match((await message([{ type: "image", source }])).content[0].text, /1 picture/);
  },

  async messageToolCallDenied() {
    await assert.rejects(message(write, { tools: [claudeTool] }), Anthropic.PermissionDeniedError);
  },

  async messageToolCallDeniedInStream() {
    let text = "";
    const stream = claude.messages.stream({
      model: "demo-model",
      max_tokens: 500,
      tools: [claudeTool],
      messages: user(write),
    });
    stream.on("text", (piece) => (text += piece));
    await assert.rejects(stream.finalMessage(), /change ticket/);
    assert.match(text, /^Let me tidy/);
  },

  async messageRetries() {
    assert.equal((await message("error 529 once")).content[0].text, "All well again.");
  },

  async countTokens() {
    const counted = await claude.messages.countTokens({ model: "demo-model", messages: user("How many?") });
    assert.ok(counted.input_tokens > 0);
  },
};

const wanted = process.argv.slice(2);
let failed = 0;
for (const [name, check] of Object.entries(checks)) {
  if (wanted.length && !wanted.includes(name)) continue;
  const begun = performance.now();
  try {
    await check();
    console.log(`passed ${name} in ${((performance.now() - begun) / 1000).toFixed(2)} s`);
  } catch (error) {
    failed += 1;
    console.log(`failed ${name}\n${error.stack}`);
  }
}
process.exit(failed ? 1 : 0);
