//! The slot over real processes, under the real guard: a fake agent that does as
//! it is told, and our own.

#[path = "../support/alive.rs"]
mod alive;
mod fake;
mod own;
#[path = "../support/slot.rs"]
mod seat;
mod talk;
mod trouble;
mod with_fake;
