//! The ground floor: what this machine's processes are made of.
//!
//! Owns the one way in which every child process is started and ended. Uses no
//! other room. Start reading in [`guarded`].

pub mod descendants;
pub mod guarded;
