//! What every driver must do, tried on the real programs: prompt, stream,
//! permission, interrupt, clear, resume, fork, rename, crash and close.
//!
//! No network: the agents ask a stub of a model on loopback. An agent that is
//! not installed is skipped by name.

mod acp;
mod acp_trouble;
mod claude;
mod codex;
mod lending;
mod scripted;
mod switches;
mod talk;
mod trouble;
mod walk;

/// The tests of one driver: each takes a bench, where the agent is there.
macro_rules! conforms {
    ($agent:ident, $($room:ident::$test:ident),* $(,)?) => {
        mod $agent {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                if let Some(bench) = crate::support::agent_bench::Bench::of(stringify!($agent), stringify!($test)) {
                    crate::drivers::$room::$test(bench).await;
                }
            })*
        }
    };
}

/// The same for each of them.
macro_rules! all_conform {
    ($($agent:ident),*) => {
        mod conforms {
            $(conforms!($agent,
                talk::a_reply_streams,
                talk::a_tool_runs_once_it_is_permitted,
                talk::an_interrupt_ends_the_turn,
                talk::prompts_that_wait_all_run,
                talk::a_crash_brings_the_session_back,
                talk::closing_leaves_no_process,
                talk::its_session_is_listed,
                talk::a_title_is_kept,
                talk::its_mcp_servers_are_told,
                talk::files_come_back_to_what_they_were_before_a_prompt,
                switches::a_clear_forgets,
                switches::a_resume_remembers,
                switches::a_fork_leaves_its_source_as_it_is,
                switches::a_session_that_is_not_there_leaves_the_former,
                switches::a_switch_can_interrupt_a_turn,
                switches::a_session_runs_in_its_own_folder,
            );)*
        }
    };
}

all_conform!(hotseat, claude, codex, opencode);
