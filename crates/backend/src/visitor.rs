//! The visitor of a request, for tracking and throttling.

use std::net::IpAddr;

use tracking::{Choice, EventContext, FirstTouch, PresentIds, RequestFacts, Touch, UserId};

use crate::polls::VoterToken;

/// The browser that sent a request. It grants no access, except that the voter token identifies the browser's votes.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// Device and session for the events of this request, without a context. `None` if consent is denied; no event is then
    /// written. Events take [`Self::present_ids`].
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
    /// Where the request came from, for the context of its events.
    pub origin: RequestOrigin,
}

/// The page and the campaign that led to a request. Texts are untrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestOrigin {
    /// The header `Accept-Language`, truncated.
    pub accept_language: String,
    /// Path of the page on which the user acted, truncated.
    pub page_path: String,
    /// Its title, if it has no content of users.
    pub page_title: Option<&'static str>,
    /// The first touch of this browser.
    pub first_touch: Option<FirstTouch>,
    /// The touch of the session.
    pub session_touch: Option<Touch>,
}

impl Visitor {
    /// The IDs for the events of this request. With a session they have the context of the request. The user agent is parsed
    /// here, so only requests that write an event parse it.
    pub fn present_ids(&self) -> Option<PresentIds> {
        let context = || {
            EventContext::of_request(&RequestFacts {
                address: self.address,
                user_agent: &self.user_agent,
                accept_language: &self.origin.accept_language,
                page_path: &self.origin.page_path,
                page_title: self.origin.page_title,
                touch: self.origin.session_touch.as_ref(),
            })
        };
        self.tracking.clone().map(|ids| ids.with_context(context))
    }

    /// Whether the browser has signed in to the account before.
    pub fn knows(&self, account: UserId) -> bool {
        self.known_accounts.contains(&account)
    }
}
