import type { Options, Query, SDKMessage, SDKUserMessage } from '@anthropic-ai/claude-agent-sdk';

/** What a switch led to. */
export interface Switched {
  /** The session that is active now. */
  session_id: string;
  /** The one that was left; its transcript is complete on disk. */
  previous_session_id: string;
  /** The session this one was copied from. */
  forked_from?: string;
  /** Where the transcript lies, or will with its first entry. */
  transcript_path: string;
  /** The folder the session works in. */
  cwd: string;
  /** Messages so far. */
  message_count: number;
  /** Prompts so far. */
  num_turns: number;
  /** US dollars so far. */
  total_cost_usd: number;
  /** From the request's arrival to its answer, in the process. */
  duration_ms: number;
  /** The process: the same as before. */
  pid: number;
  /** Tokens so far, as the Messages API names them. */
  usage: Record<string, unknown>;
  /** What was mended in a torn transcript, for a person. */
  repaired?: string;
}

/** A session as `hotseat sessions list --json` prints it. */
export interface ListedSession {
  session_id: string;
  summary: string;
  last_modified: number;
  file_size?: number;
  custom_title?: string | null;
  first_prompt?: string | null;
  git_branch?: string | null;
  cwd?: string | null;
  tag?: string | null;
  created_at?: number | null;
  [more: string]: unknown;
}

/** A turn that runs is interrupted first; without it the switch is refused as busy. */
export interface Interrupts {
  interrupt?: boolean;
}

/**
 * A query whose process changes sessions without restarting. A switch that
 * fails rejects with the reason; the former session is active then, and whole.
 */
export class HotseatClient {
  constructor(options: Options);
  /** The SDK's own query, with all its methods. */
  readonly query: Query;
  /** Sends a prompt. */
  send(content: SDKUserMessage['message']['content']): void;
  /** The messages up to the end of the turn. */
  response(): AsyncGenerator<SDKMessage, void>;
  /** Leaves for a new session, or for the one that `resume` names. */
  clear(wanted?: { resume?: string } & Interrupts): Promise<Switched>;
  /** Goes on with a stored session, or with a copy of it; `at` is the message to go on from. */
  resume(sessionId: string, how?: { fork?: boolean; at?: string; cwd?: string } & Interrupts): Promise<Switched>;
  /** `resume` by another name. */
  loadSession(sessionId: string, how?: Interrupts): Promise<Switched>;
  /** Goes on in a copy of a session, the active one without an id; `at` is the last message to copy. */
  fork(wanted?: { sessionId?: string; at?: string; title?: string } & Interrupts): Promise<Switched>;
  /** Leaves for a new session; its id and path are known at once. */
  createSession(): Promise<Switched>;
  /** Goes on with this session, or begins it with this very id. */
  getOrCreateSession(sessionId: string, how?: Interrupts): Promise<Switched>;
  /** The sessions of this client's folder, or of all, newest first. */
  listSessions(which?: { allProjects?: boolean }): Promise<ListedSession[]>;
  /** Lets the process end; what it still writes is kept. */
  close(): Promise<void>;
}
