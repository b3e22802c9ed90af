//! Polls over HTTP: what each kind of visitor may do, without script and by script, and which event comes of it.

use db::testing::engines;
use reqwest::Method;
use serde_json::{Value, json};

use crate::browser::{Answer, Browser};
use crate::support::{TestApp, until};

const JSON: &str = "application/json";

/// Makes a poll and gives its ID.
async fn make(app: &TestApp, browser: &mut Browser, question: &str) -> String {
    let fields = [("question", question), ("option", "Soup"), ("option", "Salad")];
    let answer = browser.submit("/polls/new", &fields).await;
    assert_eq!(
        answer.redirect(),
        (303, "/polls?done=created"),
        "{}",
        answer.text()
    );
    let ids = app
        .texts(&format!("SELECT id FROM polls WHERE question = '{question}'"))
        .await;
    ids[0].clone()
}

/// Names of the client events that the answer confirms.
fn confirmed(answer: &Answer) -> Vec<String> {
    use base64::Engine as _;
    let cookies = answer
        .cookies
        .iter()
        .filter(|cookie| cookie.name().starts_with("seam_confirmed."));
    let name = |value: &str| {
        let json = base64::engine::general_purpose::URL_SAFE_NO_PAD
            .decode(value)
            .unwrap();
        let event: Value = serde_json::from_slice(&json).unwrap();
        event["event"]["event"].as_str().unwrap().to_owned()
    };
    cookies.map(|cookie| name(cookie.value())).collect()
}

/// The client event that the answer confirms.
fn newest(answer: &Answer) -> Option<String> {
    confirmed(answer).pop()
}

async fn act(browser: &mut Browser, poll: &str, action: &str) -> Answer {
    browser
        .submit(&format!("/polls/{poll}"), &[("action", action)])
        .await
}

async fn vote(browser: &mut Browser, poll: &str, choice: &str) -> Answer {
    let fields = [("choice", choice), ("revision", "0")];
    browser.submit(&format!("/p/{poll}"), &fields).await
}

