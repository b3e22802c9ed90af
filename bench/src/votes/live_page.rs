//! An open voting page: reads the poll's results from the live feed.

use std::net::SocketAddr;

use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode};
use serde_json::Value;
use tokio::sync::watch;

use super::VotesError;

#[derive(Default)]
struct FeedState {
    messages: u64,
    changes: Option<i64>,
}

/// An open page with its connection. The sender is dropped when the server ends the feed.
#[derive(Clone)]
pub(crate) struct LivePage(watch::Receiver<FeedState>);

impl LivePage {
    /// Opens the feed on a separate connection, as a browser does. Fails unless the answer is 200.
    pub(crate) async fn open(site: SocketAddr, poll: &str) -> Result<Self, VotesError> {
        // Without a timeout: the connection stays open for the whole run.
        let client = Client::builder().no_proxy().build()?;
        let url = format!("http://{site}/p/{poll}/live");
        let mut answer = client.get(url).header(ACCEPT, "text/event-stream").send().await?;
        if answer.status() != StatusCode::OK {
            return Err(VotesError::Answer {
                request: "a live page",
                status: answer.status().as_u16(),
            });
        }
        let (state, page) = watch::channel(FeedState::default());
        tokio::spawn(async move {
            let mut buffer = Vec::new();
            while let Ok(Some(chunk)) = answer.chunk().await {
                buffer.extend_from_slice(&chunk);
                while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                    let message: Vec<u8> = buffer.drain(..end + 2).collect();
                    apply_message(&state, &message);
                }
            }
        });
        Ok(Self(page))
    }

    /// Returns the number of messages so far.
    pub(crate) fn messages(&self) -> u64 {
        self.0.borrow().messages
    }

    /// Returns the poll's number of changes in the last message. It grows with each vote, also with a changed one.
    pub(crate) fn changes(&self) -> Option<i64> {
        self.0.borrow().changes
    }

    /// Waits until the connection ends.
    pub(crate) async fn closed(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

fn apply_message(state: &watch::Sender<FeedState>, message: &[u8]) {
    let text = String::from_utf8_lossy(message);
    let Some(data) = text.lines().find_map(|line| line.strip_prefix("data:")) else {
        return;
    };
    let view: Value = serde_json::from_str(data).unwrap_or_default();
    state.send_modify(|state| {
        state.messages += 1;
        state.changes = view["changes"].as_i64();
    });
}
