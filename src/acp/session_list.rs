//! `session/list`: the stored sessions from the index, page by page.

use std::path::Path;
use std::sync::Arc;

use agent_client_protocol_schema::v1::{Error, ListSessionsRequest, ListSessionsResponse, SessionInfo};
use chrono::SecondsFormat;

use crate::index::{Catalog, SessionRow};
use crate::store::{Scope, SessionStore};

/// Sessions on a page.
const PAGE: usize = 100;

/// The requested page, newest session first. The cursor is the last session of
/// the page before. May read every transcript that is not indexed yet.
pub(super) fn list_page(
    store: Arc<dyn SessionStore>,
    index: &Path,
    request: ListSessionsRequest,
) -> Result<ListSessionsResponse, Error> {
    let scope = request.cwd.map_or(Scope::All, Scope::Project);
    let rows = Catalog::open(store, index, false).read(&scope, |_, _| ());
    let rows = rows.map_err(|error| Error::new(-32603, format!("the sessions cannot be listed: {error}")))?;
    let said: Vec<_> = rows.iter().filter(|row| !row.is_empty()).collect();
    let first = match &request.cursor {
        None => 0,
        Some(cursor) => {
            let at = said.iter().position(|row| row.stored.id.to_string() == *cursor);
            at.ok_or_else(|| Error::invalid_params().data("the cursor does not name a session"))? + 1
        }
    };
    let last = said.len().min(first + PAGE);
    let page = &said[first..last];
    let next = page.last().filter(|_| last < said.len()).map(|row| row.stored.id.to_string());
    Ok(ListSessionsResponse::new(page.iter().filter_map(|row| session_info(row)).collect()).next_cursor(next))
}

/// A session's list entry; `None` without a folder, since it cannot be opened.
fn session_info(row: &SessionRow) -> Option<SessionInfo> {
    let info = SessionInfo::new(row.stored.id.to_string(), row.facts.cwd.clone()?)
        .title(row.facts.title_text().to_owned())
        .updated_at(row.active_at().to_rfc3339_opts(SecondsFormat::Millis, true));
    Some(info)
}
