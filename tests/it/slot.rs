//! The slot over real processes, under the real guard: a fake agent that does as
//! it is told, and our own.

mod fake;
mod own;
mod talk;
mod trouble;
mod with_fake;
