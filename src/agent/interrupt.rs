//! Stopping a turn, and what the transcript says about it.

use std::io;

use serde_json::json;

use super::frames::Ending;
use super::hooking::About;
use super::process::Process;
use super::record::Entry;
use super::tool::Outcome;
use super::turn::{Step, Turn};
use super::turn_loop::failed;
use crate::protocol::AgentFrame;

impl Process {
    /// Stops the running turn and records that it was stopped.
    pub(super) fn interrupt(&mut self) {
        let Some(mut turn) = self.turn.take() else { return };
        let stopped = self.stop(&mut turn);
        let ending = match stopped {
            Ok(()) => Ending {
                subtype: "error_during_execution",
                errors: vec!["interrupted".to_owned()],
                ..Ending::default()
            },
            Err(error) => failed(&error),
        };
        self.end_turn(&turn, ending);
    }

    fn stop(&mut self, turn: &mut Turn) -> io::Result<()> {
        let mut stopped_call = None;
        // Dropping the step stops the model or the tool.
        match std::mem::replace(&mut turn.step, Step::Deciding) {
            Step::Reply { mut reply, asked, .. } => {
                turn.waited += asked.elapsed();
                self.cut_off(turn, &mut reply)?;
            }
            Step::Permission { request_id, call, .. } => {
                self.out.send(&AgentFrame::ControlCancelRequest { request_id });
                stopped_call =
                    Some((call, "the person stopped the turn instead of permitting it; it did not run"));
            }
            Step::Tool { call, .. } => {
                stopped_call =
                    Some((call, "the person stopped it while it ran; it may have done a part of its work"));
            }
            Step::Hooks { about: About::Prompt, .. } => self.record_prompt(&turn.prompt)?,
            Step::Hooks { about: About::Call(call), .. } => turn.calls.push_front(call),
            Step::Hooks { about: About::Result | About::Stop, .. }
            | Step::Compacting { .. }
            | Step::BackOff(_)
            | Step::Deciding => {}
        }
        let waiting = turn.calls.drain(..).map(|call| (call, "the person stopped the turn before it ran"));
        let calls: Vec<_> = stopped_call.into_iter().chain(waiting).collect();
        for (call, what) in &calls {
            let outcome = Outcome { detail: json!("User rejected tool use"), ..Outcome::failed(*what) };
            self.record_result(call, &outcome)?;
        }
        let mark = Entry::interrupted(!calls.is_empty());
        for block in mark.content().as_array().into_iter().flatten() {
            self.session.context.push_note(block);
        }
        self.record(&mark)?;
        self.send_user(mark.message().clone(), &mark.uuid, None);
        Ok(())
    }
}
