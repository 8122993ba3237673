//! Agents of the Agent Client Protocol that are shell scripts: as good or as bad
//! as a test wants them.

use std::path::PathBuf;

use hotseat::slot::{CUSTOM_ACP, Launch};

use crate::support::script;
use crate::support::slot::Slot;

/// What the scripts are made of. `greet` comes through the handshake, in the
/// session `s`, which it forgets with its end; `turn` waits for a prompt and `over` ends its turn; `tell UPDATE`
/// tells an update, and `flood COUNT UPDATE` tells it so many times, each with
/// its own `NUMBER`; `ask METHOD
/// PARAMETERS` asks hotseat, and appends the answer to the file `answers`.
const WORDS: &str = r#"
say() { printf '%s\n' "$1"; }
hear() { while read -r line; do case $line in *"$1"*) return ;; esac; done; exit 0; }
id() { printf '%s' "$line" | sed -n 's/^{"jsonrpc":"2.0","id":\([0-9]*\).*/\1/p'; }
answer() { say "{\"jsonrpc\":\"2.0\",\"id\":$(id),\"result\":$1}"; }
hello() { hear '"initialize"'; answer '{"protocolVersion":1,"agentCapabilities":{"loadSession":true}}'; }
refuse() { say "{\"id\":$(id),\"error\":{\"code\":$1,\"message\":\"$2\"}}"; }
greet() {
  hello; hear '"session/'
  case $line in *session/load*) refuse 1 'no such session'; hear '"session/new"' ;; esac
  answer '{"sessionId":"s"}'
}
turn() { hear '"session/prompt"'; prompt=$(id); }
over() { say "{\"jsonrpc\":\"2.0\",\"id\":$prompt,\"result\":{\"stopReason\":\"end_turn\"}}"; }
tell() { say "{\"method\":\"session/update\",\"params\":{\"sessionId\":\"s\",\"update\":{\"sessionUpdate\":$1}}}"; }
word() { tell "\"agent_message_chunk\",\"content\":{\"type\":\"text\",\"text\":\"$1\"}"; }
flood() { line=$(tell "$2"); seq "$1" | sed "s|.*|${line%%NUMBER*}&${line#*NUMBER}|"; }
ask() {
  say "{\"jsonrpc\":\"2.0\",\"id\":\"q\",\"method\":\"$1\",\"params\":{\"sessionId\":\"s\",$2}}"
  hear '"id":"q"'
  say "$line" >> answers
}
"#;

/// A slot with this script in it; it runs in the folder `work` of the slot's.
pub fn seat(script: &str) -> Slot {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("agent");
    script::write(&program, &format!("#!/bin/sh\n{WORDS}\n{script}\n"));
    let work = folder.path().canonicalize().unwrap().join("work");
    std::fs::create_dir(&work).unwrap();
    let launch = Launch {
        guard: Some(env!("CARGO_BIN_EXE_hotseat").into()),
        ..Launch::new(CUSTOM_ACP.driver, program, work)
    };
    Slot::launch(folder, launch)
}

/// Where the script runs.
pub fn work(slot: &Slot) -> PathBuf {
    slot.folder.path().canonicalize().unwrap().join("work")
}

/// What hotseat answered to what the script asked.
pub fn answers(slot: &Slot) -> Vec<serde_json::Value> {
    let answers = std::fs::read_to_string(work(slot).join("answers")).unwrap();
    answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