#[tokio::test]
async fn a_poll_works_without_script() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut ada = app.browser();
        ada.sign_up("ada@example.com").await;
        let poll = make(&app, &mut ada, "Lunch?").await;

        let edit = format!("/polls/{poll}/edit");
        assert!(
            ada.open(&edit).await.text().contains("value=\"Lunch?\""),
            "{engine:?}"
        );
        let fields = [
            ("question", "Dinner?"),
            ("option", "Rice"),
            ("option", "Bread"),
            ("option", "Soup"),
        ];
        let answer = ada.submit(&edit, &fields).await;
        let edited = format!("/polls/{poll}?done=edited");
        assert_eq!(answer.redirect(), (303, edited.as_str()), "{engine:?}");
        assert_eq!(newest(&answer).as_deref(), Some("Poll edited"), "{engine:?}");

        let mut bob = app.browser();
        let page = bob.open(&format!("/p/{poll}")).await;
        assert!(
            page.text().contains("Dinner?") && page.text().contains("No votes yet"),
            "{engine:?}"
        );
        let stale = vote(&mut bob, &poll, "0").await;
        assert_eq!(
            (stale.status, newest(&stale)),
            (422, None),
            "{engine:?}: an older ballot"
        );
        let fields = [("choice", "2"), ("revision", "1")];
        let answer = bob.submit(&format!("/p/{poll}"), &fields).await;
        let public = format!("/p/{poll}");
        assert_eq!(answer.redirect(), (303, public.as_str()), "{engine:?}");
        assert_eq!(newest(&answer).as_deref(), Some("Vote cast"), "{engine:?}");
        let page = bob.open(&public).await.text();
        assert!(
            page.contains("1 person has voted") && page.contains("Change my vote"),
            "{engine:?}"
        );

        let refused = ada.submit(&edit, &fields).await;
        assert_eq!(refused.status, 422, "{engine:?}: the poll has a vote");
        for (action, to, event) in [
            ("close", format!("/polls/{poll}?done=closed"), "Poll closed"),
            ("delete", format!("/polls?deleted={poll}"), "Poll deleted"),
        ] {
            let answer = act(&mut ada, &poll, action).await;
            assert_eq!(answer.redirect(), (303, to.as_str()), "{engine:?}");
            assert_eq!(newest(&answer).as_deref(), Some(event), "{engine:?}");
        }
        let gone = bob.open(&public).await;
        assert_eq!(gone.status, 404, "{engine:?}: deleted");
        assert!(
            ada.open(&format!("/polls?deleted={poll}"))
                .await
                .text()
                .contains("Undo"),
            "{engine:?}"
        );
        let answer = ada
            .submit("/polls", &[("poll", &poll), ("action", "restore")])
            .await;
        assert_eq!(answer.redirect(), (303, "/polls?done=restored"), "{engine:?}");
        assert_eq!(newest(&answer).as_deref(), Some("Poll restored"), "{engine:?}");
        let page = bob.open(&public).await.text();
        assert!(
            page.contains("You have voted. This poll is closed."),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn refused_actions_confirm_nothing() {
    let app = TestApp::start().await;
    let (mut ada, mut bob, mut stranger) = (app.browser(), app.browser(), app.browser());
    ada.sign_up("ada@example.com").await;
    bob.sign_up("bob@example.com").await;
    let poll = make(&app, &mut ada, "Lunch?").await;
    let edit = [("question", "Mine now"), ("option", "a"), ("option", "b")];
    for (who, browser) in [("bob", &mut bob), ("stranger", &mut stranger)] {
        browser.open("/").await;
        for action in ["close", "delete", "restore", "export", "", "drop"] {
            let answer = act(browser, &poll, action).await;
            assert!(
                matches!(answer.status, 404 | 422 | 302),
                "{who} {action}: {}",
                answer.status
            );
            assert_eq!(newest(&answer), None, "{who} {action}");
        }
        let file = browser.open(&format!("/polls/{poll}/results.csv")).await;
        assert!(matches!(file.status, 404 | 422 | 302), "{who}: {}", file.status);
        assert_ne!(
            file.header("content-type"),
            Some("text/csv; charset=utf-8"),
            "{who}"
        );
        let answer = browser.submit(&format!("/polls/{poll}/edit"), &edit).await;
        assert!(matches!(answer.status, 404 | 422), "{who}: {}", answer.status);
        assert_eq!(newest(&answer), None, "{who}");
        let answer = browser
            .submit("/polls", &[("poll", &poll), ("action", "delete")])
            .await;
        assert_eq!(newest(&answer), None, "{who}");
    }
    // One's own, refused.
    for (path, fields) in [
        (format!("/polls/{poll}"), &[("action", "restore")][..]),
        (format!("/polls/{poll}"), &[("action", "export")]),
        (format!("/polls/{poll}/edit"), &[("question", "")]),
        (
            format!("/polls/{poll}/edit"),
            &[
                ("question", "Q"),
                ("option", "a"),
                ("option", "b"),
                ("closes_at", "2099-01-01T00:00"),
            ],
        ),
        (format!("/p/{poll}"), &[("revision", "0")]),
        (
            format!("/p/{poll}"),
            &[("revision", "0"), ("choice", "0"), ("choice", "1")],
        ),
        ("/polls/new".to_owned(), &[("question", "Q"), ("option", "a")]),
    ] {
        let answer = ada.submit(&path, fields).await;
        assert_eq!(answer.status, 422, "{path} {fields:?}: {}", answer.text());
        // What was confirmed before, and nothing new.
        assert_eq!(newest(&answer), None, "{path} {fields:?}");
    }
    assert_eq!(
        app.texts("SELECT question FROM polls WHERE deleted_at IS NULL AND closed_at IS NULL")
            .await,
        ["Lunch?"]
    );
    assert_eq!(app.count("votes").await, 0);
}

#[tokio::test]
async fn a_vote_needs_the_cookie_of_its_page() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    ada.sign_up("ada@example.com").await;
    let poll = make(&app, &mut ada, "Lunch?").await;

    // Never been on the page, or keeps no cookies.
    let mut bob = app.browser();
    let answer = vote(&mut bob, &poll, "0").await;
    assert_eq!((answer.status, newest(&answer)), (422, None));
    assert!(answer.text().contains("Please allow cookies and vote again."));
    assert_eq!(app.count("votes").await, 0);
    // The answer brought it.
    assert_eq!(vote(&mut bob, &poll, "0").await.status, 303);

    let mut carol = app.browser();
    let page = carol.open(&format!("/p/{poll}")).await;
    let cookie = page.cookie("seam_voter");
    assert_eq!(cookie.http_only(), Some(true));
    assert_eq!(cookie.same_site(), Some(cookie::SameSite::Lax));
    assert_eq!((cookie.path(), cookie.secure()), (Some("/"), None));
    // Sent twice at once, from one browser: one vote.
    let mut twin = carol.clone();
    let (one, other) = tokio::join!(vote(&mut carol, &poll, "0"), vote(&mut twin, &poll, "1"));
    assert_eq!((one.status, other.status), (303, 303));
    assert_eq!(app.count("votes").await, 2);

    let token = carol.cookie("seam_voter").unwrap();
    for (table, column) in [("votes", "token_hash"), ("outbox", "payload")] {
        let found = app
            .number(&format!(
                "SELECT COUNT(*) FROM {table} WHERE {column} LIKE '%{token}%'"
            ))
            .await;
        assert_eq!(found, 0, "{table}: the token is in no table");
    }
    let page = carol.open(&format!("/p/{poll}")).await;
    assert!(!page.text().contains(&token), "nor on any page");
}

