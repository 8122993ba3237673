//! The operating system: the one way in which every child process is started and
//! ended, whether a process lives and what memory it holds, files that only their
//! owner may read, git repositories, real paths behind links, files that are
//! always asked about.
//!
//! The ground floor: every room may use it, and it uses none. It must never know
//! what a session or an agent is. Start reading in [`guarded`].

pub mod descendants;
pub mod git_repository;
pub mod guarded;
pub mod private_files;
pub mod process_group;
pub mod process_liveness;
pub mod protected_paths;
pub mod real_path;
pub mod resident_memory;
