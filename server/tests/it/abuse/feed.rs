//! Opening feeds, for the tests of limits.

use std::time::Duration;

use reqwest::{Method, Response};

use crate::browser::Browser;
use crate::support::TestApp;

/// Only a failing test waits so long.
const LONGEST: Duration = Duration::from_secs(10);

/// The path of the feed of a new poll.
pub async fn of_new_poll(app: &TestApp) -> String {
    let mut ada = app.browser();
    ada.sign_up("ada@example.com").await;
    let fields = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
    ada.submit("/polls/new", &fields).await;
    let poll = app.texts("SELECT id FROM polls").await.remove(0);
    format!("/p/{poll}/live")
}

/// Opens a feed. `forwarded_for`: what the proxy on this machine reports.
pub async fn open(browser: &Browser, path: &str, forwarded_for: Option<&str>) -> Response {
    let mut request = browser
        .request(Method::GET, path)
        .header("accept", "text/event-stream");
    if let Some(address) = forwarded_for {
        request = request.header("x-forwarded-for", address);
    }
    request.send().await.unwrap()
}

/// Waits until the server ends the feed.
pub async fn wait_for_end(feed: &mut Response) {
    let end = async { while feed.chunk().await.unwrap().is_some() {} };
    tokio::time::timeout(LONGEST, end).await.expect("the feed ends");
}