#[tokio::test]
async fn sign_up_adopts_earlier_votes() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut ada = app.browser();
        ada.sign_up("ada@example.com").await;
        let poll = make(&app, &mut ada, "Lunch?").await;
        let public = format!("/p/{poll}");

        let mut bob = app.browser();
        bob.open(&public).await;
        vote(&mut bob, &poll, "0").await;
        bob.sign_up("bob@example.com").await;
        let user = app.user("bob@example.com").await;
        let own = format!("SELECT COUNT(*) FROM votes WHERE user_id = '{user}' AND token_hash IS NULL");
        assert_eq!(app.number(&own).await, 1, "{engine:?}");
        assert!(
            bob.open(&public).await.text().contains("You have voted."),
            "{engine:?}"
        );

        // The next user of this laptop is another person, and may vote.
        let answer = bob.sign_out().await;
        assert!(
            answer.expired().contains(&"seam_voter"),
            "{engine:?}: {:?}",
            answer.expired()
        );
        assert!(
            !bob.open(&public).await.text().contains("You have voted."),
            "{engine:?}"
        );
        assert_eq!(vote(&mut bob, &poll, "1").await.status, 303, "{engine:?}");
        assert_eq!(app.count("votes").await, 2, "{engine:?}");
        // It was Bob after all: the account's vote holds.
        bob.sign_in("bob@example.com").await;
        assert_eq!(app.count("votes").await, 1, "{engine:?}");
        assert_eq!(
            app.number("SELECT position FROM vote_choices").await,
            0,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn an_ended_login_removes_the_voter_token() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    ada.sign_up("ada@example.com").await;
    let poll = make(&app, &mut ada, "Lunch?").await;
    let mut bob = app.browser();
    bob.open(&format!("/p/{poll}")).await;
    vote(&mut bob, &poll, "0").await;
    bob.sign_up("bob@example.com").await;
    app.execute("UPDATE logins SET ended_at = created_at + 1, ended_by = 'revoked'")
        .await;
    let before = bob.cookie("seam_voter");
    bob.open("/").await;
    assert_eq!(bob.cookie("seam_voter"), None);
    let text = bob.open(&format!("/p/{poll}")).await.text();
    assert!(!text.contains("You have voted."), "{text}");
    assert_ne!(bob.cookie("seam_voter"), before);
}

