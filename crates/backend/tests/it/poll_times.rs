//! Tests of closing times: each poll is closed once with one event, on any number of servers.

use backend::ids;
use backend::polls::{ClosedBy, Poll, PollState, Polls, Voter, VoterToken};
use db::testing::engines;
use forms::{Field, FieldError, FieldErrors, PollForm, VoteDraft, moment_text};
use outbox::Wakeup;
use serde_json::json;
use tracking::{Choice, ConsentDefault, UserId};

use crate::support::{MINUTE, NOW, Store, denying_visitor, payload, poll_errors, sign_up};

/// A user on Pro.
async fn owner(store: &Store) -> UserId {
    let owner = store.sign_up("ada@example.com").await.user.id;
    store.set_plan(owner, "pro").await;
    owner
}

async fn due_in(store: &Store, owner: UserId, minutes: i64) -> Poll {
    let form = PollForm {
        question: "Lunch?".to_owned(),
        option: vec!["a".to_owned(), "b".to_owned()],
        closes_at: moment_text(store.clock.now_ms() + minutes * MINUTE),
        ..PollForm::default()
    };
    let draft = form.check().unwrap();
    store.polls.create(owner, &draft, ids::random()).await.unwrap()
}

async fn vote(polls: &Polls, poll: &Poll) -> Result<(), FieldErrors> {
    let draft = VoteDraft {
        choices: vec![0],
        revision: 0,
    };
    let voter = Voter::Token(VoterToken::generate());
    let voted = polls.vote(poll.id, &voter, &draft).await;
    if voted.is_err() {
        Err(poll_errors(voted))
    } else {
        Ok(())
    }
}

#[tokio::test]
async fn a_poll_closes_at_its_time_with_one_system_event() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store).await;
        let poll = due_in(&store, ada, 5).await;
        vote(&store.polls, &poll).await.unwrap();
        let never = due_in(&store, ada, 1_000).await;
        assert_eq!(store.polls.close_due().await.unwrap(), 0, "{engine:?}: not yet");

        // The closing time applies before the scheduler runs, however late it runs.
        store.clock.advance(90 * MINUTE);
        let refused = vote(&store.polls, &poll).await;
        assert_eq!(
            refused,
            Err(FieldErrors::one(Field::FORM, FieldError::PollIsClosed)),
            "{engine:?}"
        );
        let by_hand = poll_errors(store.polls.close(ada, poll.id).await);
        assert_eq!(
            by_hand,
            FieldErrors::one(Field::FORM, FieldError::PollIsClosed),
            "{engine:?}"
        );
        assert_eq!(store.polls.close_due().await.unwrap(), 1, "{engine:?}");
        assert_eq!(store.polls.close_due().await.unwrap(), 0, "{engine:?}: once");

        let closed = store.polls.results(poll.id).await.unwrap().unwrap().poll;
        assert_eq!(closed.closed, Some(ClosedBy::Time), "{engine:?}");
        let open = store.polls.results(never.id).await.unwrap().unwrap().poll;
        assert_eq!(open.state(store.clock.now_ms()), PollState::Open, "{engine:?}");

        let events = store.events_of(ada).await;
        assert_eq!(events.len(), 2, "{engine:?}: the sign-up's event and this one");
        let event = payload(&events[1]);
        let closes_at_ms = poll.closes_at_ms.unwrap();
        assert_eq!(event["event_type"], "Poll expiration", "{engine:?}");
        assert_eq!(
            event["insert_id"],
            format!("poll-expiration:{}:{closes_at_ms}", poll.id)
        );
        assert_eq!(
            event["time"], closes_at_ms,
            "{engine:?}: the closing time, not the time of the call"
        );
        assert_eq!(event["user_id"], ada.to_string());
        assert!(event.get("device_id").is_none(), "{engine:?}: {event}");
        assert!(
            event.get("session_id").is_none_or(|session| session == -1),
            "{engine:?}: {event}"
        );
        assert_eq!(
            event["event_properties"],
            json!({"poll_id": poll.id, "vote_count": 1, "stitched_by": "none by rule"}),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn many_schedulers_close_each_poll_once() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store).await;
        for _ in 0..20 {
            due_in(&store, ada, 1).await;
        }
        store.clock.advance(2 * MINUTE);
        let mut servers = vec![store.polls.clone()];
        for _ in 0..3 {
            servers.push(store.another_server().await);
        }
        let calls: Vec<_> = servers
            .into_iter()
            .map(|polls| tokio::spawn(async move { polls.close_due().await }))
            .collect();
        let mut closed = 0;
        for call in calls {
            closed += call.await.unwrap().unwrap();
        }
        assert_eq!(closed, 20, "{engine:?}");
        assert_eq!(
            store.count("polls WHERE closed_by = 'time'").await,
            20,
            "{engine:?}"
        );
        let events = store.count("outbox WHERE event_type = 'Poll expiration'").await;
        assert_eq!(events, 20, "{engine:?}");
    }
}

