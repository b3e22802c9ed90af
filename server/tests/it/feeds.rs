//! Feeds: no proxy buffers them, and one that opens again leaves out what is known.

use std::time::Duration;

use db::testing::engines;
use reqwest::{Method, Response};

use crate::browser::Browser;
use crate::support::TestApp;

/// A message of a feed.
#[derive(Debug, PartialEq)]
struct Message {
    id: Option<String>,
    data: String,
}

/// An open feed.
struct Feed {
    response: Response,
    text: String,
}

impl Feed {
    /// Opens it, as a browser does that saw `last` at most.
    async fn open(browser: &Browser, path: &str, last: Option<&str>) -> Self {
        let mut request = browser
            .request(Method::GET, path)
            .header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let response = request.send().await.unwrap();
        let headers = response.headers();
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(headers["content-type"], "text/event-stream", "{path}");
        assert_eq!(headers["x-accel-buffering"], "no", "{path}");
        assert_eq!(headers["cache-control"], "no-cache", "{path}");
        assert!(
            headers.get("content-encoding").is_none(),
            "{path}: compressed, it would be buffered"
        );
        assert!(
            headers.get("set-cookie").is_none(),
            "{path}: a background request"
        );
        Self {
            response,
            text: String::new(),
        }
    }

    /// The next message.
    async fn next(&mut self) -> Message {
        loop {
            if let Some((message, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = message.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim_start().to_owned())
                };
                let message = field("data:").map(|data| Message {
                    id: field("id:"),
                    data,
                });
                self.text = rest.to_owned();
                match message {
                    Some(message) => return message,
                    // A comment, which keeps the connection open.
                    None => continue,
                }
            }
            let chunk = self.response.chunk().await.unwrap().expect("the feed goes on");
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Whether it says nothing of what is known.
    async fn is_silent(&mut self) -> bool {
        let waited = tokio::time::timeout(Duration::from_millis(300), self.next()).await;
        waited.is_err()
    }
}

#[tokio::test]
async fn the_feed_of_a_poll_resumes_after_the_last_message() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut ada = app.browser();
        ada.sign_up("ada@example.com").await;
        let fields = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
        ada.submit("/polls/new", &fields).await;
        let poll = app.texts("SELECT id FROM polls").await.remove(0);
        let path = format!("/p/{poll}/live");
        let visitor = app.browser();

        let mut feed = Feed::open(&visitor, &path, None).await;
        let first = feed.next().await;
        assert!(first.data.contains("\"voters\":0"), "{engine:?}: {first:?}");
        let known = first.id.clone().expect("the feed can resume");

        // By the header of a browser that reconnects, by the URL of a page that opens it again, and by the newer of both.
        let after = format!("{path}?after={known}");
        for (path, last) in [
            (path.as_str(), Some(known.as_str())),
            (after.as_str(), None),
            (&format!("{path}?after=0"), Some(known.as_str())),
        ] {
            let mut again = Feed::open(&visitor, path, last).await;
            assert!(again.is_silent().await, "{engine:?} {path} {last:?}");
        }
        for unknown in ["x", "", "-1"] {
            let mut again = Feed::open(&visitor, &path, Some(unknown)).await;
            assert_eq!(again.next().await, first, "{engine:?} {unknown:?}");
        }

        let mut resumed = Feed::open(&visitor, &after, None).await;
        let vote = [("choice", "1"), ("revision", "0")];
        assert_eq!(ada.submit(&format!("/p/{poll}"), &vote).await.status, 303);
        for feed in [&mut feed, &mut resumed] {
            let news = feed.next().await;
            assert!(news.data.contains("\"voters\":1"), "{engine:?}: {news:?}");
            assert_ne!(news.id.as_ref(), Some(&known), "{engine:?}");
        }
        // What happened in between is not lost.
        let mut late = Feed::open(&visitor, &after, None).await;
        assert!(late.next().await.data.contains("\"voters\":1"), "{engine:?}");
    }
}

#[tokio::test]
async fn the_feed_of_billing_resumes_after_the_last_message() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut ada = app.browser();
        ada.sign_up("ada@example.com").await;
        let page = ada.open("/billing").await.text();
        let (_, rest) = page.split_once("data-revision=\"").unwrap();
        let revision = rest.split('"').next().unwrap();

        let first = Feed::open(&ada, "/billing/live", None).await.next().await;
        assert_eq!(
            first,
            Message {
                id: Some(revision.to_owned()),
                data: revision.to_owned()
            },
            "{engine:?}: the first message is at once"
        );
        assert!(
            page.contains(&format!("/billing/live?after={revision}")),
            "{engine:?}: the page knows its revision"
        );
        let after = format!("/billing/live?after={revision}");
        for (path, last) in [("/billing/live", Some(revision)), (after.as_str(), None)] {
            let mut again = Feed::open(&ada, path, last).await;
            assert!(again.is_silent().await, "{engine:?} {path} {last:?}");
        }
        let mut other = Feed::open(&ada, "/billing/live", Some("no number")).await;
        assert_eq!(other.next().await, first, "{engine:?}");
    }
}

#[tokio::test]
async fn the_feed_of_the_timeline_announces_events() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    ada.sign_up("ada@example.com").await;
    let user = app.user("ada@example.com").await;
    app.collector.event(&user, "Sign-up completed").await;

    let mut all = Feed::open(&ada, "/timeline/live", None).await;
    let mut filtered = Feed::open(&ada, "/timeline/live?event=Sign-up%20completed", None).await;
    for feed in [&mut all, &mut filtered] {
        assert_eq!(
            feed.next().await,
            Message {
                id: None,
                data: "opened".to_owned()
            }
        );
    }
    let other_person = app.browser();
    let mut others = Feed::open(
        &other_person,
        &format!("/timeline/live?find={}", uuid::Uuid::nil()),
        None,
    )
    .await;
    assert_eq!(others.next().await.data, "opened");

    // In another browser: a sign-out here would end the feeds with the login.
    app.browser().sign_in("ada@example.com").await;
    app.collector.event(&user, "Sign-in completed").await;
    let news = all.next().await;
    assert_eq!(news.data, "shown", "{news:?}");
    assert!(news.id.is_some(), "{news:?}: the feed can resume");
    assert_eq!(filtered.next().await.data, "other", "the filter hides it");
    assert!(others.is_silent().await, "another person's");
}

#[tokio::test]
async fn the_feed_of_the_lab_reports_changes() {
    let app = TestApp::start().await;
    let mut feed = Feed::open(&app.browser(), "/lab/live", None).await;
    assert_eq!(
        feed.next().await,
        Message {
            id: None,
            data: "changed".to_owned()
        }
    );
}
