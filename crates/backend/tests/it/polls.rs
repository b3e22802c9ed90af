//! Polls.

use backend::ids;
use backend::polls::Poll;
use db::testing::engines;
use forms::{PollDraft, PollForm};
use tracking::UserId;
use uuid::Uuid;

use crate::support::{MINUTE, NOW, Store};

fn draft(question: &str, options: &[&str]) -> PollDraft {
    let options = options.iter().map(|&option| option.to_owned()).collect();
    PollForm {
        question: question.to_owned(),
        options,
        multiple_choice: true,
    }
    .check()
    .unwrap()
}

async fn owner(store: &Store, email: &str) -> UserId {
    store.sign_up(email).await.user.id
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
        };
        assert_eq!(made, expected, "{engine:?}");
        assert_eq!(
            store.polls.of(ada).await.unwrap(),
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
        let questions = |polls: Vec<Poll>| polls.into_iter().map(|poll| poll.question).collect::<Vec<_>>();
        assert_eq!(
            questions(store.polls.of(ada).await.unwrap()),
            ["third", "second", "first"],
            "{engine:?}"
        );
        assert_eq!(
            questions(store.polls.of(bob).await.unwrap()),
            ["not hers"],
            "{engine:?}"
        );
        assert_eq!(store.polls.of(ids::user()).await.unwrap(), [], "{engine:?}");
    }
}
