//! Tests of the owner's actions on polls.

use backend::ids;
use backend::polls::{
    Closed, ClosedBy, Deleted, FREE_OPEN_POLLS, Poll, PollError, PollFilter, PollState, Polls, Restored,
};
use db::testing::engines;
use forms::{Field, FieldError, FieldErrors, PollDraft, PollForm, moment_text};
use tracking::{AccountType, UserId};
use uuid::Uuid;

use crate::support::{DAY, MINUTE, NOW, Store, poll_errors};

fn draft(question: &str, options: &[&str]) -> PollDraft {
    closing(question, options, "")
}

fn closing(question: &str, options: &[&str], closes_at: &str) -> PollDraft {
    let options = options.iter().map(|&option| option.to_owned()).collect();
    PollForm {
        question: question.to_owned(),
        option: options,
        multiple_choice: true,
        closes_at: closes_at.to_owned(),
        ..PollForm::default()
    }
    .check()
    .unwrap()
}

async fn owner(store: &Store, email: &str) -> UserId {
    store.sign_up(email).await.user.id
}

async fn listed(polls: &Polls, owner: UserId) -> Vec<Poll> {
    polls.list(owner, PollFilter::All, "").await.unwrap().polls
}

async fn create(store: &Store, owner: UserId, question: &str) -> Poll {
    let draft = draft(question, &["a", "b"]);
    store.polls.create(owner, &draft, ids::random()).await.unwrap()
}

fn open_poll_limit() -> FieldErrors {
    FieldErrors::one(Field::FORM, FieldError::OpenPollLimit { max: FREE_OPEN_POLLS })
}

#[tokio::test]
async fn a_poll_is_stored_unchanged() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        let lunch = draft("Lunch? 🍜 'x'; --", &["b", "a", "e", "\u{e9}"]);
        let created = store.polls.create(ada, &lunch, ids::random()).await.unwrap();
        let expected = Poll {
            id: created.id,
            question: "Lunch? 🍜 'x'; --".into(),
            options: ["b", "a", "e", "\u{e9}"].map(str::to_owned).into(),
            multiple_choice: true,
            created_at_ms: NOW,
            closes_at_ms: None,
            closed: None,
            deleted_at_ms: None,
            edits: 0,
            voters: 0,
        };
        assert_eq!(created, expected, "{engine:?}");
        assert_eq!(
            listed(&store.polls, ada).await,
            [expected],
            "{engine:?}: options in the given order"
        );
        assert_eq!(
            store.count("outbox").await,
            1,
            "only the sign-up's event: the browser sends poll events"
        );
    }
}

#[tokio::test]
async fn one_form_creates_one_poll() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let (ada, bob) = (
            owner(&store, "ada@example.com").await,
            owner(&store, "bob@example.com").await,
        );
        let form = Uuid::max();
        let lunch = draft("Lunch?", &["Soup", "Salad"]);
        let first = store.polls.create(ada, &lunch, form).await.unwrap();
        store.clock.advance(MINUTE);
        let again = store.polls.create(ada, &lunch, form).await.unwrap();
        assert_eq!(again.id, first.id, "{engine:?}");
        assert_eq!(
            (store.count("polls").await, store.count("poll_options").await),
            (1, 2),
            "{engine:?}"
        );

        let other = store.polls.create(bob, &lunch, form).await.unwrap();
        assert_ne!(other.id, first.id, "{engine:?}: form IDs are per owner");
    }
}

#[tokio::test]
async fn concurrent_submissions_of_a_form_create_one_poll() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let polls = store.polls.clone();
                tokio::spawn(async move {
                    polls
                        .create(ada, &draft("Lunch?", &["a", "b"]), Uuid::max())
                        .await
                })
            })
            .collect();
        let mut created = Vec::new();
        for task in tasks {
            created.push(task.await.unwrap().unwrap().id);
        }
        created.dedup();
        assert_eq!((created.len(), store.count("polls").await), (1, 1), "{engine:?}");
    }
}

#[tokio::test]
async fn the_list_contains_the_users_own_polls_newest_first() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let (ada, bob) = (
            owner(&store, "ada@example.com").await,
            owner(&store, "bob@example.com").await,
        );
        for (owner, question) in [(ada, "first"), (bob, "not hers"), (ada, "second"), (ada, "third")] {
            store.clock.advance(1);
            store
                .polls
                .create(owner, &draft(question, &["a", "b"]), ids::random())
                .await
                .unwrap();
        }
        assert_eq!(
            questions(&listed(&store.polls, ada).await),
            ["third", "second", "first"],
            "{engine:?}"
        );
        assert_eq!(
            questions(&listed(&store.polls, bob).await),
            ["not hers"],
            "{engine:?}"
        );
        assert_eq!(listed(&store.polls, ids::user()).await, [], "{engine:?}");
    }
}

