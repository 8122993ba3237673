//! A permission request on the screen, and how much of it was seen.
//!
//! Owns what decides whether an answer counts: a request is allowed only once its
//! end was on screen. It never decides what the answer is.

use chrono::{DateTime, Utc};

use crate::slot::PermissionRequest;

/// A tool call that waits for permission.
#[derive(Debug, Clone, PartialEq)]
pub struct PermissionCard {
    /// What wants to run.
    pub request: PermissionRequest,
    /// When a person could first see it; keys typed before that are not answers.
    pub first_seen: Option<DateTime<Utc>>,
    /// Its last line has been on screen: only then it can be allowed.
    pub end_seen: bool,
    /// Lines that its text is scrolled down by.
    pub scroll: usize,
    /// It has the whole conversation pane.
    pub full_screen: bool,
}

impl PermissionCard {
    /// A request that nobody has seen yet.
    pub fn new(request: PermissionRequest) -> Self {
        Self { request, first_seen: None, end_seen: false, scroll: 0, full_screen: false }
    }
}
