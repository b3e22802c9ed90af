//! What holds for every form: 303 when it is done, else 422 with the page: the errors at their fields, the input in them,
//! the focus on the first error, and never a password.

use db::testing::engines;

use crate::browser::{Answer, Browser, PASSWORD};
use crate::mails::{RESET, VERIFY};
use crate::support::TestApp;

/// A password that every form refuses, in one field or another.
const SHORT: &str = "hunter2";

/// A form with input that is refused.
struct Refused<'a> {
    path: &'a str,
    fields: &'a [(&'a str, &'a str)],
    /// IDs of the fields that have an error, in the order of the page. Empty: the error is one of the form as a whole.
    faulty: &'a [&'a str],
    /// Fields of the input that the page shows again, by their IDs.
    kept: &'a [(&'a str, &'a str)],
}

async fn assert_refused(browser: &mut Browser, refused: &Refused<'_>) {
    let Refused {
        path,
        fields,
        faulty,
        kept,
    } = refused;
    let answer = browser.submit(path, fields).await;
    let text = answer.text();
    assert_eq!(answer.status, 422, "{path}: {text}");
    assert_eq!(
        answer.header("content-type"),
        Some("text/html; charset=utf-8"),
        "{path}"
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    for password in [PASSWORD, SHORT] {
        assert!(!text.contains(password), "{path} shows a password: {text}");
    }
    for input in elements(&text, "input").filter(|input| attribute(input, "type") == Some("password")) {
        assert_eq!(
            attribute(input, "value").unwrap_or_default(),
            "",
            "{path}: {input}"
        );
    }

    let invalid: Vec<&str> = elements(&text, "input")
        .filter(|input| attribute(input, "aria-invalid") == Some("true"))
        .filter_map(|input| attribute(input, "id"))
        .collect();
    assert_eq!(invalid, *faulty, "{path}");
    for id in *faulty {
        let error = format!("{id}-error");
        assert!(
            text.contains(&format!("id=\"{error}\"")),
            "{path}: no {error} in {text}"
        );
        let described = attribute(field(&text, id), "aria-describedby").unwrap_or_default();
        assert!(
            described.split(' ').any(|id| id == error),
            "{path} {id}: {described}"
        );
    }
    let focused: Vec<&str> = text
        .split('<')
        .filter(|tag| {
            tag.split('>')
                .next()
                .is_some_and(|tag| tag.contains(" autofocus"))
        })
        .collect();
    let [focused] = focused[..] else {
        panic!("{path}: one element has the focus: {focused:?}")
    };
    match faulty.first() {
        Some(first) => assert_eq!(attribute(focused, "id"), Some(*first), "{path}: {focused}"),
        None => assert!(focused.contains("role=\"alert\""), "{path}: {focused}"),
    }
    for (id, value) in *kept {
        assert_eq!(attribute(field(&text, id), "value"), Some(*value), "{path} {id}");
    }
}

/// The start tags of these elements, without their brackets.
fn elements<'a>(html: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let tags = html.split('<').skip(1).filter_map(|rest| rest.split('>').next());
    tags.filter(move |tag| tag.strip_prefix(name).is_some_and(|rest| rest.starts_with(' ')))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

/// The input with this ID.
fn field<'a>(html: &'a str, id: &str) -> &'a str {
    elements(html, "input")
        .find(|input| attribute(input, "id") == Some(id))
        .unwrap_or_else(|| panic!("no field {id} in {html}"))
}

