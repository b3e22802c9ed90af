//! Limits of sign-ups, password checks, mails, votes and posts that call Stripe.

use db::Engine;
use db::testing::engines;
use futures::StreamExt;
use futures::future::join_all;
use futures::stream;
use serde_json::json;
use uuid::Uuid;

use crate::browser::{Answer, Browser, PASSWORD};
use crate::support::TestApp;

/// Passwords of one network that may wait for a hash.
const CONCURRENT: usize = 8;

const TOO_MANY: &str = "Too many attempts. Please wait";

/// An app behind a proxy, with the limits for real visitors.
async fn app(engine: Engine) -> TestApp {
    let variables = [
        ("TRUSTED_PROXIES", "127.0.0.1"),
        ("SEAMLINE_LOCAL", "remote"),
        ("LIMIT_FACTOR", "1"),
    ];
    TestApp::with(engine, &variables).await
}

/// A browser of this network.
fn browser_at(app: &TestApp, address: &str) -> Browser {
    let mut browser = app.browser();
    browser.set_header("x-forwarded-for", address);
    browser
}

/// Asserts a refusal with the form, what was typed, and the time to wait.
fn assert_too_many(answer: &Answer, typed: &str) {
    let text = answer.text();
    assert_eq!(answer.status, 429, "{text}");
    assert!(text.contains(TOO_MANY) && text.contains(typed), "{text}");
    let wait: u32 = answer.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=960).contains(&wait), "{wait}");
}

