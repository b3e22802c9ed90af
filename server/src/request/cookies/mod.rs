//! The cookies of identity, and the secrets of opened mail links: all are read and written here. Only the login cookie and the
//! secret of a link grant access; tower-sessions handles the login cookie, and here only its presence is read.
//!
//! The device, the previous devices, the touches and the known accounts are signed. Only this site can write them, so a
//! browser cannot claim another browser's device.

mod read;
#[cfg(test)]
mod tests;
mod write;

use app::tracking::boot::ConfirmedEvent;

pub use read::RequestCookies;
pub use write::CookieWriter;

/// Our device cookie, signed.
const DEVICE: &str = "seam_device";
/// The user's choice about tracking in this browser, and when tracking began with it: `granted.1795000000000`.
const CONSENT: &str = "seam_consent";
/// The browser's clock minus ours, in ms, as `seam.js` measured it.
const CLOCK: &str = "seam_clock";
/// A client event that the server has confirmed; its insert ID follows. `seam.js` removes what has arrived, so scripts may read
/// and write it. Each event has a cookie of its own: a document that removes one while the next post is answered must not
/// remove the event of that post.
const CONFIRMED: &str = "seam_confirmed.";
/// The devices that this browser had before its last sign-outs, signed: the SDK may still have events of them.
const PREVIOUS: &str = "seam_previous";
/// The accounts that this browser has signed in to, signed. It is for throttles, and no part of tracking.
const KNOWN: &str = "seam_known";
/// Where this browser came from first, signed for its device.
const FIRST_TOUCH: &str = "seam_first";
/// Where its newest session came from, signed for its device.
const LAST_TOUCH: &str = "seam_touch";
/// The token under which this browser votes. It does not name the voter, and is no part of tracking.
const VOTER: &str = "seam_voter";
/// The secret of an opened mail link, until the user presses the button of its page: of the page that confirms an address.
const VERIFY: &str = "seam_verify";
/// As `VERIFY`, for the page that sets a new password.
const RESET: &str = "seam_reset";
/// The login; tower-sessions reads and writes it.
const LOGIN: &str = "seam_login";
/// On https every cookie of ours has this prefix: browsers then accept it from this host only, over https only, for the path
/// `/`. `seam.js` uses the same rule for the cookies that it writes.
const HOST_PREFIX: &str = "__Host-";

/// The name of the login cookie.
pub fn login_cookie_name(secure: bool) -> String {
    site_name(LOGIN, secure)
}

/// The name of the cookie of a confirmed event: a colon is not allowed in it.
fn confirmed_name(event: &ConfirmedEvent) -> String {
    format!("{CONFIRMED}{}", event.insert_id.as_str().replace(':', "."))
}

/// The name of one of our cookies on this site.
fn site_name(name: &str, secure: bool) -> String {
    let prefix = if secure { HOST_PREFIX } else { "" };
    format!("{prefix}{name}")
}
