//! The terminal program: what it is (`app`), how it looks (`view`), and the
//! loop where both meet the world (`shell`).

pub mod app;
mod shell;
pub mod view;

pub use shell::{TuiOptions, run};
