//! Forms at fault: the page again, with everything that was typed but the password.

use db::testing::engines;

use crate::browser::{Answer, PASSWORD};
use crate::support::TestApp;

const TAKEN: &str = "There is an account with this address already.";
const WRONG: &str = "The address or the password is not right.";

/// The page with the form, and no trace of the password.
fn assert_shown_again(answer: &Answer, fault: &str) {
    let text = answer.text();
    assert_eq!(answer.status, 422, "{text}");
    assert!(text.contains(fault), "{fault} in {text}");
    assert!(!text.contains(PASSWORD), "{text}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    assert!(
        answer
            .header("content-security-policy")
            .unwrap()
            .contains("'nonce-")
    );
}

#[tokio::test]
async fn sign_up_with_a_taken_address() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        app.browser().sign_up("o'neil&sons@example.com").await;
        let mut browser = app.browser();
        let answer = browser.sign_up("O'Neil&Sons@example.com").await;
        assert_shown_again(&answer, TAKEN);
        let text = answer.text();
        assert!(
            text.contains("&amp;Sons@example.com\""),
            "{engine:?}: what was typed, escaped: {text}"
        );
        assert_eq!((app.count("users").await, app.count("logins").await), (1, 1));
        assert_eq!(app.count("outbox").await, 1);
        assert_eq!(browser.signed_in_as().await, None);
    }
}

#[tokio::test]
async fn markup_in_input_is_shown_as_text() {
    let app = TestApp::start().await;
    let markup = r#""><script>alert(1)</script>@example.com"#;
    // Sign-in also looks for addresses of earlier, looser rules.
    for (path, error) in [
        ("/sign-up", "does not look like an email address"),
        ("/sign-in", WRONG),
    ] {
        let answer = app
            .browser()
            .submit(path, &[("email", markup), ("password", PASSWORD)])
            .await;
        assert_shown_again(&answer, error);
        assert!(!answer.text().contains("<script>alert"), "{}", answer.text());
    }
    app.assert_untouched().await;
}

#[tokio::test]
async fn sign_in_does_not_reveal_whether_the_address_exists() {
    let app = TestApp::start().await;
    app.browser().sign_up("ada@example.com").await;
    let mut browser = app.browser();
    let wrong_password = [
        ("email", "ada@example.com"),
        ("password", "correct horse batterz"),
    ];
    let wrong_address = [("email", "bob@example.com"), ("password", PASSWORD)];
    assert_shown_again(&browser.submit("/sign-in", &wrong_password).await, WRONG);
    assert_shown_again(&browser.submit("/sign-in", &wrong_address).await, WRONG);
    assert_eq!(app.count("logins").await, 1);
    assert_eq!(browser.signed_in_as().await, None);
}

#[tokio::test]
async fn all_field_errors_are_shown_at_once() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    for (fields, faults) in [
        (vec![], vec!["Please fill this in."]),
        (
            vec![("email", "ada"), ("password", "short")],
            vec!["email address", "at least 10 characters"],
        ),
        (
            vec![("email", "a\0b@example.com"), ("password", PASSWORD)],
            vec!["invisible control character"],
        ),
    ] {
        let answer = browser.submit("/sign-up", &fields).await;
        for fault in faults {
            assert_shown_again(&answer, fault);
        }
    }
    app.assert_untouched().await;
}

#[tokio::test]
async fn an_invalid_poll_keeps_its_options_and_its_form_id() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let form = "2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11";
    let lines = [
        ("form", form),
        ("question", "Lunch & co?"),
        ("option", "<b>Soup</b>"),
        ("option", ""),
    ];
    let answer = browser.submit("/polls/new", &lines).await;
    assert_eq!(answer.status, 422);
    let text = answer.text();
    for kept in ["Lunch &amp; co?", "&lt;b&gt;Soup", form, "at least 2 options"] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    assert_eq!(app.count("polls").await, 0);

    let mended = [
        ("form", form),
        ("question", "Lunch?"),
        ("option", "Soup"),
        ("option", "Salad"),
    ];
    for _ in 0..2 {
        assert_eq!(
            browser.submit("/polls/new", &mended).await.redirect(),
            (303, "/polls?done=created")
        );
    }
    assert_eq!(
        (app.count("polls").await, app.count("poll_options").await),
        (1, 2),
        "sent twice, made once"
    );
}
