//! Polls as their owner makes and keeps them.

use backend::ids;
use backend::polls::{
    Closed, ClosedBy, Deleted, FREE_OPEN_POLLS, Poll, PollError, Polls, Restored, Shown, State,
};
use db::testing::engines;
use forms::{Field, FieldError, FieldErrors, PollDraft, PollForm, moment_text};
use tracking::{AccountType, UserId};
use uuid::Uuid;

use crate::support::{DAY, MINUTE, NOW, Store, poll_faults};

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
    polls.list(owner, Shown::All, "").await.unwrap().polls
}

async fn make(store: &Store, owner: UserId, question: &str) -> Poll {
    let draft = draft(question, &["a", "b"]);
    store.polls.create(owner, &draft, ids::random()).await.unwrap()
}

fn limit() -> FieldErrors {
    FieldErrors::one(Field::FORM, FieldError::OpenPollLimit { max: FREE_OPEN_POLLS })
}

#[tokio::test]
async fn a_poll_is_kept_as_it_was_made() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        let lunch = draft("Lunch? 🍜 'x'; --", &["b", "a", "e\u{301}", "\u{e9}"]);
        let made = store.polls.create(ada, &lunch, ids::random()).await.unwrap();
        let expected = Poll {
            id: made.id,
            question: "Lunch? 🍜 'x'; --".into(),
            options: ["b", "a", "e\u{301}", "\u{e9}"].map(str::to_owned).into(),
            multiple_choice: true,
            created_at: NOW,
            closes_at: None,
            closed: None,
            deleted_at: None,
            edits: 0,
            voters: 0,
        };
        assert_eq!(made, expected, "{engine:?}");
        assert_eq!(
            listed(&store.polls, ada).await,
            [expected],
            "{engine:?}: in the writer's order"
        );
        assert_eq!(
            store.count("outbox").await,
            1,
            "the sign-up's: a poll's event is the browser's"
        );
    }
}

#[tokio::test]
async fn one_form_makes_one_poll() {
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
        assert_ne!(other.id, first.id, "{engine:?}: a form's ID is its owner's");
    }
}

#[tokio::test]
async fn a_form_sent_many_times_at_once_makes_one_poll() {
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
        let mut made = Vec::new();
        for task in tasks {
            made.push(task.await.unwrap().unwrap().id);
        }
        made.dedup();
        assert_eq!((made.len(), store.count("polls").await), (1, 1), "{engine:?}");
    }
}

#[tokio::test]
async fn the_list_has_ones_own_polls_newest_first() {
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
async fn a_free_plan_has_room_for_three_open_polls() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        let mut made = Vec::new();
        for question in ["1", "2", "3"] {
            made.push(make(&store, ada, question).await.id);
        }
        let fourth = draft("4", &["a", "b"]);
        let form = ids::random();
        assert_eq!(
            poll_faults(store.polls.create(ada, &fourth, form).await),
            limit(),
            "{engine:?}"
        );
        assert!(store.polls.room(ada).await.unwrap().is_err());

        // A closed or deleted one makes room; so does Pro.
        store.polls.close(ada, made[0]).await.unwrap();
        let fourth = store.polls.create(ada, &fourth, form).await.unwrap();
        store.polls.delete(ada, fourth.id).await.unwrap();
        make(&store, ada, "5").await;
        assert_eq!(
            poll_faults(store.polls.restore(ada, fourth.id).await),
            limit(),
            "{engine:?}"
        );
        store.set_plan(ada, "pro").await;
        store.polls.restore(ada, fourth.id).await.unwrap();
        make(&store, ada, "6").await;

        // Who falls back keeps all that is there.
        store.set_plan(ada, "free").await;
        let listing = store.polls.list(ada, Shown::Open, "").await.unwrap();
        assert_eq!(
            (listing.counts.open, listing.plan),
            (5, AccountType::Free),
            "{engine:?}"
        );
        let seventh = store
            .polls
            .create(ada, &draft("7", &["a", "b"]), ids::random())
            .await;
        assert_eq!(poll_faults(seventh), limit(), "{engine:?}");
        store
            .polls
            .edit(ada, fourth.id, &draft("4, mended", &["a", "b"]))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn polls_made_at_once_keep_to_the_limit() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        // Two servers: two pools.
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
                assert_eq!(poll_faults::<Poll>(Err(error)), limit(), "{engine:?}");
                refused += 1;
            }
        }
        assert_eq!((refused, store.count("polls").await), (5, 3), "{engine:?}");
    }
}

