// The two official TypeScript SDKs behind one face: `v1` speaks the legacy era, `v2` both.
import * as v2 from '@modelcontextprotocol/client';
import { StdioClientTransport as Stdio2 } from '@modelcontextprotocol/client/stdio';
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport as Stdio1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import * as types from '@modelcontextprotocol/sdk/types.js';

const REQUESTS = {
  'elicitation/create': types.ElicitRequestSchema,
  'sampling/createMessage': types.CreateMessageRequestSchema,
  'roots/list': types.ListRootsRequestSchema,
};
const NOTIFICATIONS = {
  'notifications/message': types.LoggingMessageNotificationSchema,
  'notifications/progress': types.ProgressNotificationSchema,
  'notifications/tools/list_changed': types.ToolListChangedNotificationSchema,
  'notifications/resources/updated': types.ResourceUpdatedNotificationSchema,
};

// A gateway's key, if there is one on the way.
const key = process.env.MCP_KEY;
const requestInit = key ? { headers: { authorization: `Bearer ${key}` } } : {};

// `sdk` is `v1`, `v2-legacy` or `v2`; `target` is a URL, or a program and its arguments.
export async function connect(sdk, [url, ...words], capabilities, requests = {}, notifications = {}) {
  const info = { name: 'sallyport-tests', version: '1.0.0' };
  const first = sdk === 'v1';
  const mode = sdk === 'v2' ? 'auto' : 'legacy';
  const client = first
    ? new Client1(info, { capabilities })
    : new v2.Client(info, { capabilities, versionNegotiation: { mode } });
  for (const [method, answer] of Object.entries(requests)) {
    client.setRequestHandler(first ? REQUESTS[method] : method, answer);
  }
  for (const [method, hear] of Object.entries(notifications)) {
    client.setNotificationHandler(first ? NOTIFICATIONS[method] : method, hear);
  }
  await client.connect(transport(first, url, words));
  return { client };
}

function transport(first, url, words) {
  if (!url.startsWith('http')) {
    const Stdio = first ? Stdio1 : Stdio2;
    return new Stdio({ command: url, args: words, env: process.env, stderr: 'ignore' });
  }
  const Http = first ? Transport1 : v2.StreamableHTTPClientTransport;
  return new Http(new URL(url), { requestInit });
}