#[tokio::test]
async fn sign_ups_are_limited_by_network() {
    for engine in engines() {
        let app = app(engine).await;
        let sign_ups = (0..30).map(|number| {
            // One /64.
            let mut browser = browser_at(&app, &format!("2001:db8::{number:x}"));
            async move {
                let fields = [
                    ("email", format!("user{number}@example.com")),
                    ("password", PASSWORD.to_owned()),
                ];
                let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
                browser.submit("/sign-up", &fields).await
            }
        });
        let answers: Vec<_> = stream::iter(sign_ups)
            .buffer_unordered(CONCURRENT)
            .collect()
            .await;
        let done = answers.iter().filter(|answer| answer.status == 303).count();
        assert_eq!((done, app.count("users").await), (20, 20), "{engine:?}");
        assert_eq!(
            app.count("mails").await,
            20,
            "{engine:?}: no mail without an account"
        );
        let refused = answers.iter().find(|answer| answer.status != 303).unwrap();
        assert_too_many(refused, "@example.com");
        let mut elsewhere = browser_at(&app, "2001:db8:0:1::1");
        assert_eq!(
            elsewhere.sign_up("ada@example.com").await.status,
            303,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn sign_ups_with_one_address_are_limited_in_all_networks_together() {
    let app = app(Engine::Sqlite).await;
    for number in 0..5 {
        let mut browser = browser_at(&app, &format!("203.0.113.{number}"));
        let status = browser.sign_up("ada@example.com").await.status;
        assert_eq!(status, if number == 0 { 303 } else { 422 }, "{number}");
    }
    let mut browser = browser_at(&app, "203.0.113.5");
    assert_too_many(&browser.sign_up("ADA@example.com").await, "ADA@example.com");
    assert_eq!(browser.sign_up("bob@example.com").await.status, 303);
}

#[tokio::test]
async fn concurrent_wrong_passwords_do_not_exceed_the_limit_of_a_network() {
    for engine in engines() {
        let app = app(engine).await;
        let guesses = (0..60).map(|number| {
            let mut browser = browser_at(&app, "203.0.113.7");
            let email = format!("user{number}@example.com");
            async move {
                let fields = [("email", email.as_str()), ("password", "a wrong one")];
                browser.submit("/sign-in", &fields).await
            }
        });
        let answers: Vec<_> = stream::iter(guesses).buffer_unordered(CONCURRENT).collect().await;
        let checked = answers.iter().filter(|answer| answer.status == 422).count();
        let refused = answers.iter().filter(|answer| answer.status == 429).count();
        assert_eq!((checked, refused), (50, 10), "{engine:?}");
    }
}

#[tokio::test]
async fn wrong_attempts_of_others_do_not_lock_the_user_out() {
    for engine in engines() {
        let app = app(engine).await;
        let mut ada = browser_at(&app, "198.51.100.1");
        ada.sign_up("ada@example.com").await;
        ada.sign_out().await;
        let guess = async |address: &str| {
            let fields = [("email", "ada@example.com"), ("password", "a wrong one")];
            browser_at(&app, address).submit("/sign-in", &fields).await
        };
        for _ in 0..10 {
            assert_eq!(guess("203.0.113.7").await.status, 422, "{engine:?}");
        }
        assert_too_many(&guess("203.0.113.7").await, "ada@example.com");
        let mut phone = browser_at(&app, "198.51.100.2");
        assert_eq!(
            phone.sign_in("ada@example.com").await.status,
            303,
            "{engine:?}: another network"
        );

        // The loose limit of the account is reached from many networks.
        app.execute("UPDATE throttles SET failures = 100 WHERE failures = 10")
            .await;
        let mut unknown = browser_at(&app, "198.51.100.3");
        assert_too_many(&unknown.sign_in("ada@example.com").await, "ada@example.com");
        assert_eq!(
            ada.sign_in("ada@example.com").await.status,
            303,
            "{engine:?}: it has signed in before"
        );

        // The cookie of another account, or a forged one, is no exemption.
        let mut bob = browser_at(&app, "198.51.100.4");
        bob.sign_up("bob@example.com").await;
        bob.sign_out().await;
        assert_eq!(bob.sign_in("ada@example.com").await.status, 429, "{engine:?}");
        let user = app.user("ada@example.com").await;
        bob.set_cookie("seam_known", format!("{user}.AAAAAAAAAAAAAAAAAAAAAA"));
        assert_eq!(bob.sign_in("ada@example.com").await.status, 429, "{engine:?}");
    }
}

#[tokio::test]
async fn a_full_hash_queue_refuses_and_counts_nothing() {
    let app = TestApp::start().await;
    app.browser().sign_up("ada@example.com").await;
    let before = app.number("SELECT SUM(failures) FROM throttles").await;
    let many = (0..300).map(|number| {
        let mut browser = app.browser();
        let email = format!("user{number}@example.com");
        async move {
            let fields = [("email", email.as_str()), ("password", "a wrong one")];
            browser.submit("/sign-in", &fields).await
        }
    });
    let answers = join_all(many).await;
    let busy: Vec<_> = answers.iter().filter(|answer| answer.status == 429).collect();
    let checked = answers.iter().filter(|answer| answer.status == 422).count();
    assert_eq!(busy.len() + checked, 300);
    assert!(!busy.is_empty(), "68 fit");
    for answer in &busy {
        assert!(answer.text().contains("The server is busy."), "{}", answer.text());
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    let counted = app.number("SELECT SUM(failures) FROM throttles").await - before;
    assert_eq!(counted, 3 * i64::try_from(checked).unwrap(), "three limits each");
}

#[tokio::test]
async fn mails_are_limited_by_recipient_and_network() {
    for engine in engines() {
        let app = app(engine).await;
        let mut browser = browser_at(&app, "203.0.113.7");
        let forgot =
            async |browser: &mut Browser, email: &str| browser.submit("/forgot", &[("email", email)]).await;
        for _ in 0..5 {
            assert_eq!(
                forgot(&mut browser, "ada@example.com").await.status,
                303,
                "{engine:?}"
            );
        }
        assert_too_many(&forgot(&mut browser, "ada@example.com").await, "ada@example.com");
        let mut elsewhere = browser_at(&app, "203.0.113.8");
        assert_too_many(
            &forgot(&mut elsewhere, "ada@example.com").await,
            "ada@example.com",
        );
        for number in 0..45 {
            assert_eq!(
                forgot(&mut browser, &format!("user{number}@example.com"))
                    .await
                    .status,
                303
            );
        }
        assert_too_many(&forgot(&mut browser, "new@example.com").await, "new@example.com");
        assert_eq!(
            forgot(&mut elsewhere, "new@example.com").await.status,
            303,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn an_account_sends_no_notices_to_an_unconfirmed_address_and_few_to_its_own() {
    for engine in engines() {
        let app = app(engine).await;
        let mut browser = browser_at(&app, "203.0.113.7");
        browser.sign_up("victim@example.com").await;
        let passwords = [PASSWORD, "another horse battery"];
        for number in 0..5 {
            let fields = [
                ("current_password", passwords[number % 2]),
                ("password", passwords[(number + 1) % 2]),
            ];
            let changed = browser.submit("/settings/password", &fields).await;
            assert_eq!(changed.status, 303, "{engine:?} {number}: {}", changed.text());
        }
        let fields = [("current_password", passwords[1]), ("password", passwords[0])];
        let refused = browser.submit("/settings/password", &fields).await;
        assert_eq!(refused.status, 429, "{engine:?}");
        assert_eq!(
            app.count("mails").await,
            1,
            "{engine:?}: the link of the sign-up only"
        );

        app.execute("UPDATE users SET email_verified_at = 1").await;
        app.execute("DELETE FROM throttles").await;
        let changed = browser.submit("/settings/password", &fields).await;
        assert_eq!(changed.status, 303, "{engine:?}");
        assert_eq!(
            app.count("mails").await,
            2,
            "{engine:?}: a confirmed address gets the notice"
        );
    }
}

#[tokio::test]
async fn votes_are_limited_by_network() {
    let app = app(Engine::Sqlite).await;
    let vote = json!({"poll": Uuid::nil(), "choice": ["0"], "revision": "0"}).to_string();
    let mut browser = browser_at(&app, "203.0.113.7");
    // The first answer brings the voter's cookie.
    browser.post("/api/vote", "application/json", vote.clone()).await;
    let refused = async |browser: &mut Browser| {
        let answer = browser.post("/api/vote", "application/json", vote.clone()).await;
        answer.json()["Refused"].as_str().unwrap().to_owned()
    };
    let mut votes = 0;
    while !refused(&mut browser).await.contains(TOO_MANY) {
        votes += 1;
        assert!(votes < 2_000, "no limit");
    }
    assert!(votes >= 300, "{votes}");
    let form = [("choice", "0"), ("revision", "0")];
    let answer = browser.submit(&format!("/p/{}", Uuid::nil()), &form).await;
    assert!([429, 404].contains(&answer.status), "{}", answer.status);
    browser.set_header("x-forwarded-for", "203.0.113.8");
    assert!(!refused(&mut browser).await.contains(TOO_MANY));
}

#[tokio::test]
async fn posts_that_call_stripe_are_limited_by_account() {
    let app = app(Engine::Sqlite).await;
    let mut browser = browser_at(&app, "203.0.113.7");
    browser.sign_up("ada@example.com").await;
    let click = |number: u32| {
        let form = Uuid::from_u128(u128::from(number) + 1).to_string();
        [("interval", "month".to_owned()), ("form", form)]
    };
    let mut started = 0;
    let refused = loop {
        let fields = click(started);
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let answer = browser.submit("/pricing", &fields).await;
        if answer.status == 429 {
            break answer;
        }
        started += 1;
        assert!(started < 40, "no limit");
    };
    assert!((10..=12).contains(&started), "{started}");
    assert!(refused.text().contains(TOO_MANY), "{}", refused.text());
    assert!(refused.header("retry-after").is_some());
    let answer = browser
        .submit("/billing", &[("action", "portal"), ("form", "x")])
        .await;
    assert_eq!(answer.status, 429, "one limit for both pages");
}
