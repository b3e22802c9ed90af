//! Field case 23: a browser that refuses cookies gets a message after a sign-in, a sign-up, a mail's link and a choice about tracking.

use crate::browser::PASSWORD;
use crate::support::TestApp;

#[tokio::test]
async fn case_23_a_sign_in_without_cookies_says_so() {
    let app = TestApp::start().await;
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    for path in ["/sign-up?next=/polls/new", "/sign-in?next=/polls/new"] {
        let mut browser = app.browser();
        let answer = browser.submit(path, &fields).await;
        let page = "/sign-in?next=/polls/new&signed-in";
        assert_eq!(answer.redirect(), (303, page), "{path}");
        // A browser that has kept the cookie goes on.
        assert_eq!(browser.open(page).await.redirect(), (302, "/polls/new"), "{path}");
        // Another one reads why it is not signed in, and can try again.
        let answer = app.browser().open(page).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.text().contains("Cookies are off"), "{path}");
        assert!(answer.text().contains("name=\"password\""), "{path}");
    }
    // Without a sign-in before there is no message.
    let answer = app.browser().open("/sign-in?next=/polls/new").await;
    assert!(!answer.text().contains("Cookies are off"));
}

#[tokio::test]
async fn case_23_a_browser_with_cookies_goes_to_the_next_page_at_once() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    assert_eq!(
        browser.sign_up("ada@example.com").await.redirect(),
        (303, "/polls")
    );
}

#[tokio::test]
async fn case_23_a_link_without_cookies_says_so() {
    let app = TestApp::start().await;
    let secret = "0".repeat(64);
    for page in ["/reset", "/verify"] {
        let mut browser = app.browser();
        let answer = browser.open(&format!("{page}/{secret}")).await;
        let opened = format!("{page}?opened");
        assert_eq!(answer.redirect(), (303, opened.as_str()));
        let refuses = app.browser().open(&opened).await;
        assert!(refuses.text().contains("Cookies are off"), "{page}");
        let keeps = browser.open(&opened).await;
        assert!(!keeps.text().contains("Cookies are off"), "{page}");
        assert!(keeps.text().contains("This link has expired"), "{page}");
    }
}

#[tokio::test]
async fn case_23_a_choice_without_cookies_says_so() {
    let app = TestApp::start().await;
    for (back, path) in [
        ("/p/1", "/privacy?next=/p/1&chosen"),
        ("", "/privacy?next=/privacy&chosen"),
    ] {
        let mut browser = app.browser();
        let answer = browser
            .submit("/privacy", &[("choice", "denied"), ("back", back)])
            .await;
        assert_eq!(answer.redirect(), (303, path));
        let refuses = app.browser().open(path).await;
        assert!(refuses.text().contains("Cookies are off"), "{path}");
        let keeps = browser.open(path).await;
        let next = path
            .trim_start_matches("/privacy?next=")
            .trim_end_matches("&chosen");
        assert_eq!(keeps.redirect(), (302, next));
    }
}
