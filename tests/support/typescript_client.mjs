// Drives the program named by the first argument with clients/typescript, and
// prints what came of it as one JSON object.

import { HotseatClient } from './index.js';

const QUESTION = 'What is the secret?';
const client = new HotseatClient({ pathToClaudeCodeExecutable: process.argv[2] });
const say = async (text) => {
  client.send(text);
  let said;
  for await (const message of client.response()) if (message.type === 'result') said = message.result;
  return said;
};

const first = await client.createSession();
await say('Remember the secret is PINEAPPLE.');
const cleared = await client.clear();
const forgotten = await say(QUESTION);
const back = await client.resume(first.session_id);
const remembered = await say(QUESTION);
const copy = await client.fork();
const listed = (await client.listSessions()).map((each) => each.session_id);
const named = '3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a1';
const made = await client.getOrCreateSession(named);
const lost = await client.resume('3f9c1a52-0b7e-4c11-9d3e-5a7f20c4b9a2').catch((error) => error.message);

await client.close();
console.log(
  JSON.stringify({
    forgotten,
    remembered,
    pids: new Set([first, cleared, back, copy, made].map((each) => each.pid)).size,
    forked: copy.forked_from === first.session_id,
    named: made.session_id === named,
    lost,
    listed: [first, copy].every((each) => listed.includes(each.session_id)),
  }),
);