#[tokio::test]
async fn voting_works_without_consent() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    ada.sign_up("ada@example.com").await;
    let poll = make(&app, &mut ada, "Lunch?").await;
    let mut bob = app.browser();
    bob.set_cookie("seam_consent", "denied");
    let page = bob.open(&format!("/p/{poll}")).await;
    let set: Vec<&str> = page.cookies.iter().map(cookie::Cookie::name).collect();
    assert_eq!(set, ["seam_voter"], "what voting needs, and nothing else");
    let answer = vote(&mut bob, &poll, "0").await;
    assert_eq!((answer.status, answer.cookies.len()), (303, 0));
    assert_eq!(app.count("votes").await, 1);
}

#[tokio::test]
async fn a_free_plan_is_full_with_three_open_polls() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    ada.sign_up("ada@example.com").await;
    for question in ["1", "2", "3"] {
        make(&app, &mut ada, question).await;
    }
    let page = ada.open("/polls/new").await.text();
    assert!(
        page.contains("You have three open polls") && page.contains("href=\"/pricing\""),
        "{page}"
    );
    let fields = [("question", "Fourth?"), ("option", "Soup"), ("option", "Salad")];
    let answer = ada.submit("/polls/new", &fields).await;
    let text = answer.text();
    assert_eq!((answer.status, newest(&answer)), (422, None));
    for said in [
        "Your plan has room for 3 open polls.",
        "value=\"Fourth?\"",
        "value=\"Salad\"",
    ] {
        assert!(text.contains(said), "{said} in {text}");
    }
    app.execute("UPDATE users SET account_type = 'pro'").await;
    assert!(
        !ada.open("/polls/new")
            .await
            .text()
            .contains("You have three open polls")
    );
    assert_eq!(ada.submit("/polls/new", &fields).await.status, 303);
    // Fallen back: everything stays.
    app.execute("UPDATE users SET account_type = 'free'").await;
    let list = ada.open("/polls?state=open").await.text();
    for question in ["1", "2", "3", "Fourth?"] {
        assert!(list.contains(&format!(">{question}<")), "{question}");
    }
}

#[tokio::test]
async fn exports_are_downloads() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    ada.sign_up("ada@example.com").await;
    let fields = [
        ("question", "Q"),
        ("option", "=HYPERLINK(\"http://x\")"),
        ("option", "b, c"),
    ];
    ada.submit("/polls/new", &fields).await;
    let poll = app.texts("SELECT id FROM polls").await.remove(0);
    let results = format!("/polls/{poll}/results.csv");
    let refused = ada.open(&results).await;
    assert_eq!(refused.status, 422);
    assert!(refused.text().contains("Exports are part of Pro."));
    let page = ada.open(&format!("/polls/{poll}")).await.text();
    assert!(!page.contains(&results), "Free has no link to the file: {page}");
    app.execute("UPDATE users SET account_type = 'pro'").await;
    let page = ada.open(&format!("/polls/{poll}")).await.text();
    let link = page.split("<a ").find(|link| link.contains(&results)).unwrap();
    assert!(
        link.contains("data-track") && link.contains("Results exported"),
        "a click on the link fires the event: {link}"
    );
    let file = ada.open(&results).await;
    assert_eq!(
        (file.status, file.cookies.len()),
        (200, 0),
        "a file is a background request"
    );
    assert_eq!(file.header("content-type"), Some("text/csv; charset=utf-8"));
    let name = format!("attachment; filename=\"poll-{poll}.csv\"");
    assert_eq!(file.header("content-disposition"), Some(name.as_str()));
    let text = file.text();
    assert!(
        text.contains("\"'=HYPERLINK(\"\"http://x\"\")\",0,0.0\r\n\"b, c\",0,0.0"),
        "{text}"
    );
}

