// The TypeScript client, in the revision MCP_MODE names (legacy, auto, or a revision).
// node client-2.mjs URL, or a command with its arguments
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { look } from './look.mjs';

const [server, ...args] = process.argv.slice(2);
const transport = server.startsWith('http')
	? new StreamableHTTPClientTransport(new URL(server))
	: new StdioClientTransport({ command: server, args, env: process.env });
const wanted = process.env.MCP_MODE;
const mode = wanted === 'legacy' || wanted === 'auto' ? wanted : { pin: wanted };

const client = new Client({ name: 'velostream-test', version: '1.0.0' }, { versionNegotiation: { mode } });
await client.connect(transport);
await look(client, () => client.getNegotiatedProtocolVersion());