#[tokio::test]
async fn forms_of_a_visitor_are_shown_again_with_their_input() {
    for engine in engines() {
        let app = TestApp::on(engine).await;
        app.browser().sign_up("ada@example.com").await;
        let mut browser = app.browser();
        for (path, fields, faulty) in [
            (
                "/sign-up",
                &[("email", "ada"), ("password", PASSWORD)][..],
                &["email"][..],
            ),
            (
                "/sign-up",
                &[("email", "new@example.com"), ("password", SHORT)],
                &["password"],
            ),
            (
                "/sign-up",
                &[("email", "ada"), ("password", SHORT)],
                &["email", "password"],
            ),
            (
                "/sign-up",
                &[("email", "ada@example.com"), ("password", PASSWORD)],
                &["email"],
            ),
            (
                "/sign-in",
                &[("email", "ada@example.com"), ("password", SHORT)],
                &[],
            ),
            ("/sign-in", &[("email", ""), ("password", PASSWORD)], &["email"]),
            ("/forgot", &[("email", "ada")], &["email"]),
        ] {
            let kept = [("email", fields[0].1)];
            let refused = Refused {
                path,
                fields,
                faulty,
                kept: if fields[0].1.is_empty() { &[] } else { &kept },
            };
            assert_refused(&mut browser, &refused).await;
        }
        assert_eq!(
            (app.count("users").await, app.count("logins").await),
            (1, 1),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn forms_of_an_account_are_shown_again_with_their_input() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    for (path, fields, faulty, kept) in [
        (
            "/settings/email",
            &[("email", "new@example.com"), ("current_password", SHORT)][..],
            &["current_password"][..],
            &[("email", "new@example.com")][..],
        ),
        (
            "/settings/email",
            &[("email", "ada@example.com"), ("current_password", PASSWORD)],
            &["email"],
            &[("email", "ada@example.com")],
        ),
        (
            "/settings/email",
            &[("email", "new"), ("current_password", "")],
            &["email", "current_password"],
            &[("email", "new")],
        ),
        (
            "/settings/password",
            &[("current_password", PASSWORD), ("password", SHORT)],
            &["password"],
            &[],
        ),
        (
            "/settings/password",
            &[("current_password", SHORT), ("password", PASSWORD)],
            &["current_password"],
            &[],
        ),
        (
            "/settings/delete",
            &[("current_password", SHORT)],
            &["current_password"],
            &[],
        ),
    ] {
        let refused = Refused {
            path,
            fields,
            faulty,
            kept,
        };
        assert_refused(&mut browser, &refused).await;
    }
    assert_eq!(app.texts("SELECT email FROM users").await, ["ada@example.com"]);

    let link = app.link_in("ada@example.com", VERIFY).await;
    browser.open(&link).await;
    browser.submit("/forgot", &[("email", "ada@example.com")]).await;
    let link = app.link_in("ada@example.com", RESET).await;
    browser.open(&link).await;
    let refused = Refused {
        path: "/reset",
        fields: &[("password", SHORT)],
        faulty: &["password"],
        kept: &[],
    };
    assert_refused(&mut browser, &refused).await;
}

#[tokio::test]
async fn forms_of_polls_are_shown_again_with_their_input() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    browser.sign_up("ada@example.com").await;
    let good = [("question", "Lunch?"), ("option", "Soup"), ("option", "Salad")];
    assert_eq!(browser.submit("/polls/new", &good).await.status, 303);
    let poll = app.texts("SELECT id FROM polls").await.remove(0);
    let edit = format!("/polls/{poll}/edit");
    for path in ["/polls/new", edit.as_str()] {
        for (fields, faulty, kept) in [
            (
                &[("question", ""), ("option", "Rice"), ("option", "Bread")][..],
                &["question"][..],
                &[("option-0", "Rice"), ("option-1", "Bread")][..],
            ),
            (
                &[("question", "Dinner?"), ("option", "Rice"), ("option", "Rice")],
                &["option-1"],
                &[
                    ("question", "Dinner?"),
                    ("option-0", "Rice"),
                    ("option-1", "Rice"),
                ],
            ),
            (
                &[("question", "Dinner?"), ("option", "Rice"), ("option", "")],
                &["option-1"],
                &[("question", "Dinner?"), ("option-0", "Rice")],
            ),
            (
                &[
                    ("question", "Dinner?"),
                    ("option", "Rice"),
                    ("option", "Bread"),
                    ("closes_at", "soon"),
                    ("multiple_choice", "true"),
                ],
                &["closes_at"],
                &[("question", "Dinner?"), ("closes_at", "soon")],
            ),
        ] {
            let refused = Refused {
                path,
                fields,
                faulty,
                kept,
            };
            assert_refused(&mut browser, &refused).await;
        }
        let several = [("question", ""), ("multiple_choice", "true")];
        let text = browser.submit(path, &several).await.text();
        let checkbox =
            elements(&text, "input").find(|input| attribute(input, "name") == Some("multiple_choice"));
        assert!(checkbox.unwrap().contains(" checked"), "{path}: {checkbox:?}");
    }
    // More options than the page has fields for: the error is above the form.
    let mut many = vec![("question", "Q")];
    many.extend(["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "a"].map(|option| ("option", option)));
    let refused = Refused {
        path: "/polls/new",
        fields: &many,
        faulty: &[],
        kept: &[("question", "Q"), ("option-9", "j")],
    };
    assert_refused(&mut browser, &refused).await;
    assert_eq!(app.texts("SELECT question FROM polls").await, ["Lunch?"]);

    let vote = format!("/p/{poll}");
    let refused = Refused {
        path: &vote,
        fields: &[("revision", "0"), ("choice", "0"), ("choice", "1")],
        faulty: &[],
        kept: &[],
    };
    assert_refused(&mut browser, &refused).await;
    let text = browser.submit(&vote, refused.fields).await.text();
    let marked = elements(&text, "input").filter(|input| input.contains(" checked"));
    assert_eq!(marked.count(), 2, "what was chosen stays marked: {text}");
}

#[tokio::test]
async fn button_forms_show_why_they_failed() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    for (path, fields) in [
        ("/pricing", &[("interval", "year")][..]),
        ("/polls", &[("action", "restore")]),
        (
            "/p/00000000-0000-0000-0000-000000000000",
            &[("choice", "0"), ("revision", "0")],
        ),
    ] {
        let answer = browser.submit(path, fields).await;
        assert!(matches!(answer.status, 404 | 422), "{path}: {}", answer.status);
    }
    browser.sign_up("ada@example.com").await;
    for (path, fields) in [
        ("/billing", &[("action", "cancel")][..]),
        ("/polls", &[("poll", "x"), ("action", "restore")]),
        (
            "/sign-in",
            &[("email", "ada@example.com"), ("password", PASSWORD)],
        ),
        (
            "/sign-up",
            &[("email", "ada@example.com"), ("password", PASSWORD)],
        ),
    ] {
        let refused = Refused {
            path,
            fields,
            faulty: &[],
            kept: &[],
        };
        assert_refused(&mut browser, &refused).await;
    }
}

#[tokio::test]
async fn a_field_that_takes_one_value_is_sent_once() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    let twice = [
        ("email", "ada@example.com"),
        ("email", "bob@example.com"),
        ("password", PASSWORD),
    ];
    let next = [
        ("email", "ada@example.com"),
        ("password", PASSWORD),
        ("next", "/pricing"),
    ];
    for (path, fields) in [
        ("/sign-up", &twice[..]),
        ("/sign-in", &twice),
        ("/forgot", &twice),
        ("/sign-up?next=/polls", &next),
        // The poll is the one of the path.
        ("/p/x", &[("poll", "y"), ("choice", "0"), ("revision", "0")]),
    ] {
        let answer = browser.submit(path, fields).await;
        assert_eq!(answer.status, 400, "{path}: {}", answer.text());
        assert!(
            answer.text().contains("could not be read"),
            "{path}: {}",
            answer.text()
        );
    }
    app.assert_untouched().await;
}

/// The link on the page that leads to `path`, with its query.
fn link_to(page: &Answer, path: &str) -> String {
    let text = page.text();
    let links: Vec<String> = elements(&text, "a")
        .filter_map(|link| attribute(link, "href"))
        .filter(|href| href.split('?').next() == Some(path))
        .map(|href| href.replace("&amp;", "&"))
        .collect();
    // The header may have one too, without a query.
    let with_query = links.iter().find(|href| href.contains('?'));
    with_query
        .or(links.first())
        .cloned()
        .unwrap_or_else(|| panic!("no link to {path} in {text}"))
}

#[tokio::test]
async fn next_is_kept_from_sign_in_to_sign_up() {
    let app = TestApp::start().await;
    let mut browser = app.browser();
    for (next, kept) in [
        ("/pricing", Some("/pricing")),
        ("/timeline?find=a%26b", Some("/timeline?find=a%26b")),
        ("//evil.example", None),
        ("/\\evil.example", None),
        ("https://evil.example/", None),
    ] {
        let query: String = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("next", next)
            .finish();
        let page = browser.open(&format!("/sign-in?{query}")).await;
        assert!(!page.text().contains("evil.example"), "{next}");
        let link = link_to(&page, "/sign-up");
        let email = format!("{}@example.com", backend::ids::random());
        let fields = [("email", email.as_str()), ("password", PASSWORD)];
        // Refused once on the way, the page still has it.
        let refused = browser.submit(&link, &fields[..1]).await;
        assert_eq!(refused.status, 422, "{next}");
        let back = link_to(&refused, "/sign-in");
        assert_eq!(back.replace("/sign-in", "/sign-up"), link, "{next}");
        let done = browser.submit(&link, &fields).await;
        assert_eq!(done.redirect(), (303, kept.unwrap_or("/polls")), "{next}: {link}");
        browser.sign_out().await;
        let done = browser.submit(&back, &fields).await;
        assert_eq!(done.redirect(), (303, kept.unwrap_or("/polls")), "{next}: {back}");
        browser.sign_out().await;
    }
    for path in ["/sign-up?next=//evil.example", "/sign-up?next=/%5Cevil.example"] {
        let email = format!("{}@example.com", backend::ids::random());
        let fields = [("email", email.as_str()), ("password", PASSWORD)];
        assert_eq!(
            browser.submit(path, &fields).await.redirect(),
            (303, "/polls"),
            "{path}"
        );
        browser.sign_out().await;
    }
}
