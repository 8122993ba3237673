//! What the program is: its state, what happens to it, what it asks for.
//!
//! Pure: no I/O, no async, no drawing, no clock. [`update`] takes one
//! [`Event`] at a time and answers with [`Effect`]s; the view draws [`App`];
//! the shell runs the effects and sends events back.

mod agents;
mod badge;
mod browser;
mod command;
mod composer;
mod effect;
mod event;
mod geometry;
mod intent;
mod jump;
mod key;
mod keymap;
mod overlay;
mod page;
mod ranking;
#[cfg(test)]
pub mod sample;
mod setup;
mod state;
mod surroundings;
mod undo;
mod update;
mod writing;

pub use agents::Offered;
pub use badge::Badge;
pub use browser::{Browser, Visible};
pub use command::Command;
pub use composer::{Composer, Queued};
pub use effect::{Effect, Typed};
pub use event::{Event, Opened};
pub use geometry::{Geometry, Target};
pub use intent::{Intent, Next};
pub use jump::{Finding, Found, Jump, Sought, Within};
pub use key::Key;
pub use keymap::{Binding, Hint, Keymap, Place};
pub use overlay::{Ask, Choice, Overlay, Purpose, Text};
pub use page::{Anchor, FIRST_READ, Page, Read, Scroll, Search, Seek, text_of};
pub use ranking::{Ranking, Work};
pub use setup::Setup;
pub use state::{App, Focus, Pending, Seat, Toast};
pub use surroundings::Surroundings;
pub use undo::Undo;
pub use update::{SlashCommand, begin, completions, update};
