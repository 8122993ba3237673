//! The integration tests, one module a subject: they link the crate once.
//!
//! `cargo test --test it screen::` runs one module. `tests/fuzz` is a program of
//! its own: it keeps every core busy, and tests that measure time run here.

mod acp;
mod agent_chat;
mod agent_compact;
mod agent_durability;
mod agent_fetch;
mod agent_hooks;
mod agent_mcp;
mod agent_models;
mod agent_permission;
mod agent_protocol;
mod agent_replies;
mod agent_resume;
mod agent_sdk;
mod agent_settings;
mod agent_switch;
mod agents_screen;
mod architecture;
mod bad_tree;
mod bash_tool;
mod claude_screen;
mod claude_tty;
mod cli;
mod cli_output;
mod clients;
mod demo;
mod docs;
mod drivers;
mod guard;
mod official_exchange;
mod official_list;
mod official_sdk;
mod official_sessions;
mod official_tools;
mod resume_cases;
mod resume_live;
mod screen;
mod screen_elsewhere;
mod screen_robust;
mod screen_trust;
mod sessions_change;
mod sessions_known;
mod sessions_travel;
mod slot;
mod two_writers;

#[path = "../support"]
mod support {
    pub mod agent;
    pub mod agent_bench;
    pub mod alive;
    pub mod claude;
    pub mod codex;
    pub mod completions;
    pub mod model;
    pub mod npm;
    pub mod opencode;
    pub mod others;
    pub mod own_process;
    pub mod pty;
    pub mod responses;
    pub mod script;
    pub mod sessions;
    pub mod shell;
    pub mod skip;
    pub mod slot;
    pub mod stub_api;
}
