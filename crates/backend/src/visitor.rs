//! The visitor of a request, for tracking and throttling.

use std::net::IpAddr;

use tracking::{Choice, PresentIds};

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
    /// Network address, for throttling.
    pub address: IpAddr,
    /// The user agent, truncated. The list of logins shows it.
    pub user_agent: String,
}