#[tokio::test]
async fn due_polls_are_closed_and_reported_once() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut ada = app.browser();
        ada.sign_up("ada@example.com").await;
        let poll = make(&app, &mut ada, "Lunch?").await;
        app.execute(&format!(
            "UPDATE polls SET closes_at = 1795000000000 WHERE id = '{poll}'"
        ))
        .await;
        until("it is closed", async || {
            (app.count("polls WHERE closed_by = 'time'").await == 1).then_some(())
        })
        .await;
        let user = app.user("ada@example.com").await;
        let event = app.collector.event(&user, "Poll expiration").await;
        assert_eq!(event["session_id"], -1, "{engine:?}");
        assert_eq!(
            event["event_properties"]["stitched_by"], "none by rule",
            "{engine:?}"
        );
        assert_eq!(event["event_properties"]["poll_id"], poll.as_str(), "{engine:?}");
        assert_eq!(vote(&mut ada, &poll, "0").await.status, 422, "{engine:?}");
    }
}

#[tokio::test]
async fn live_results_reach_every_open_page() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    ada.sign_up("ada@example.com").await;
    let poll = make(&app, &mut ada, "Lunch?").await;
    let path = format!("/p/{poll}/live");
    let stranger = app.browser();
    let request = stranger
        .request(Method::GET, &path)
        .header("accept", "text/event-stream");
    let mut feed = request.send().await.unwrap();
    assert_eq!(feed.headers()["content-type"], "text/event-stream");
    assert!(feed.headers().get("set-cookie").is_none(), "a live feed is quiet");
    let mut heard = String::new();
    let mut hear = async |text: &str| {
        while !heard.contains(text) {
            let chunk = feed.chunk().await.unwrap().expect("the feed goes on");
            heard.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    };
    hear("\"voters\":0").await;
    vote(&mut ada, &poll, "1").await;
    hear("{\"label\":\"Salad\",\"votes\":1}").await;
    act(&mut ada, &poll, "close").await;
    hear("ClosedByOwner").await;

    act(&mut ada, &poll, "delete").await;
    hear("\"Deleted\"").await;
    for (path, status) in [
        (path.as_str(), 204),
        ("/p/2f1d9b1c-7c1e-4a9e-8b59-0d9a2b1f4c11/live", 204),
        ("/p/x/live", 404),
    ] {
        let answer = stranger.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
    }
}

#[tokio::test]
async fn unknown_polls_are_404() {
    let app = TestApp::start().await;
    let (mut ada, mut bob) = (app.browser(), app.browser());
    ada.sign_up("ada@example.com").await;
    bob.sign_up("bob@example.com").await;
    let poll = make(&app, &mut ada, "Secret?").await;
    let long = format!("/p/{}", "x".repeat(5_000));
    for path in [
        "/p/x",
        "/p/%00",
        "/p/00000000-0000-0000-0000-000000000000",
        "/polls/x",
        "/polls/x/edit",
        &long,
    ] {
        let answer = ada.open(path).await;
        assert_eq!(answer.status, 404, "{path:.40}");
        assert!(answer.text().contains("Page not found"), "{path:.40}");
    }
    for path in [format!("/polls/{poll}"), format!("/polls/{poll}/edit")] {
        let answer = bob.open(&path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text().contains("Secret?"), "{path}");
        let answer = app.browser().open(&path).await;
        assert_eq!(answer.status, 302, "{path}: sign in first");
    }
    assert_eq!(
        bob.open(&format!("/p/{poll}")).await.status,
        200,
        "every visitor with the link may vote"
    );
}

