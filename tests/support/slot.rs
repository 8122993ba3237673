//! A slot and a reader of its news.

use std::time::Duration;

use hotseat::session::SessionId;
use hotseat::session::conversation::ConversationEvent;
use hotseat::session::message::MessageBlock;
use hotseat::slot::{
    AgentEvent, AgentInfo, Launch, PromptState, SlotEvent, SlotEventKind, SlotHandle, SlotState, spawn,
};
use tempfile::TempDir;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

/// Longer than anything here may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Slot {
    pub handle: SlotHandle,
    pub folder: TempDir,
    news: Receiver<SlotEvent>,
    /// Everything that was told so far.
    pub heard: Vec<SlotEvent>,
}

impl Slot {
    pub fn launch(folder: TempDir, launch: Launch) -> Self {
        let (handle, news) = spawn(launch);
        Self { folder, ..Self::owned(handle, news) }
    }

    /// One that was started elsewhere, in a folder of someone else's.
    pub fn owned(handle: SlotHandle, news: Receiver<SlotEvent>) -> Self {
        Self { handle, folder: tempfile::tempdir().unwrap(), news, heard: Vec::new() }
    }

    /// Reads the news until one of them is what `pick` looks for.
    pub async fn until<T>(&mut self, what: &str, pick: impl Fn(&SlotEvent) -> Option<T>) -> T {
        let found = timeout(PATIENCE, async {
            while let Some(event) = self.news.recv().await {
                let picked = pick(&event);
                self.heard.push(event);
                if picked.is_some() {
                    return picked;
                }
            }
            None
        });
        let found = found.await.ok().flatten();
        found.unwrap_or_else(|| panic!("{what} did not come; heard {:#?}", self.heard))
    }

    pub async fn ready(&mut self) -> AgentInfo {
        self.until("ready", |event| match &event.kind {
            SlotEventKind::Ready(agent) => Some(agent.clone()),
            _ => None,
        })
        .await
    }

    pub async fn idle(&mut self) -> SessionId {
        self.until("idle", |event| match &event.kind {
            SlotEventKind::StateChanged(SlotState::Idle(session)) => Some(*session),
            _ => None,
        })
        .await
    }

    pub async fn exited(&mut self) -> hotseat::slot::ProcessExit {
        self.until("an exit", |event| match &event.kind {
            SlotEventKind::StateChanged(SlotState::Exited(exit)) => Some(exit.clone()),
            _ => None,
        })
        .await
    }

    pub async fn submit(&self, uuid: &str, text: &str) {
        self.handle.submit(uuid.to_owned(), text.to_owned()).await.unwrap();
    }

    pub async fn prompt(&mut self, wanted: &str, state: PromptState) {
        self.until(&format!("{wanted} {state:?}"), |event| match &event.kind {
            SlotEventKind::Agent(AgentEvent::PromptStateChanged { uuid, state: now })
                if uuid == wanted && *now == state =>
            {
                Some(())
            }
            _ => None,
        })
        .await;
    }

    /// Submits, and gives back the whole reply.
    pub async fn say(&mut self, text: &str) -> String {
        let uuid = uuid::Uuid::new_v4().to_string();
        self.submit(&uuid, text).await;
        let reply = self.reply().await;
        self.prompt(&uuid, PromptState::Completed).await;
        reply
    }

    pub async fn reply(&mut self) -> String {
        self.until("a reply", |event| match &event.kind {
            SlotEventKind::Agent(AgentEvent::ConversationChanged {
                change: ConversationEvent::Block { block: MessageBlock::Text(text), .. },
                ..
            }) => Some(text.clone()),
            _ => None,
        })
        .await
    }
}

pub fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}
