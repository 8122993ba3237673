// The official query, plus the three switches of a hotseat process.
//
// Owns the names of the switches and the queue of prompts. The work is in the
// process: every method is one request to it. Types and docs: index.d.ts.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { query } from '@anthropic-ai/claude-agent-sdk';

export class HotseatClient {
  #options;
  #waiting = [];
  #wake = () => {};
  #closed = false;
  #ready = Promise.resolve();

  constructor(options) {
    this.#options = options;
    this.query = query({ prompt: this.#prompts(), options });
    if (options.sessionStore) this.#offerStore(options.sessionStore);
  }

  // Sessions that exist only in the store can be resumed and forked: the process
  // asks for their entries, and no file is needed.
  #offerStore(store) {
    const process = this.query.processControlRequest.bind(this.query);
    this.query.processControlRequest = async (message, signal) => {
      const { subtype, key } = message.request;
      if (subtype !== 'session_store_load') return process(message, signal);
      return { entries: await store.load({ projectKey: key.project_key, sessionId: key.session_id }) };
    };
    this.#ready = this.query
      .initializationResult()
      .then(() => this.query.request({ subtype: 'initialize', session_store: true }));
    // Whoever switches sees the failure.
    this.#ready.catch(() => {});
  }

  send(content) {
    this.#waiting.push({ type: 'user', message: { role: 'user', content }, parent_tool_use_id: null });
    this.#wake();
  }

  async *response() {
    for (;;) {
      // Not `for await`: leaving such a loop would close the query.
      const { value, done } = await this.query.next();
      if (done) return;
      yield value;
      if (value.type === 'result') return;
    }
  }

  clear({ resume, interrupt } = {}) {
    return this.#switch('clear', { resume, interrupt });
  }

  resume(sessionId, { fork, at, cwd, interrupt } = {}) {
    return this.#switch('resume', {
      session_id: sessionId,
      fork_session: fork,
      resume_session_at: at,
      cwd,
      interrupt,
    });
  }

  loadSession(sessionId, { interrupt } = {}) {
    return this.#switch('load_session', { session_id: sessionId, interrupt });
  }

  fork({ sessionId, at, title, interrupt } = {}) {
    return this.#switch('fork', { session_id: sessionId, resume_session_at: at, title, interrupt });
  }

  createSession() {
    return this.clear();
  }

  getOrCreateSession(sessionId, { interrupt } = {}) {
    return this.#switch('resume', { session_id: sessionId, create: true, interrupt });
  }

  async listSessions({ allProjects = false } = {}) {
    const { pathToClaudeCodeExecutable: program = 'hotseat', cwd, env } = this.#options;
    const words = ['sessions', 'list', '--json', ...(allProjects ? ['--all'] : [])];
    const { stdout } = await promisify(execFile)(program, words, { cwd, env, maxBuffer: Infinity });
    return JSON.parse(stdout);
  }

  async close() {
    this.#closed = true;
    this.#wake();
    // What is still said is read to its end, so that the last entries are kept.
    while (!(await this.query.next()).done);
  }

  async #switch(subtype, wanted) {
    await this.#ready;
    const asked = Object.entries(wanted).filter(([, value]) => value !== undefined && value !== false);
    const { response } = await this.query.request({ subtype, ...Object.fromEntries(asked) });
    return response;
  }

  async *#prompts() {
    for (;;) {
      while (this.#waiting.length > 0) yield this.#waiting.shift();
      if (this.#closed) return;
      await new Promise((wake) => (this.#wake = wake));
    }
  }
}
