//! Interrupts a turn, and records that it was interrupted.
//!
//! Owns what becomes of the step that was running. Every call that had no result
//! gets one, so that the next request is valid.

use std::io;

use serde_json::json;

use super::hook_dispatch::HookPoint;
use super::runtime::AgentRuntime;
use super::tool::ToolOutcome;
use super::transcript_entry::TranscriptEntry;
use super::turn::{RunningTurn, TurnStep};
use super::turn_loop::write_failure;
use super::turn_outcome::TurnOutcome;
use crate::protocol::AgentFrame;

/// What the model is told of calls that an interrupt stopped.
const NOT_PERMITTED: &str = "the person stopped the turn instead of permitting it; it did not run";
const INTERRUPTED: &str = "the person stopped it while it ran; it may have done a part of its work";
const NOT_BEGUN: &str = "the person stopped the turn before it ran";

impl AgentRuntime {
    /// Interrupts the running turn, if there is one.
    pub(super) fn interrupt(&mut self) {
        let Some(mut turn) = self.turn.take() else { return };
        let stopped = self.stop_step(&mut turn);
        let ending = match stopped {
            Ok(in_a_tool) => TurnOutcome::interrupted(in_a_tool),
            Err(error) => write_failure(&error),
        };
        self.end_turn(&turn, ending);
    }

    /// Cancels the step and records that; true if a call was pending.
    pub(super) fn stop_step(&mut self, turn: &mut RunningTurn) -> io::Result<bool> {
        let mut stopped = Vec::new();
        // Dropping the step stops the model or the tool.
        match std::mem::replace(&mut turn.step, TurnStep::Deciding) {
            TurnStep::Reply { mut reply, asked, .. } => {
                turn.api_time += asked.elapsed();
                self.record_truncated_reply(turn, &mut reply)?;
            }
            TurnStep::Permission { request_id, call, .. } => {
                self.out.send(&AgentFrame::ControlCancelRequest { request_id });
                stopped.push((call, NOT_PERMITTED));
            }
            TurnStep::PermissionTool { call, .. } => stopped.push((call, NOT_PERMITTED)),
            TurnStep::Tools(calls) => {
                stopped.extend(calls.into_iter().map(|running| (running.call, INTERRUPTED)));
            }
            TurnStep::Facts(_) | TurnStep::Hooks { about: HookPoint::Prompt, .. } => {
                self.record_prompt(&turn.prompt)?;
            }
            TurnStep::Hooks { about: HookPoint::PreToolUse(call), .. } => turn.pending_calls.push_front(call),
            TurnStep::Hooks { about: HookPoint::PermissionRequest(pending), .. } => {
                turn.pending_calls.push_front(pending.call);
            }
            TurnStep::Hooks { about: HookPoint::PostToolUse(ran), .. } => {
                self.record_call(turn, &ran.0, &ran.1)?;
            }
            TurnStep::Hooks { about: HookPoint::Stop, .. }
            | TurnStep::Compacting { .. }
            | TurnStep::BackOff(_)
            | TurnStep::Deciding => {}
        }
        stopped.extend(turn.pending_calls.drain(..).map(|call| (call, NOT_BEGUN)));
        for (call, what) in &stopped {
            let outcome =
                ToolOutcome { detail: json!("User rejected tool use"), ..ToolOutcome::error(*what) };
            self.record_result(call, &outcome)?;
        }
        let mark = TranscriptEntry::interrupted(!stopped.is_empty());
        self.record_for_model(&mark, &mark.content()[0])?;
        self.send_user(mark.message().clone(), &mark.uuid, None);
        Ok(!stopped.is_empty())
    }
}
