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

  constructor(options) {
    this.#options = options;
    this.query = query({ prompt: this.#prompts(), options });
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
