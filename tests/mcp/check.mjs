// Uses a server as a client of an official TypeScript SDK does, and prints one JSON object a line for each thing it tried:
//   check.mjs v1|v2-legacy|v2 PLAN URL
//   check.mjs v1|v2-legacy|v2 PLAN COMMAND ARGUMENTS…     (over stdio)
// What is tried is in plans.json; `{folder}` in it is $MCP_FOLDER. A call that is `wrong` is to be refused, in whose words
// does not matter; of a call with `progress`, so many reports are certain to come before the answer.
import fs from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { connect } from './sdk.mjs';

const [sdk, name, ...target] = process.argv.slice(2);
const text = fs.readFileSync(new URL('plans.json', import.meta.url), 'utf8');
const plan = JSON.parse(text.replaceAll('{folder}', process.env.MCP_FOLDER ?? ''))[name];
const heard = { logs: [], changes: 0, updates: [] };

const answers = {
  async 'sampling/createMessage'({ params }) {
    const asked = params.messages.map((message) => message.content.text ?? message.content[0]?.text).join();
    return { role: 'assistant', model: 'none', stopReason: 'endTurn', content: { type: 'text', text: `asked: ${asked}` } };
  },
  async 'elicitation/create'({ params }) {
    const content = {};
    for (const field of params.requestedSchema.required ?? []) content[field] = `my ${field}`;
    return { action: 'accept', content };
  },
  async 'roots/list'() {
    return { roots: [{ uri: `file://${process.env.MCP_FOLDER ?? '/work'}`, name: 'work' }] };
  },
};
const hearing = {
  // server-everything tells of roots whenever it has asked for them, which falls into any call.
  'notifications/message': ({ params }) => void (/^Roots updated/.test(params.data) || heard.logs.push(params)),
  'notifications/tools/list_changed': () => void heard.changes++,
  'notifications/resources/updated': ({ params }) => void heard.updates.push(params.uri),
};

function told(error) {
  // Words differ between transports; the code does not.
  return { error: error.code ?? error.name, data: error.data };
}

// A check that takes longer is hung.
const LONG = 20_000;

async function check(what, act) {
  let line;
  const hung = pause(LONG, undefined, { ref: false }).then(() => Promise.reject({ code: 'hung' }));
  try {
    line = { check: what, ok: true, got: (await Promise.race([act(), hung])) ?? null };
  } catch (error) {
    line = { check: what, ok: false, got: told(error) };
  }
  console.log(JSON.stringify(line));
}

// Waits until `seen()`, but not for ever.
async function until(seen) {
  for (let tries = 0; tries < 100 && !seen(); tries++) await pause(50);
  return seen();
}

const capabilities = { sampling: {}, elicitation: { form: {} }, roots: { listChanged: true } };
const { client } = await connect(sdk, target, capabilities, answers, hearing);
const modern = client.getProtocolEra?.() === 'modern';

async function all(list, entries) {
  const found = [];
  let cursor;
  do {
    const page = await list(cursor ? { cursor } : undefined);
    found.push(...page[entries]);
    cursor = page.nextCursor;
  } while (cursor);
  return found;
}

async function call({ name, arguments: given, progress: certain, wrong }, options = {}) {
  if (wrong) {
    const refused = await client.callTool({ name, arguments: given ?? {} }).then(({ isError }) => isError, () => true);
    return refused ? 'refused' : 'served';
  }
  heard.logs.length = 0;
  const progress = [];
  const onprogress = (step) => progress.push(step);
  const meta = modern && plan.logging ? { _meta: { 'io.modelcontextprotocol/logLevel': plan.logging } } : {};
  const params = { name, arguments: given ?? {}, ...meta };
  const result = sdk === 'v1'
    ? await client.callTool(params, undefined, { onprogress, ...options })
    : await client.callTool(params, { onprogress, ...options });
  return { result, progress: progress.slice(0, certain), logs: [...heard.logs] };
}

await check('server', () => ({
  info: client.getServerVersion(),
  capabilities: client.getServerCapabilities(),
  instructions: client.getInstructions(),
  revision: client.getNegotiatedProtocolVersion?.(),
}));
const able = client.getServerCapabilities() ?? {};
await check('tools', () => all((params) => client.listTools(params), 'tools'));
if (able.resources) {
  await check('resources', () => all((params) => client.listResources(params), 'resources'));
  await check('templates', () => all((params) => client.listResourceTemplates(params), 'resourceTemplates'));
}
if (able.prompts) await check('prompts', () => all((params) => client.listPrompts(params), 'prompts'));
if (plan.logging && !modern) await check('level', () => client.setLoggingLevel(plan.logging));
for (const wanted of plan.calls) await check(`call ${wanted.name}`, () => call(wanted));
for (const uri of plan.reads ?? []) await check(`read ${uri}`, () => client.readResource({ uri }));
for (const wanted of plan.prompts ?? []) await check(`prompt ${wanted.name}`, () => client.getPrompt(wanted));
if (plan.complete) await check('complete', () => client.complete(plan.complete));
if (!modern) await check('ping', () => client.ping());

if (plan.parallel) {
  await check('many at once', async () => {
    const one = (number) => call({ name: plan.parallel.name, arguments: { [plan.parallel.argument]: `${number}` } });
    const came = await Promise.all([...Array(10).keys()].map(one));
    return came.map(({ result }) => result.content);
  });
  await check('much at once', async () => {
    const much = 'word '.repeat(60_000);
    const { result } = await call({ name: plan.parallel.name, arguments: { [plan.parallel.argument]: much } });
    return result.content[0].text.includes(much);
  });
}
if (plan.wait) {
  await check('cancelled', async () => {
    const stop = new AbortController();
    const waiting = call(plan.wait, { signal: stop.signal }).then(() => 'it answered', () => 'it ended');
    await pause(500);
    stop.abort();
    return waiting;
  });
  await check('alive after that', () => client.listTools().then(({ tools }) => tools.length));
}
if (plan.change) {
  await check('told of changes', async () => {
    const listening = modern ? await client.listen({ toolsListChanged: true }) : undefined;
    await call(plan.change);
    const came = await until(() => heard.changes > 0);
    await listening?.close();
    return came;
  });
}
if (plan.update) {
  await check('told of an update', async () => {
    const { uri } = plan.update;
    const listening = modern ? await client.listen({ resourceSubscriptions: [uri] }) : undefined;
    if (!modern) await client.subscribeResource({ uri });
    await call(plan.update);
    await until(() => heard.updates.length > 0);
    await listening?.close();
    return heard.updates;
  });
}
await client.close();
process.exit(0);
