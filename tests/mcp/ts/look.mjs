// What the TypeScript clients of both generations do alike: ask a server for all it has
// and call what the plan on stdin says (clients/python_1.py describes both).
export async function look(client, revision) {
	let text = '';
	for await (const chunk of process.stdin) text += chunk;
	const plan = JSON.parse(text);
	const all = async (list, ask) => {
		const answers = [];
		for (const entry of list) answers.push(await ask(entry));
		return answers;
	};
	const seen = {
		tools: (await client.listTools()).tools,
		resources: (await client.listResources()).resources,
		templates: (await client.listResourceTemplates()).resourceTemplates,
		prompts: (await client.listPrompts()).prompts,
		calls: await all(plan.calls, ([name, args]) => client.callTool({ name, arguments: args })),
		reads: await all(plan.reads, (uri) => client.readResource({ uri })),
		got: await all(plan.prompts, ([name, args]) => client.getPrompt({ name, arguments: args })),
		revision: revision(),
	};
	await client.close();
	console.log(JSON.stringify(seen));
}
