//! The slot over real processes: a fake agent that does as it is told, started
//! under the real guard.

mod fake;
mod seat;
mod talk;
mod trouble;
