//! Links in mails: the pages that they lead to, and which link this browser has opened.
//!
//! A link's secret reaches its page in a cookie, not in the page's address: there the SDK would read it, and send it to
//! Amplitude.

use backend::accounts::links::{EmailLink, Purpose};
use backend::accounts::{AccountError, Login};

use crate::request::RequestContext;

/// The pages that links lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkPage {
    /// Confirms an address.
    Verify,
    /// Sets a new password.
    Reset,
}

impl LinkPage {
    /// The page's path.
    pub const fn path(self) -> &'static str {
        match self {
            Self::Verify => "/verify",
            Self::Reset => "/reset",
        }
    }
}

/// A link that works, as its page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct OpenedLink {
    /// The address that it was sent to.
    pub(super) email: String,
    /// It makes this address the account's.
    pub(super) changes_address: bool,
    /// Who is signed in here.
    pub(super) reader: LinkReader,
}

/// Who has opened a link: only its own account may confirm an address with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LinkReader {
    /// This browser is signed in to the link's account.
    Owner,
    /// This browser is signed in to another account, with this address.
    OtherAccount(String),
    /// No user is signed in here.
    SignedOut,
}

impl LinkReader {
    fn of(link: &EmailLink, login: Option<&Login>) -> Self {
        match login {
            Some(login) if login.user.id == link.user => Self::Owner,
            Some(login) => Self::OtherAccount(login.user.email.clone()),
            None => Self::SignedOut,
        }
    }
}

/// The link that this browser has opened, if it still works. Reading it uses nothing up: programs open links too.
pub(super) async fn opened_link(
    context: &RequestContext,
    page: LinkPage,
) -> Result<Option<OpenedLink>, AccountError> {
    let Some(secret) = context.links.of(page) else {
        return Ok(None);
    };
    let link = context.backend.accounts.link(secret).await?;
    let fits = |purpose| (purpose == Purpose::ResetPassword) == (page == LinkPage::Reset);
    Ok(link.filter(|link| fits(link.purpose)).map(|link| OpenedLink {
        changes_address: link.purpose == Purpose::ChangeEmail,
        reader: LinkReader::of(&link, context.login.as_ref()),
        email: link.email,
    }))
}
