//! Answers to the questions that hotseat asks before it does something.

use super::super::effect::Effect;
use super::super::overlay::Confirmation;
use super::super::state::App;
use super::dispatch::close;
use super::{modes, switch, trust};

/// Takes the answer to a question.
pub(super) fn answer_confirmation(app: &mut App, choice: Confirmation, answer: char) -> Vec<Effect> {
    match (choice, answer) {
        (Confirmation::SwitchWhileBusy(next), 'i') if app.is_busy() => switch::change_now(app, next),
        // Over by now, there is nothing to wait for and nothing to interrupt.
        (Confirmation::SwitchWhileBusy(next), 'w' | 'i') => {
            if app.is_busy() {
                app.toast("waiting for the turn to end; Esc stops it");
            }
            switch::change_when_idle(app, next)
        }
        (Confirmation::QuitWhileBusy, 'q') => {
            let mut effects = vec![Effect::Interrupt];
            effects.extend(close(app));
            effects
        }
        (Confirmation::ForkInstead { session, .. } | Confirmation::Damaged { session, .. }, 'f') => {
            switch::restore_prompt(app);
            switch::fork_session(app, session, None)
        }
        (Confirmation::TrustFolder { .. }, answer) => trust::answer_trust(app, answer),
        (Confirmation::OtherFolder { session, .. } | Confirmation::FolderGone { session, .. }, 'f') => {
            switch::restore_prompt(app);
            trust::fork_here(app, session)
        }
        (Confirmation::OtherFolder { session, folder, purpose, .. }, answer @ ('g' | 't' | 'w')) => {
            trust::answer_other_folder(app, session, folder, purpose, answer)
        }
        (Confirmation::FolderGone { folder, .. }, 'm') => {
            switch::restore_prompt(app);
            vec![Effect::MoveHere(folder.into())]
        }
        (Confirmation::FolderGone { session, .. }, 'r') => trust::resume_here(app, session),
        (Confirmation::Damaged { session, .. }, 'r') => {
            app.damage_accepted.insert(session);
            switch::request_resume(app, session)
        }
        (Confirmation::OtherFolder { .. } | Confirmation::FolderGone { .. }, _) => trust::stay(app),
        (
            Confirmation::SwitchWhileBusy(_)
            | Confirmation::ForkInstead { .. }
            | Confirmation::Damaged { .. },
            _,
        ) => switch::cancel_switch(app),
        (Confirmation::QuitWithDraft, 'q') => close(app),
        (Confirmation::PermissiveMode(mode), 'a') => vec![Effect::SetMode { mode, cycles: true }],
        (Confirmation::PermissiveMode(mode), 'n') => modes::after(app, mode),
        (Confirmation::QuitWhileBusy | Confirmation::QuitWithDraft | Confirmation::PermissiveMode(_), _) => {
            Vec::new()
        }
    }
}