fn questions(polls: &[Poll]) -> Vec<&str> {
    polls.iter().map(|poll| poll.question.as_str()).collect()
}

#[tokio::test]
async fn a_free_plan_allows_three_open_polls() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        let mut created = Vec::new();
        for question in ["1", "2", "3"] {
            created.push(create(&store, ada, question).await.id);
        }
        let fourth = draft("4", &["a", "b"]);
        let form = ids::random();
        assert_eq!(
            poll_errors(store.polls.create(ada, &fourth, form).await),
            open_poll_limit(),
            "{engine:?}"
        );
        assert!(store.polls.check_open_poll_limit(ada).await.unwrap().is_err());

        // Closing or deleting a poll allows a new one, and so does Pro.
        store.polls.close(ada, created[0]).await.unwrap();
        let fourth = store.polls.create(ada, &fourth, form).await.unwrap();
        store.polls.delete(ada, fourth.id).await.unwrap();
        create(&store, ada, "5").await;
        assert_eq!(
            poll_errors(store.polls.restore(ada, fourth.id).await),
            open_poll_limit(),
            "{engine:?}"
        );
        store.set_plan(ada, "pro").await;
        store.polls.restore(ada, fourth.id).await.unwrap();
        create(&store, ada, "6").await;

        // After a downgrade, existing polls are kept.
        store.set_plan(ada, "free").await;
        let listing = store.polls.list(ada, PollFilter::Open, "").await.unwrap();
        let plan = store.polls.plan(ada).await.unwrap();
        assert_eq!((listing.counts.open, plan), (5, AccountType::Free), "{engine:?}");
        let seventh = store
            .polls
            .create(ada, &draft("7", &["a", "b"]), ids::random())
            .await;
        assert_eq!(poll_errors(seventh), open_poll_limit(), "{engine:?}");
        store
            .polls
            .edit(ada, fourth.id, &draft("4, edited", &["a", "b"]))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn concurrent_creations_respect_the_limit() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        // Two servers with separate connection pools.
        let other = store.another_server().await;
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let polls = if n % 2 == 0 {
                    store.polls.clone()
                } else {
                    other.clone()
                };
                tokio::spawn(async move { polls.create(ada, &draft("Q", &["a", "b"]), ids::random()).await })
            })
            .collect();
        let mut refused = 0;
        for task in tasks {
            if let Err(error) = task.await.unwrap() {
                assert_eq!(poll_errors::<Poll>(Err(error)), open_poll_limit(), "{engine:?}");
                refused += 1;
            }
        }
        assert_eq!((refused, store.count("polls").await), (5, 3), "{engine:?}");
    }
}

#[tokio::test]
async fn a_repeated_form_returns_its_poll_even_at_the_limit() {
    let store = Store::new(db::Engine::Sqlite).await;
    let ada = owner(&store, "ada@example.com").await;
    let form = ids::random();
    let first = store
        .polls
        .create(ada, &draft("1", &["a", "b"]), form)
        .await
        .unwrap();
    create(&store, ada, "2").await;
    create(&store, ada, "3").await;
    let again = store
        .polls
        .create(ada, &draft("1", &["a", "b"]), form)
        .await
        .unwrap();
    assert_eq!(again, first);
}

