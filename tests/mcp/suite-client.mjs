// Plays the client's part in the conformance suite's scenarios: `suite-client.mjs SDK URL`.
// What to do is in the environment, see src/runner/client.ts of the suite.
import { connect } from './sdk.mjs';

const [sdk, url] = process.argv.slice(2);
const scenario = process.env.MCP_CONFORMANCE_SCENARIO;
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
let client;

async function callAll(tools) {
  for (const tool of tools) {
    await client.callTool({ name: tool.name, arguments: tool.arguments ?? fitting(tool.inputSchema) });
  }
}

// Arguments that a schema asks for: who checks them on the way would refuse a call without.
function fitting(schema = {}) {
  const values = { string: 'text', integer: 1, number: 1.5, boolean: true, array: [], object: {} };
  const wanted = (schema.required ?? []).map((name) => [name, values[schema.properties?.[name]?.type] ?? 'text']);
  return Object.fromEntries(wanted);
}

// How each scenario is played, by its name; the others only list and call.
const plays = {
  async initialize() {
    await client.listTools().catch(() => {});
  },
  async tools_call() {
    await client.listTools();
    await client.callTool({ name: 'add_numbers', arguments: { a: 2, b: 3 } });
  },
  async 'request-metadata'() {
    await client.listTools();
  },
  async 'json-schema-ref-no-deref'() {
    await client.listTools();
  },
  async 'json-schema-2020-12-preservation'() {
    const { tools } = await client.listTools();
    const { inputSchema } = tools.find((tool) => tool.name === 'json_schema_2020_12_tool');
    await client.callTool({ name: 'json_schema_echo', arguments: { schema: inputSchema } });
  },
  async 'http-standard-headers'() {
    await callAll((await client.listTools()).tools);
    for (const { uri } of (await client.listResources()).resources) await client.readResource({ uri });
    for (const { name } of (await client.listPrompts()).prompts) await client.getPrompt({ name });
  },
  async 'http-custom-headers'() {
    await client.listTools();
    await callAll(context.toolCalls);
  },
  async 'sep-2322-client-request-state'() {
    await client.listTools();
    await callAll([{ name: 'test_mrtr_echo_state' }, { name: 'test_mrtr_no_state' }]);
    // The SDK is stricter than the suite and takes no result without its type.
    await callAll([{ name: 'test_mrtr_no_result_type' }]).catch(() => {});
  },
  async other() {
    await callAll((await client.listTools()).tools);
  },
};

const answers = {
  async 'elicitation/create'() {
    if (scenario === 'elicitation-sep1034-client-defaults') return { action: 'accept', content: {} };
    // A call beside the one that asks: nothing of that one may stick to it.
    await client.callTool({ name: 'test_mrtr_unrelated', arguments: {} });
    return { action: 'accept', content: { confirmed: true } };
  },
};

const connected = await connect(sdk, [url], { elicitation: { form: { applyDefaults: true } } }, answers);
client = connected.client;
await (plays[scenario] ?? plays.other)();
await client.close();
process.exit(0);
