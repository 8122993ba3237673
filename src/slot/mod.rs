//! The slot: one warm agent subprocess and the task that owns it.
//!
//! Owns spawning, the handshake, switching, restarting and closing of one
//! subprocess. Never knows screens, nor how an agent thinks. Everybody else
//! holds a [`SlotHandle`] and reads [`SlotEvent`]s.

mod event;

pub use event::*;
