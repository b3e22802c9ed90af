//! Links in mails: `GET /verify/<secret>` and `/reset/<secret>`.
//!
//! Opening a link does not use it up, because programs that check mails open links too. It moves the secret into a cookie
//! and redirects to the page, so that no page's URL contains it: the SDK would send the URL to Amplitude.

use app::auth::{LINK_OPENED, LinkPage};
use app::request::RequestContext;
use axum::extract::{Extension, Path};
use axum::response::Redirect;
use backend::accounts::links::LinkSecret;

/// `GET /verify/{secret}`.
pub async fn open_verify(
    Extension(context): Extension<RequestContext>,
    Path(secret): Path<String>,
) -> Redirect {
    open(&context, LinkPage::Verify, &secret)
}

/// `GET /reset/{secret}`.
pub async fn open_reset(
    Extension(context): Extension<RequestContext>,
    Path(secret): Path<String>,
) -> Redirect {
    open(&context, LinkPage::Reset, &secret)
}

/// A malformed secret removes an earlier one; otherwise the page would show another link. A browser that has sent no cookie
/// may refuse the link's: the query says to its page that a link was opened.
fn open(context: &RequestContext, page: LinkPage, secret: &str) -> Redirect {
    match LinkSecret::parse(secret) {
        Some(secret) => context.link_opened(page, secret),
        None => context.link_used(page),
    }
    match context.has_cookies {
        true => Redirect::to(page.path()),
        false => Redirect::to(&format!("{}?{LINK_OPENED}", page.path())),
    }
}