#[tokio::test]
async fn a_form_sent_again_is_answered_though_the_plan_is_full() {
    let store = Store::new(db::Engine::Sqlite).await;
    let ada = owner(&store, "ada@example.com").await;
    let form = ids::random();
    let first = store
        .polls
        .create(ada, &draft("1", &["a", "b"]), form)
        .await
        .unwrap();
    make(&store, ada, "2").await;
    make(&store, ada, "3").await;
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
        let refused = poll_faults(store.polls.create(ada, &tomorrow, ids::random()).await);
        assert_eq!(
            refused,
            FieldErrors::one(PollForm::closes_at, FieldError::ClosingTimeIsPro),
            "{engine:?}"
        );

        store.set_plan(ada, "pro").await;
        let yesterday = closing("Q", &["a", "b"], &moment_text(NOW - DAY));
        let refused = poll_faults(store.polls.create(ada, &yesterday, ids::random()).await);
        assert_eq!(
            refused,
            FieldErrors::one(PollForm::closes_at, FieldError::MomentPassed),
            "{engine:?}"
        );
        let poll = store.polls.create(ada, &tomorrow, ids::random()).await.unwrap();
        assert_eq!(poll.closes_at, tomorrow.closes_at, "{engine:?}");

        // Fallen back: the time may stay or go, and not move.
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
        let refused = poll_faults(store.polls.edit(ada, poll.id, &later).await);
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
            (edited.poll.closes_at, edited.poll.edits),
            (None, 2),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn an_edit_is_kept_and_the_same_edit_again_is_none() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let (ada, bob) = (
            owner(&store, "ada@example.com").await,
            owner(&store, "bob@example.com").await,
        );
        let poll = make(&store, ada, "Lunch?").await;
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
            store.polls.list(ada, Shown::All, "LUNCH").await.unwrap().polls,
            []
        );
        assert_eq!(
            store.polls.list(ada, Shown::All, "dinner").await.unwrap().polls,
            [edited]
        );

        let none = FieldErrors::one(Field::FORM, FieldError::NoSuchPoll);
        assert_eq!(poll_faults(store.polls.edit(bob, poll.id, &dinner).await), none);
        assert_eq!(
            poll_faults(store.polls.edit(ada, Uuid::nil(), &dinner).await),
            none
        );
        store.polls.close(ada, poll.id).await.unwrap();
        let refused = poll_faults(store.polls.edit(ada, poll.id, &draft("Q", &["a", "b"])).await);
        assert_eq!(
            refused,
            FieldErrors::one(Field::FORM, FieldError::PollIsClosed),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn closing_deleting_and_restoring_again_changes_nothing() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        let poll = make(&store, ada, "Lunch?").await.id;
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
                "{engine:?}: gone for the public"
            );
            let own = store.polls.own(ada, poll).await.unwrap().unwrap().poll;
            assert_eq!(own.state(NOW), State::Deleted);
            for _ in 0..2 {
                assert_eq!(
                    store.polls.restore(ada, poll).await.unwrap(),
                    Restored { deletions }
                );
            }
        }
        let [back] = &listed(&store.polls, ada).await[..] else {
            panic!("{engine:?}: it is back")
        };
        assert_eq!(back.state(NOW), State::Closed(ClosedBy::Owner), "{engine:?}");

        let never_deleted = make(&store, ada, "2").await.id;
        let refused = poll_faults(store.polls.restore(ada, never_deleted).await);
        assert_eq!(
            refused,
            FieldErrors::one(Field::FORM, FieldError::NoSuchPoll),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn nobody_else_may_touch_a_poll() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let (ada, bob) = (
            owner(&store, "ada@example.com").await,
            owner(&store, "bob@example.com").await,
        );
        store.set_plan(bob, "pro").await;
        let poll = make(&store, ada, "Lunch?").await;
        let none = FieldErrors::one(Field::FORM, FieldError::NoSuchPoll);
        assert_eq!(
            poll_faults(store.polls.close(bob, poll.id).await),
            none,
            "{engine:?}"
        );
        assert_eq!(
            poll_faults(store.polls.delete(bob, poll.id).await),
            none,
            "{engine:?}"
        );
        assert_eq!(
            poll_faults(store.polls.restore(bob, poll.id).await),
            none,
            "{engine:?}"
        );
        assert_eq!(
            poll_faults(store.polls.export(bob, poll.id).await),
            none,
            "{engine:?}"
        );
        assert_eq!(store.polls.own(bob, poll.id).await.unwrap(), None, "{engine:?}");
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
            make(&store, ada, question).await;
        }
        let [due, gone, closed, _] = &listed(&store.polls, ada).await[..] else {
            panic!("four polls")
        };
        let soon = closing("due", &["a", "b"], &moment_text(NOW + 2 * MINUTE));
        store.polls.edit(ada, due.id, &soon).await.unwrap();
        store.polls.close(ada, closed.id).await.unwrap();
        store.polls.delete(ada, gone.id).await.unwrap();
        store.clock.advance(3 * MINUTE);
        for (shown, find, expected) in [
            (
                Shown::All,
                "",
                &["due", "Geschlossen: Übergröße", "100% open"][..],
            ),
            (Shown::Open, "", &["100% open"]),
            (Shown::Closed, "", &["due", "Geschlossen: Übergröße"]),
            (Shown::Deleted, "", &["deleted_one"]),
            (Shown::All, " ÜBERGRÖSSE", &[]),
            (Shown::All, "übergröße", &["Geschlossen: Übergröße"]),
            (Shown::All, "%", &["100% open"]),
            (Shown::All, "_", &[]),
            (Shown::Deleted, "D_O", &["deleted_one"]),
            (Shown::All, "'; --", &[]),
        ] {
            let found = store.polls.list(ada, shown, find).await.unwrap().polls;
            assert_eq!(questions(&found), expected, "{engine:?} {shown:?} {find}");
        }
        let counts = store.polls.list(ada, Shown::All, "nothing").await.unwrap().counts;
        assert_eq!(
            (counts.open, counts.closed, counts.deleted),
            (1, 2, 1),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_deleted_poll_goes_for_good_after_30_days() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store, "ada@example.com").await;
        let poll = make(&store, ada, "Lunch?").await.id;
        make(&store, ada, "kept").await;
        store.polls.delete(ada, poll).await.unwrap();
        store.clock.advance(30 * DAY);
        store.polls.clean_up().await.unwrap();
        assert_eq!(store.count("polls").await, 2, "{engine:?}");
        store.clock.advance(1);
        store.polls.clean_up().await.unwrap();
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
    let poll = make(&store, ada, "Lunch?").await;
    let refused = poll_faults(store.polls.export(ada, poll.id).await);
    assert_eq!(refused, FieldErrors::one(Field::FORM, FieldError::ExportIsPro));
    store.set_plan(ada, "pro").await;
    assert_eq!(store.polls.export(ada, poll.id).await.unwrap().poll, poll);
    let nobody = store
        .polls
        .create(ids::user(), &draft("Q", &["a", "b"]), ids::random())
        .await;
    assert!(
        matches!(nobody, Err(PollError::FieldErrors(_))),
        "an account that is gone"
    );
}
