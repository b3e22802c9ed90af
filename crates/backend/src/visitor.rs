//! The visitor of a request, for tracking and throttling.

use std::net::IpAddr;

use tracking::{Choice, PresentIds, UserId};

use crate::polls::VoterToken;

/// The browser that sent a request. It grants no access, except that the voter token identifies the browser's votes.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Device and session for the events of this request. `None` if consent is denied; no event is then written.
    pub tracking: Option<PresentIds>,
    /// The consent choice in the browser's cookie.
    pub choice: Choice,
    /// Whether the browser sends Global Privacy Control.
    pub privacy_control: bool,
    /// The token with which this browser votes without a login.
    pub voter: Option<VoterToken>,
    /// Accounts that this browser has signed in to before, by a cookie that the server signed. Grants nothing but an
    /// exemption from the limit of password checks that all browsers of an account share.
    pub known_accounts: Vec<UserId>,
    /// Network address, for throttling.
    pub address: IpAddr,
    /// The user agent, truncated. The list of logins shows it.
    pub user_agent: String,
}

impl Visitor {
    /// Whether the browser has signed in to the account before.
    pub fn knows(&self, account: UserId) -> bool {
        self.known_accounts.contains(&account)
    }
}
