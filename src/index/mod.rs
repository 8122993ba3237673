//! What makes many sessions quick to list and to find.
//!
//! Owns cached facts about every session and the search over them. Never the
//! truth: everything here can be made anew from the store. Never knows screens
//! or processes.

mod catalog;
pub mod fuzzy;
pub mod query;
mod row;
pub mod text;

pub use catalog::Catalog;
pub use row::Row;
