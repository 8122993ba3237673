//! The terminal program: a pure core (`app`), its drawing (`view`), and the loop
//! that connects both to the world (`shell`).
//!
//! `app` never does I/O, `view` never changes state, `shell` never decides.
//! Start with `app::update`.

pub mod app;
mod shell;
pub mod view;

pub use shell::{TuiOptions, run};
