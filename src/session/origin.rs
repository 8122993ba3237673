//! Who had a session: a person, or a program on its own.
//!
//! Claude Code 2.1.332 writes the kind of a session on its entries (`sessionKind`: `bg`,
//! `daemon`, `daemon-worker`), the team of its members (`teamName`) and what started it
//! (`entrypoint`: `cli` for a person at a terminal, `sdk-cli` for `claude -p`, `sdk-ts`,
//! `sdk-py`). Its own picker leaves out daemons, teams and those three entrypoints.

use serde::{Deserialize, Serialize};

use crate::transcript::raw_entry::{EntryKind, RawEntry};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum SessionOrigin {
    /// A person, as far as anything says.
    #[default]
    Person,
    /// A program, which asked without anybody there: `claude -p`, an SDK, `codex exec`.
    Headless,
    /// A job in the background, which a person started.
    Background,
    /// A daemon or its worker.
    Daemon,
    /// A member of a team of agents.
    Teammate,
    /// A review that an agent made for another session.
    Review,
}

/// What started a session without a person there.
const HEADLESS_ENTRYPOINTS: [&str; 3] = ["sdk-cli", "sdk-ts", "sdk-py"];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marks {
    #[serde(default)]
    session_kind: Option<String>,
    #[serde(default)]
    team_name: Option<String>,
    #[serde(default)]
    entrypoint: Option<String>,
}

impl SessionOrigin {
    /// What this entry says of its session; `None` if it says nothing.
    pub fn of_entry(json: &str) -> Option<Self> {
        const FIELDS: [&str; 3] = ["\"sessionKind\"", "\"teamName\"", "\"entrypoint\""];
        // Most entries of another program have none: they need not be parsed again.
        if !FIELDS.iter().any(|field| memchr::memmem::find(json.as_bytes(), field.as_bytes()).is_some()) {
            return None;
        }
        let marks: Marks = serde_json::from_str(json).ok()?;
        match (marks.session_kind.as_deref(), marks.entrypoint.as_deref()) {
            _ if marks.team_name.is_some() => Some(Self::Teammate),
            (Some("bg"), _) => Some(Self::Background),
            (Some(kind), _) if kind.starts_with("daemon") => Some(Self::Daemon),
            (_, Some(entrypoint)) if Self::is_headless(entrypoint) => Some(Self::Headless),
            (_, Some(_)) => Some(Self::Person),
            _ => None,
        }
    }

    /// Takes in an entry; `known` is what was known before. A person who comes later, by
    /// resuming it, has the session from then on; a program that comes later does not take it
    /// away.
    pub(super) fn observe(known: &mut Option<Self>, kind: EntryKind, line: &RawEntry<'_>) {
        let speaks = matches!(kind, EntryKind::User | EntryKind::Assistant) && !line.is_sidechain();
        // Once it is a person's, nothing that comes changes it.
        if !speaks || *known == Some(Self::Person) {
            return;
        }
        let said = Self::of_entry(line.json());
        if known.is_none() || said == Some(Self::Person) {
            *known = Some(said.unwrap_or_default());
        }
    }

    /// The origin that [`Self::label`] is the name of.
    pub fn from_label(label: &str) -> Option<Self> {
        let all = [Self::Headless, Self::Background, Self::Daemon, Self::Teammate, Self::Review];
        all.into_iter().find(|origin| origin.label() == Some(label))
    }

    /// What these entries of one session say together.
    pub fn of_entries(entries: &[RawEntry<'_>]) -> Self {
        let mut known = None;
        for line in entries {
            Self::observe(&mut known, line.kind(), line);
        }
        known.unwrap_or_default()
    }

    /// Whether an `entrypoint` means that no person is there.
    pub fn is_headless(entrypoint: &str) -> bool {
        HEADLESS_ENTRYPOINTS.contains(&entrypoint)
    }

    pub fn is_person(self) -> bool {
        self == Self::Person
    }

    /// A word for a row and for `--json`; `None` for a person's.
    pub fn label(self) -> Option<&'static str> {
        match self {
            Self::Person => None,
            Self::Headless => Some("headless"),
            Self::Background => Some("background"),
            Self::Daemon => Some("daemon"),
            Self::Teammate => Some("teammate"),
            Self::Review => Some("review"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(entries: &[&str], origin: SessionOrigin) {
        let mut known = None;
        for fields in entries {
            let json = format!(r#"{{"type":"user","message":{{"content":"x"}}{fields}}}"#);
            let line = RawEntry::parse(&json).unwrap();
            SessionOrigin::observe(&mut known, line.kind(), &line);
        }
        assert_eq!(known.unwrap_or_default(), origin, "{entries:?}");
    }

    #[test]
    fn each_kind_is_told_by_its_entries() {
        use SessionOrigin::{Background, Daemon, Headless, Person, Teammate};
        check(&[], Person);
        check(&[""], Person);
        check(&[r#","entrypoint":"cli""#], Person);
        check(&[r#","entrypoint":"claude-vscode""#], Person);
        check(&[r#","sessionKind":"bg","entrypoint":"cli""#], Background);
        check(&[r#","sessionKind":"daemon""#], Daemon);
        check(&[r#","sessionKind":"daemon-worker""#], Daemon);
        check(&[r#","teamName":"t","agentName":"a""#], Teammate);
        for entrypoint in ["sdk-cli", "sdk-ts", "sdk-py"] {
            check(&[&format!(r#","entrypoint":"{entrypoint}""#)], Headless);
        }
        check(&[r#","entrypoint":7"#], Person);
    }

    #[test]
    fn a_person_who_resumes_it_has_it_from_then_on() {
        let (program, person) = (r#","entrypoint":"sdk-cli""#, r#","entrypoint":"cli""#);
        check(&[program, "", program], SessionOrigin::Headless);
        check(&[program, person], SessionOrigin::Person);
        check(&[person, program], SessionOrigin::Person);
        check(&["", program], SessionOrigin::Person);
    }

    #[test]
    fn a_label_names_its_origin() {
        assert_eq!(SessionOrigin::from_label("review"), Some(SessionOrigin::Review));
        assert_eq!(SessionOrigin::from_label(""), None);
    }
}
