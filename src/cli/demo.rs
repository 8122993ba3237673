//! `hotseat demo`: the program on the offline model, over a scratch copy of
//! made-up sessions. Nothing of the user's is written.

mod scratch;
mod tour;

use anyhow::Result;

use super::exit::Exit;
use scratch::Scratch;

/// Plays the tour as text.
pub fn run() -> Result<Exit> {
    let scratch = Scratch::make()?;
    let exit = tour::play(&scratch)?;
    scratch.remove()?;
    Ok(exit)
}