#[tokio::test]
async fn closing_times_are_pro_and_later_than_now() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        let tomorrow = closing("Q", &["a", "b"], &moment_text(NOW + DAY));
        let refused = poll_errors(store.polls.create(ada, &tomorrow, ids::random()).await);
        assert_eq!(
            refused,
            FieldErrors::one(PollForm::closes_at, FieldError::ClosingTimeIsPro),
            "{engine:?}"
        );

        store.set_plan(ada, "pro").await;
        let yesterday = closing("Q", &["a", "b"], &moment_text(NOW - DAY));
        let refused = poll_errors(store.polls.create(ada, &yesterday, ids::random()).await);
        assert_eq!(
            refused,
            FieldErrors::one(PollForm::closes_at, FieldError::MomentPassed),
            "{engine:?}"
        );
        let poll = store.polls.create(ada, &tomorrow, ids::random()).await.unwrap();
        assert_eq!(poll.closes_at_ms, tomorrow.closes_at, "{engine:?}");

        // After a downgrade the time may be kept or removed, but not changed.
        store.set_plan(ada, "free").await;
        let renamed = PollDraft {
            question: "R".into(),
            ..tomorrow.clone()
        };
        store.polls.edit(ada, poll.id, &renamed).await.unwrap();
        let later = PollDraft {
            closes_at: Some(NOW + 2 * DAY),
            ..renamed.clone()
        };
        let refused = poll_errors(store.polls.edit(ada, poll.id, &later).await);
        assert_eq!(
            refused,
            FieldErrors::one(PollForm::closes_at, FieldError::ClosingTimeIsPro),
            "{engine:?}"
        );
        let never = PollDraft {
            closes_at: None,
            ..renamed
        };
        let edited = store.polls.edit(ada, poll.id, &never).await.unwrap();
        assert_eq!(
            (edited.poll.closes_at_ms, edited.poll.edits),
            (None, 2),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn an_edit_is_stored_and_repeating_it_changes_nothing() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let (ada, bob) = (
            owner(&store, "ada@example.com").await,
            owner(&store, "bob@example.com").await,
        );
        let poll = create(&store, ada, "Lunch?").await;
        let same = store
            .polls
            .edit(ada, poll.id, &draft("Lunch?", &["a", "b"]))
            .await
            .unwrap();
        assert_eq!(same.poll, poll, "{engine:?}: nothing to change");
        let dinner = draft("Dinner? مرحبا", &["c", "b", "a"]);
        let edited = store.polls.edit(ada, poll.id, &dinner).await.unwrap().poll;
        assert_eq!(
            (edited.edits, &edited.options),
            (1, &dinner.options),
            "{engine:?}"
        );
        assert_eq!(
            store.polls.edit(ada, poll.id, &dinner).await.unwrap().poll,
            edited
        );
        assert_eq!(
            listed(&store.polls, ada).await,
            std::slice::from_ref(&edited),
            "{engine:?}"
        );
        assert_eq!(
            store
                .polls
                .list(ada, PollFilter::All, "LUNCH")
                .await
                .unwrap()
                .polls,
            []
        );
        assert_eq!(
            store
                .polls
                .list(ada, PollFilter::All, "dinner")
                .await
                .unwrap()
                .polls,
            [edited]
        );

        let none = FieldErrors::one(Field::FORM, FieldError::NoSuchPoll);
        assert_eq!(poll_errors(store.polls.edit(bob, poll.id, &dinner).await), none);
        assert_eq!(
            poll_errors(store.polls.edit(ada, Uuid::nil(), &dinner).await),
            none
        );
        store.polls.close(ada, poll.id).await.unwrap();
        let refused = poll_errors(store.polls.edit(ada, poll.id, &draft("Q", &["a", "b"])).await);
        assert_eq!(
            refused,
            FieldErrors::one(Field::FORM, FieldError::PollIsClosed),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn closing_deleting_and_restoring_are_idempotent() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        let poll = create(&store, ada, "Lunch?").await.id;
        for _ in 0..2 {
            assert_eq!(
                store.polls.close(ada, poll).await.unwrap(),
                Closed { voters: 0 },
                "{engine:?}"
            );
        }
        for deletions in [1, 2] {
            for _ in 0..2 {
                let deleted = store.polls.delete(ada, poll).await.unwrap();
                assert_eq!(deleted, Deleted { deletions, voters: 0 }, "{engine:?}");
            }
            assert_eq!(listed(&store.polls, ada).await, []);
            assert_eq!(
                store.polls.results(poll).await.unwrap(),
                None,
                "{engine:?}: not public"
            );
            let own = store.polls.own_poll(ada, poll).await.unwrap().unwrap().poll;
            assert_eq!(own.state(NOW), PollState::Deleted);
            for _ in 0..2 {
                assert_eq!(
                    store.polls.restore(ada, poll).await.unwrap(),
                    Restored { deletions }
                );
            }
        }
        let [restored] = &listed(&store.polls, ada).await[..] else {
            panic!("{engine:?}: one poll")
        };
        assert_eq!(
            restored.state(NOW),
            PollState::Closed(ClosedBy::Owner),
            "{engine:?}"
        );

        let never_deleted = create(&store, ada, "2").await.id;
        let refused = poll_errors(store.polls.restore(ada, never_deleted).await);
        assert_eq!(
            refused,
            FieldErrors::one(Field::FORM, FieldError::NoSuchPoll),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn only_the_owner_can_change_a_poll() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let (ada, bob) = (
            owner(&store, "ada@example.com").await,
            owner(&store, "bob@example.com").await,
        );
        store.set_plan(bob, "pro").await;
        let poll = create(&store, ada, "Lunch?").await;
        let none = FieldErrors::one(Field::FORM, FieldError::NoSuchPoll);
        assert_eq!(
            poll_errors(store.polls.close(bob, poll.id).await),
            none,
            "{engine:?}"
        );
        assert_eq!(
            poll_errors(store.polls.delete(bob, poll.id).await),
            none,
            "{engine:?}"
        );
        assert_eq!(
            poll_errors(store.polls.restore(bob, poll.id).await),
            none,
            "{engine:?}"
        );
        assert_eq!(
            poll_errors(store.polls.export(bob, poll.id).await),
            none,
            "{engine:?}"
        );
        assert_eq!(
            store.polls.own_poll(bob, poll.id).await.unwrap(),
            None,
            "{engine:?}"
        );
        assert_eq!(listed(&store.polls, ada).await, [poll], "{engine:?}");
    }
}

#[tokio::test]
async fn lists_by_state_and_text() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        store.set_plan(ada, "pro").await;
        for question in ["100% open", "Geschlossen: Übergröße", "deleted_one", "due"] {
            store.clock.advance(1);
            create(&store, ada, question).await;
        }
        let [due, deleted, closed, _] = &listed(&store.polls, ada).await[..] else {
            panic!("four polls")
        };
        let soon = closing("due", &["a", "b"], &moment_text(NOW + 2 * MINUTE));
        store.polls.edit(ada, due.id, &soon).await.unwrap();
        store.polls.close(ada, closed.id).await.unwrap();
        store.polls.delete(ada, deleted.id).await.unwrap();
        store.clock.advance(3 * MINUTE);
        for (filter, find, expected) in [
            (
                PollFilter::All,
                "",
                &["due", "Geschlossen: Übergröße", "100% open"][..],
            ),
            (PollFilter::Open, "", &["100% open"]),
            (PollFilter::Closed, "", &["due", "Geschlossen: Übergröße"]),
            (PollFilter::Deleted, "", &["deleted_one"]),
            (PollFilter::All, " ÜBERGRÖSSE", &[]),
            (PollFilter::All, "übergröße", &["Geschlossen: Übergröße"]),
            (PollFilter::All, "%", &["100% open"]),
            (PollFilter::All, "_", &[]),
            (PollFilter::Deleted, "D_O", &["deleted_one"]),
            (PollFilter::All, "'; --", &[]),
        ] {
            let found = store.polls.list(ada, filter, find).await.unwrap().polls;
            assert_eq!(questions(&found), expected, "{engine:?} {filter:?} {find}");
        }
        let counts = store
            .polls
            .list(ada, PollFilter::All, "nothing")
            .await
            .unwrap()
            .counts;
        assert_eq!(
            (counts.open, counts.closed, counts.deleted),
            (1, 2, 1),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_deleted_poll_is_removed_after_30_days() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        let poll = create(&store, ada, "Lunch?").await.id;
        create(&store, ada, "other").await;
        store.polls.delete(ada, poll).await.unwrap();
        store.clock.advance(30 * DAY);
        store.sweep().await;
        assert_eq!(store.count("polls").await, 2, "{engine:?}");
        store.clock.advance(1);
        let refused = poll_errors(store.polls.restore(ada, poll).await);
        assert_eq!(refused, FieldErrors::one(Field::FORM, FieldError::NoSuchPoll));
        store.sweep().await;
        assert_eq!(
            (store.count("polls").await, store.count("poll_options").await),
            (1, 2),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn exports_are_pro() {
    let store = Store::new(db::Engine::Sqlite).await;
    let ada = owner(&store, "ada@example.com").await;
    let poll = create(&store, ada, "Lunch?").await;
    let refused = poll_errors(store.polls.export(ada, poll.id).await);
    assert_eq!(refused, FieldErrors::one(Field::FORM, FieldError::ExportIsPro));
    store.set_plan(ada, "pro").await;
    assert_eq!(store.polls.export(ada, poll.id).await.unwrap().poll, poll);
    let unknown_user = store
        .polls
        .create(ids::user(), &draft("Q", &["a", "b"]), ids::random())
        .await;
    assert!(
        matches!(unknown_user, Err(PollError::FieldErrors(_))),
        "the account does not exist"
    );
}
