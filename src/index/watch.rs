//! Notices that something in the store changed.
//!
//! Owns the operating system's watches. Says only that a look is worth it, never what
//! changed: the store is the truth. Where watches fail (network file systems, too many
//! watches) callers poll every two seconds instead.

use std::path::PathBuf;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};

/// A running watch. Dropping it ends it.
pub struct StoreWatch {
    _watcher: RecommendedWatcher,
}

impl StoreWatch {
    /// Calls `changed`, on a thread of its own, whenever something below these folders is
    /// written, created or removed. A folder that does not exist yet is watched through its
    /// nearest parent that does.
    pub fn start(folders: &[PathBuf], changed: impl Fn() + Send + 'static) -> notify::Result<Self> {
        let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
            // Reading a file is no change. An error means that events were lost, so there
            // may be one.
            if !event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
                changed();
            }
        })?;
        for folder in folders {
            let there = folder.ancestors().find(|above| above.is_dir());
            let mode =
                if there == Some(folder) { RecursiveMode::Recursive } else { RecursiveMode::NonRecursive };
            if let Some(there) = there {
                watcher.watch(there, mode)?;
            }
        }
        Ok(Self { _watcher: watcher })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_line_that_is_appended_is_told() {
        let temp = tempfile::tempdir().unwrap();
        let folder = temp.path().join("projects/-w");
        std::fs::create_dir_all(&folder).unwrap();
        let (sender, told) = channel();
        let _watch =
            StoreWatch::start(&[temp.path().join("projects"), temp.path().join("sessions")], move || {
                let _ = sender.send(());
            })
            .unwrap();
        std::fs::write(folder.join("a.jsonl"), "{}\n").unwrap();
        told.recv_timeout(Duration::from_secs(10)).unwrap();
        // A folder that came later is watched too.
        std::fs::create_dir(temp.path().join("projects/-new")).unwrap();
        while told.recv_timeout(Duration::from_millis(200)).is_ok() {}
        std::fs::write(temp.path().join("projects/-new/b.jsonl"), "{}\n").unwrap();
        told.recv_timeout(Duration::from_secs(10)).unwrap();
    }
}
