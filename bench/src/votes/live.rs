//! A page that stays open: what it hears of the poll.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use reqwest::header::ACCEPT;
use reqwest::{Client, StatusCode};
use serde_json::Value;

use super::VotesError;

#[derive(Default)]
struct Heard {
    messages: u64,
    voters: Option<u32>,
}

/// An open page.
pub(super) struct Page(Arc<Mutex<Heard>>);

impl Page {
    /// Opens it, on a connection of its own as a browser's is.
    pub(super) async fn open(site: SocketAddr, poll: &str) -> Result<Self, VotesError> {
        // Without a limit of time: it stays open as long as the run.
        let client = Client::builder().no_proxy().build()?;
        let url = format!("http://{site}/p/{poll}/live");
        let mut answer = client.get(url).header(ACCEPT, "text/event-stream").send().await?;
        if answer.status() != StatusCode::OK {
            return Err(VotesError::Answer {
                what: "a live page",
                status: answer.status(),
            });
        }
        let heard = Arc::new(Mutex::new(Heard::default()));
        let page = Self(heard.clone());
        tokio::spawn(async move {
            let mut buffer = Vec::new();
            while let Ok(Some(chunk)) = answer.chunk().await {
                buffer.extend_from_slice(&chunk);
                while let Some(end) = buffer.windows(2).position(|pair| pair == b"\n\n") {
                    let message: Vec<u8> = buffer.drain(..end + 2).collect();
                    hear(&heard, &message);
                }
            }
        });
        Ok(page)
    }

    /// Messages so far.
    pub(super) fn heard(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).messages
    }

    /// Voters by the last message.
    pub(super) fn voters(&self) -> Option<u32> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).voters
    }
}

fn hear(heard: &Mutex<Heard>, message: &[u8]) {
    let text = String::from_utf8_lossy(message);
    let Some(data) = text.lines().find_map(|line| line.strip_prefix("data:")) else {
        return;
    };
    let view: Value = serde_json::from_str(data).unwrap_or_default();
    let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
    heard.messages += 1;
    heard.voters = view["voters"]
        .as_u64()
        .and_then(|voters| u32::try_from(voters).ok());
}
