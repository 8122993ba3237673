use std::path::PathBuf;

use super::*;
use crate::store::TrustRecord;

const OPENED: &str = "/home/me/hotseat";

/// A start in a folder that nobody said they trust.
fn untrusted(setup: AppSetup) -> (App, Vec<Effect>) {
    let mut app = App::new(AppSetup { is_trusted: false, ..setup });
    let effects = initial_effects(&mut app);
    (app, effects)
}

fn press(app: &mut App, key: &str) -> Vec<Effect> {
    update(app, noon(), Event::Key(key_event(key)))
}

fn started(effects: &[Effect]) -> Option<(PathBuf, Option<SessionId>, bool)> {
    effects.iter().find_map(|effect| match effect {
        Effect::StartSlot { cwd, resume, project_settings } => {
            Some((cwd.clone(), *resume, *project_settings))
        }
        _ => None,
    })
}

#[test]
fn a_trusted_folder_starts_at_once() {
    let mut app = App::new(setup());
    assert_eq!(started(&initial_effects(&mut app)), Some((OPENED.into(), None, true)));
}

#[test]
fn nothing_starts_in_an_untrusted_folder_before_the_answer() {
    for (key, settings, trusts) in [("enter", false, false), ("w", false, false), ("t", true, true)] {
        let (mut app, effects) = untrusted(setup());
        assert_eq!(started(&effects), None);
        assert!(app.needs_redraw && app.overlay.is_some(), "the question has to be drawn");
        let effects = press(&mut app, key);
        assert_eq!(started(&effects), Some((OPENED.into(), None, settings)), "{key}");
        let record = TrustRecord::Claude;
        let trust = Effect::TrustFolder { folder: OPENED.into(), record, session: None };
        assert_eq!(effects.contains(&trust), trusts, "{key}");
        assert_eq!(app.is_restricted(), !settings);
    }
    for key in ["q", "esc", "ctrl-c"] {
        let (mut app, _) = untrusted(setup());
        assert_eq!(press(&mut app, key), [Effect::Quit], "{key}");
    }
}

#[test]
fn an_agent_that_cannot_leave_settings_out_has_no_default() {
    let (mut app, _) = untrusted(AppSetup { ignores_project_settings: false, ..setup() });
    assert_eq!(press(&mut app, "enter"), []);
    assert_eq!(press(&mut app, "w"), []);
    assert!(started(&press(&mut app, "t")).is_some());
}

#[test]
fn a_session_of_another_folder_is_asked_about_before_anything_starts() {
    let elsewhere = |is_trusted| ResolvedFolder {
        path: "/other".into(),
        reason: FolderReason::FiledUnder,
        is_trusted,
        exists: true,
    };
    let setup = |is_trusted| AppSetup {
        resume: Some(id(3)),
        resume_elsewhere: Some(elsewhere(is_trusted)),
        ..setup()
    };
    for (trusted, key, expected) in [
        (true, "g", ("/other", Some(id(3)), true)),
        (false, "enter", ("/other", Some(id(3)), false)),
        (false, "t", ("/other", Some(id(3)), true)),
        (true, "f", (OPENED, None, true)),
        (true, "s", (OPENED, None, true)),
    ] {
        let mut app = App::new(setup(trusted));
        assert_eq!(started(&initial_effects(&mut app)), None);
        let (cwd, resume, settings) = expected;
        assert_eq!(started(&press(&mut app, key)), Some((cwd.into(), resume, settings)), "{key}");
        assert_eq!(app.deferred.is_some(), key == "f", "{key}");
    }
    // Staying here asks about the folder here.
    let (mut app, _) = untrusted(setup(true));
    assert_eq!(started(&press(&mut app, "s")), None);
    assert_eq!(started(&press(&mut app, "enter")), Some((OPENED.into(), None, false)));
}
