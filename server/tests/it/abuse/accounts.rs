//! Item 1: another person's address, and operators.

use db::testing::engines;

use crate::browser::{Browser, PASSWORD};
use crate::mails::{RESET, VERIFY, follow};
use crate::support::TestApp;

const NEW: &str = "another horse battery";
const BUTTON: &str = "Yes, it is mine";
const CONFIRM_NEW: &str = "Confirm your new email address";

async fn verified_accounts(app: &TestApp) -> i64 {
    app.count("users WHERE email_verified_at IS NOT NULL").await
}

#[tokio::test]
async fn a_victims_click_never_confirms_an_attackers_account() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut attacker = app.browser();
        attacker.sign_up("victim@example.com").await;
        let link = app.link_in("victim@example.com", VERIFY).await;

        let mut victim = app.browser();
        let page = follow(&mut victim, &link).await.text();
        assert!(
            page.contains("Sign in to confirm this address"),
            "{engine:?}: {page}"
        );
        assert!(!page.contains(BUTTON), "{engine:?}: {page}");
        assert_eq!(victim.submit("/verify", &[]).await.status, 422, "{engine:?}");
        let mut other = app.browser();
        other.sign_up("bob@example.com").await;
        let page = follow(&mut other, &link).await.text();
        assert!(
            page.contains("This link belongs to another account") && !page.contains(BUTTON),
            "{engine:?}: {page}"
        );
        assert_eq!(other.submit("/verify", &[]).await.status, 422, "{engine:?}");
        assert_eq!(verified_accounts(&app).await, 0, "{engine:?}");

        // The page offers a new password by mail, which makes the account the victim's.
        let asked = victim.submit("/forgot", &[("email", "victim@example.com")]).await;
        assert_eq!(asked.redirect(), (303, "/forgot?done=sent"));
        let reset = app.link_in("victim@example.com", RESET).await;
        follow(&mut victim, &reset).await;
        assert_eq!(victim.submit("/reset", &[("password", NEW)]).await.status, 303);
        assert_eq!(
            verified_accounts(&app).await,
            1,
            "{engine:?}: a reset confirms the address"
        );
        assert_eq!(attacker.signed_in_as().await, None, "{engine:?}");
        assert_eq!(
            attacker.sign_in("victim@example.com").await.status,
            422,
            "{engine:?}"
        );
        let fields = [("email", "victim@example.com"), ("password", NEW)];
        assert_eq!(victim.submit("/sign-in", &fields).await.status, 303, "{engine:?}");
        // The first link is worthless now, also in the victim's browser.
        assert_eq!(victim.submit("/verify", &[]).await.status, 422, "{engine:?}");
    }
}

#[tokio::test]
async fn an_owner_signs_in_and_comes_back_to_the_link() {
    let app = TestApp::start().await;
    app.browser().sign_up("ada@example.com").await;
    app.browser().sign_up("bob@example.com").await;
    let link = app.link_in("ada@example.com", VERIFY).await;
    let mut signed_out = app.browser();
    let page = follow(&mut signed_out, &link).await.text();
    assert!(page.contains("href=\"/sign-in?next=/verify\""), "{page}");
    let mut as_bob = app.browser();
    as_bob.sign_in("bob@example.com").await;
    let page = follow(&mut as_bob, &link).await.text();
    let switch = "/sign-out?next=/sign-in%3Fnext%3D/verify";
    assert!(page.contains(&format!("action=\"{switch}\"")), "{page}");
    assert_eq!(
        as_bob.submit(switch, &[]).await.redirect(),
        (303, "/sign-in?next=/verify")
    );
    for browser in [&mut signed_out, &mut as_bob] {
        app.execute("UPDATE users SET email_verified_at = NULL").await;
        app.execute("UPDATE mail_tokens SET used_at = NULL").await;
        let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
        let answer = browser.submit("/sign-in?next=/verify", &fields).await;
        assert_eq!(answer.redirect(), (303, "/verify"));
        assert!(browser.open("/verify").await.text().contains(BUTTON));
        assert_eq!(
            browser.submit("/verify", &[]).await.redirect(),
            (303, "/settings?done=verified")
        );
        assert_eq!(verified_accounts(&app).await, 1);
        assert!(browser.signed_in_as().await.is_some());
    }
}

#[tokio::test]
async fn a_click_in_another_browser_never_moves_an_account_to_another_address() {
    let app = TestApp::start().await;
    let mut attacker = app.browser();
    attacker.sign_up("attacker@example.com").await;
    let fields = [("email", "victim@example.com"), ("current_password", PASSWORD)];
    attacker.submit("/settings/email", &fields).await;
    let link = app.link_in("victim@example.com", CONFIRM_NEW).await;
    let mut victim = app.browser();
    let page = follow(&mut victim, &link).await.text();
    assert!(page.contains("Sign in to confirm this address"), "{page}");
    assert!(
        !page.contains("Use this address") && !page.contains("/forgot"),
        "{page}"
    );
    assert_eq!(victim.submit("/verify", &[]).await.status, 422);
    victim.sign_up("other@example.com").await;
    assert_eq!(victim.submit("/verify", &[]).await.status, 422);
    assert_eq!(app.count("users WHERE email_key = 'victim@example.com'").await, 0);
    assert_eq!(verified_accounts(&app).await, 0);
}

/// A site with keys of its own. The variable of earlier versions grants nothing.
async fn site() -> TestApp {
    TestApp::with_keys(&[("ADMIN_EMAILS", "ada@example.com")]).await
}

/// Runs `seamline operator …` on the app's database. Returns whether it succeeded, and what it printed.
async fn operator(app: &TestApp, arguments: &[&str]) -> (bool, String) {
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_seamline"))
        .arg("operator")
        .args(arguments)
        .env_clear()
        .env("SEAMLINE_LOCAL", "1")
        .env("DATABASE_URL", &app.database.url)
        .output()
        .await
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

async fn operates(browser: &mut Browser) -> bool {
    browser.open("/operations").await.status == 200
}

#[tokio::test]
async fn operators_are_made_by_the_command_and_only_of_confirmed_accounts() {
    let app = site().await;
    let mut ada = app.browser();
    ada.sign_up("ada@example.com").await;
    for (arguments, sentence) in [
        (["add", "eve@example.com"], "No account has this address."),
        (
            ["add", "ada@example.com"],
            "The account has not confirmed this address.",
        ),
        (
            ["remove", "ada@example.com"],
            "The account with this address is no operator.",
        ),
        (["add", "not-an-address"], "This is not an email address."),
    ] {
        let (succeeded, text) = operator(&app, &arguments).await;
        assert!(!succeeded && text.contains(sentence), "{arguments:?}: {text}");
        assert!(!text.contains("ada@"), "the log has no address: {text}");
    }
    app.execute("UPDATE users SET email_verified_at = 1").await;
    assert!(
        !operates(&mut ada).await,
        "a confirmed address alone grants nothing"
    );
    let added = operator(&app, &["add", "Ada@example.com"]).await;
    assert_eq!(added, (true, "Ada@example.com is an operator.\n".to_owned()));
    assert!(operates(&mut ada).await);
    let (_, list) = operator(&app, &["list"]).await;
    assert!(list.starts_with("ada@example.com\tsince 20"), "{list}");
    let removed = operator(&app, &["remove", "ada@example.com"]).await;
    assert_eq!(
        removed,
        (true, "ada@example.com is no longer an operator.\n".to_owned())
    );
    assert!(!operates(&mut ada).await);
    let list = operator(&app, &["list"]).await;
    assert_eq!(list, (true, "No account is an operator.\n".to_owned()));
}
