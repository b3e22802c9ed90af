//! The server's twin of `browser`: pages are rendered here, and nothing is tracked.

use leptos::ev::SubmitEvent;
use tracking::{ClientEvent, InsertId};

/// The client of server functions; the server calls none.
pub type SeamClient = leptos::server_fn::client::browser::BrowserClient;

/// Does nothing here.
pub fn track(_event: impl Into<ClientEvent>, _insert_id: Option<&InsertId>) {}

/// Does nothing here.
pub fn track_and_submit(_event: impl Into<ClientEvent>, _insert_id: &InsertId, _submitted: &SubmitEvent) {}

/// Does nothing here.
pub async fn leave_for(_path: String) {}
