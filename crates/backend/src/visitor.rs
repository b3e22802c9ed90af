//! Who is asking, as far as tracking and throttling care.

use std::net::IpAddr;

use tracking::{Choice, PresentIds};

use crate::polls::VoterToken;

/// The browser behind a request. None of it authorises anything, but that the voter's token says whose vote it is.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Device and session for the events of this request; `None`: consent is denied, and no event is written.
    pub tracking: Option<PresentIds>,
    /// What the browser's cookie says about consent.
    pub choice: Choice,
    /// The browser says Global Privacy Control.
    pub privacy_control: bool,
    /// The token under which this browser votes while nobody is signed in.
    pub voter: Option<VoterToken>,
    /// Network address, for throttling.
    pub address: IpAddr,
    /// What the browser calls itself, capped; shown in the list of logins.
    pub user_agent: String,
}
