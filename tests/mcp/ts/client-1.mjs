// The older TypeScript client.  node client-1.mjs URL, or a command with its arguments
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { look } from './look.mjs';

const [server, ...args] = process.argv.slice(2);
const transport = server.startsWith('http')
	? new StreamableHTTPClientTransport(new URL(server))
	: new StdioClientTransport({ command: server, args, env: process.env });
let agreed;
transport.setProtocolVersion = ((set) => (version) => {
	agreed = version;
	set?.call(transport, version);
})(transport.setProtocolVersion);

const client = new Client({ name: 'velostream-test', version: '1.0.0' });
await client.connect(transport);
await look(client, () => agreed);
