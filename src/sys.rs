//! The operating system: the one way in which every child process is started and
//! ended, real paths behind links, files that are always asked about.
//!
//! The ground floor: every room may use it, and it uses none. It must never know
//! what a session or an agent is. Start reading in [`guarded`].

pub mod descendants;
pub mod guarded;
pub mod protected_paths;
pub mod real_path;