#[tokio::test]
async fn an_island_votes_without_leaving_the_page() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        let mut ada = app.browser();
        ada.sign_up("ada@example.com").await;
        let poll = make(&app, &mut ada, "Lunch?").await;
        let mut bob = app.browser();
        bob.open(&format!("/p/{poll}")).await;
        let mut call = async |choice: &[&str], revision: &str| {
            let vote = json!({"poll": poll, "choice": choice, "revision": revision});
            let answer = bob.post("/api/vote", JSON, vote.to_string()).await;
            assert_eq!(answer.status, 200, "{engine:?} {vote}: {}", answer.text());
            (answer.json(), newest(&answer))
        };
        let (voted, confirmed) = call(&["1"], "0").await;
        let cast = &voted["Cast"];
        assert_eq!(cast["event"]["event"], "Vote cast", "{voted}");
        assert_eq!(
            cast["event"]["properties"],
            json!({"poll_id": poll, "choice_count": 1, "changed": false})
        );
        assert_eq!(cast["poll"]["options"][1]["votes"], 1);
        assert_eq!(
            confirmed.as_deref(),
            Some("Vote cast"),
            "{engine:?}: the page may close before it gets the answer"
        );
        // The same vote again, as after an answer that was lost: the same event under the same insert ID.
        let (again, _) = call(&["1"], "0").await;
        assert_eq!(again["Cast"]["event"], cast["event"], "{engine:?}");
        assert_eq!(again["Cast"]["insert_id"], cast["insert_id"], "{engine:?}");
        let (changed, _) = call(&["0"], "0").await;
        assert_eq!(changed["Cast"]["event"]["properties"]["changed"], true);
        assert_ne!(changed["Cast"]["insert_id"], cast["insert_id"], "{engine:?}");

        for (choice, revision, reason) in [
            (&[][..], "0", "Please choose an option."),
            (&["0", "1"], "0", "Please choose one option only."),
            (&["0"], "1", "was changed"),
            (&["x"], "0", "was changed"),
        ] {
            let (refused, _) = call(choice, revision).await;
            let sentence = refused["Refused"].as_str().unwrap();
            assert!(sentence.contains(reason), "{engine:?} {choice:?}: {sentence}");
        }
        act(&mut ada, &poll, "close").await;
        let (closed, _) = call(&["1"], "0").await;
        assert_eq!(closed["Refused"], "This poll is closed.", "{engine:?}");
        assert_eq!(app.number("SELECT position FROM vote_choices").await, 0);
    }
}

#[tokio::test]
async fn hostile_forms_get_field_errors() {
    let app = TestApp::start().await;
    let mut ada = app.browser();
    ada.sign_up("ada@example.com").await;
    let poll = make(&app, &mut ada, "Lunch?").await;
    let long = "W".repeat(10_000);
    ada.open(&format!("/p/{poll}")).await;
    for text in [
        long.as_str(),
        "\0",
        "\u{202e}<script>",
        "-1",
        "99999999999999999999",
        "🙂",
        "' OR 1=1 --",
    ] {
        for (path, fields) in [
            (format!("/p/{poll}"), vec![("choice", text), ("revision", "0")]),
            (format!("/p/{poll}"), vec![("choice", "0"), ("revision", text)]),
            (format!("/polls/{poll}"), vec![("action", text)]),
            ("/polls".to_owned(), vec![("poll", text), ("action", text)]),
            (
                "/polls/new".to_owned(),
                vec![
                    ("question", "Q"),
                    ("option", "a"),
                    ("option", "b"),
                    ("closes_at", text),
                ],
            ),
        ] {
            let answer = ada.submit(&path, &fields).await;
            let shown = answer.text();
            assert_eq!(answer.status, 422, "{path} {text:.40}: {shown}");
            assert!(shown.contains("class=\"error"), "{path} {text:.40}");
            assert!(!shown.contains("<script>\u{202c}"), "{path} {text:.40}");
        }
        let find: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        assert_eq!(
            ada.open(&format!("/polls?find={find}&state={find}&deleted={find}"))
                .await
                .status,
            200
        );
    }
    assert_eq!(app.count("votes").await, 0);
    assert_eq!(app.count("polls").await, 1);
}
