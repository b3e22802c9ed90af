//! A voter without an account, in a separate browser.

use std::net::{Ipv4Addr, SocketAddr};

use backend::polls::{Voter, VoterToken};
use http_browser::Browser;
use reqwest::Client;
use tokio::time::Instant;

use super::{OPTIONS, VotesError, expect_redirect};
use crate::browser::new_browser;

/// A voter on one poll. Each vote changes the last one.
pub(crate) struct Participant {
    pub(crate) browser: Browser,
    pub(crate) poll: String,
    /// The option of the next vote.
    next: u8,
    /// The option of the last accepted vote.
    pub(super) choice: Option<u8>,
}

impl Participant {
    /// A voter at an address of its own. Sends no request.
    pub(crate) fn new(client: &Client, site: SocketAddr, poll: &str, number: u32) -> Self {
        let [_, b, c, d] = number.to_be_bytes();
        let options = u32::try_from(OPTIONS.len()).unwrap_or(1);
        Self {
            browser: new_browser(client, site, Ipv4Addr::new(10, b, c, d)),
            poll: poll.to_owned(),
            next: u8::try_from(number % options).unwrap_or_default(),
            choice: None,
        }
    }

    /// Opens the page of the poll, which sets the voter's cookie. Fails unless the answer is 200.
    pub(crate) async fn open_page(&mut self) -> Result<(), VotesError> {
        let page = self.browser.open(&format!("/p/{}", self.poll)).await?;
        match page.status {
            200 => Ok(()),
            status => Err(VotesError::Answer {
                request: "the voting page",
                status,
            }),
        }
    }

    /// Votes; returns the µs from the start of the form's request to the end of the response. After an error the next vote
    /// has the same option.
    pub(crate) async fn vote(&mut self) -> Result<f64, VotesError> {
        let path = format!("/p/{}", self.poll);
        let started = Instant::now();
        let fields = [("choice", &*self.next.to_string()), ("revision", "0")];
        let answer = self.browser.submit(&path, &fields).await?;
        let duration = started.elapsed();
        expect_redirect("a vote", answer.status)?;
        self.choice = Some(self.next);
        self.next = (self.next + 1) % u8::try_from(OPTIONS.len()).unwrap_or(1);
        Ok(duration.as_secs_f64() * 1e6)
    }

    /// Whether a vote was accepted.
    pub(crate) fn has_voted(&self) -> bool {
        self.choice.is_some()
    }

    pub(super) fn voter(&self) -> Result<Voter, VotesError> {
        let cookie = self.browser.cookie("seam_voter");
        let token = cookie.and_then(VoterToken::parse).ok_or(VotesError::NoToken)?;
        Ok(Voter::Token(token))
    }
}