#[tokio::test]
async fn a_poll_of_an_owner_who_denied_consent_closes_without_an_event() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let login = store
            .accounts
            .sign_up(sign_up("no@example.com"), &denying_visitor())
            .await
            .unwrap();
        store.set_plan(login.user.id, "pro").await;
        let poll = due_in(&store, login.user.id, 1).await;
        store.clock.advance(2 * MINUTE);
        assert_eq!(store.polls.close_due().await.unwrap(), 1, "{engine:?}");
        let closed = store.polls.results(poll.id).await.unwrap().unwrap().poll.closed;
        assert_eq!(closed, Some(ClosedBy::Time), "{engine:?}");
        assert_eq!(store.count("outbox").await, 0, "{engine:?}");
    }
}

#[tokio::test]
async fn no_event_is_written_when_unset_consent_counts_as_denied() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store).await;
        due_in(&store, ada, 1).await;
        store.clock.advance(2 * MINUTE);
        let db = store.test.db.clone();
        let denied_by_default = Polls::new(db, store.clock.clone(), Wakeup::new(), ConsentDefault::Denied);
        assert_eq!(denied_by_default.close_due().await.unwrap(), 1, "{engine:?}");
        assert_eq!(
            store.count("outbox WHERE event_type = 'Poll expiration'").await,
            0,
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn a_deleted_poll_does_not_expire_until_it_is_restored() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store).await;
        let poll = due_in(&store, ada, 1).await;
        store.polls.delete(ada, poll.id).await.unwrap();
        store.clock.advance(2 * MINUTE);
        assert_eq!(store.polls.close_due().await.unwrap(), 0, "{engine:?}");
        // The restored poll is closed, so the limit of open polls does not apply.
        store.set_plan(ada, "free").await;
        for _ in 0..3 {
            let form = PollForm {
                question: "Q".to_owned(),
                option: vec!["a".to_owned(), "b".to_owned()],
                ..PollForm::default()
            };
            store
                .polls
                .create(ada, &form.check().unwrap(), ids::random())
                .await
                .unwrap();
        }
        store.polls.restore(ada, poll.id).await.unwrap();
        assert_eq!(store.polls.close_due().await.unwrap(), 1, "{engine:?}");
        assert_eq!(store.clock.now_ms(), NOW + 2 * MINUTE);
    }
}

#[tokio::test]
async fn after_an_error_the_next_call_closes_the_poll() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store).await;
        let poll = due_in(&store, ada, 1).await;
        store.clock.advance(2 * MINUTE);
        store.execute("ALTER TABLE outbox RENAME TO renamed_outbox").await;
        store.polls.close_due().await.unwrap_err();
        let waiting = store.polls.results(poll.id).await.unwrap().unwrap().poll;
        assert_eq!(waiting.closed, None, "{engine:?}: not closed without its event");
        store.execute("ALTER TABLE renamed_outbox RENAME TO outbox").await;
        assert_eq!(store.polls.close_due().await.unwrap(), 1, "{engine:?}");
        assert_eq!(store.events_of(ada).await.len(), 2, "{engine:?}");
    }
}

#[tokio::test]
async fn consent_does_not_cover_a_closing_from_before_it() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = owner(&store).await;
        let polls = Polls::new(
            store.test.db.clone(),
            store.clock.clone(),
            Wakeup::new(),
            ConsentDefault::Denied,
        );
        due_in(&store, ada, 5).await;
        due_in(&store, ada, 15).await;
        let before = store.events_of(ada).await.len();
        // The scheduler runs late: one poll was due before the user's consent, the other one after it.
        store.clock.advance(10 * MINUTE);
        store.accounts.choose_consent(ada, Choice::Granted).await.unwrap();
        store.clock.advance(10 * MINUTE);
        assert_eq!(polls.close_due().await.unwrap(), 2, "{engine:?}");
        let events = store.events_of(ada).await;
        assert_eq!(events.len(), before + 1, "{engine:?}");
        let closed_at_ms = payload(events.last().unwrap())["time"].as_i64().unwrap();
        assert!(closed_at_ms > NOW + 10 * MINUTE, "{engine:?}");
    }
}
