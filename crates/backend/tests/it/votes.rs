//! Tests of votes: one vote per voter under concurrency, transfer to accounts, and live results.

use std::time::Duration;

use backend::Visitor;
use backend::ids;
use backend::polls::{CastVote, Poll, PollError, Polls, Results, Voter, VoterToken};
use db::testing::engines;
use forms::{Field, FieldError, FieldErrors, PollForm, VoteDraft, VoteForm};
use tracking::UserId;
use uuid::Uuid;

use crate::support::{MINUTE, PASSWORD, Store, poll_errors, sign_in, sign_up, visitor};

/// A poll with three options.
async fn poll(store: &Store, owner: UserId, multiple_choice: bool) -> Poll {
    let form = PollForm {
        question: "Lunch?".to_owned(),
        option: ["Soup", "Salad", "Bread"].map(str::to_owned).into(),
        multiple_choice,
        ..PollForm::default()
    };
    let draft = form.check().unwrap();
    store.polls.create(owner, &draft, ids::random()).await.unwrap()
}

fn ballot(choices: &[u8]) -> VoteDraft {
    VoteDraft {
        choices: choices.to_owned(),
        revision: 0,
    }
}

fn token() -> Voter {
    Voter::Token(VoterToken::generate())
}

/// A visitor whose browser has this voter token.
fn visitor_with(voter: &Voter) -> Visitor {
    match voter {
        Voter::Token(token) => Visitor {
            voter: Some(token.clone()),
            ..visitor()
        },
        Voter::Account(_) => visitor(),
    }
}

async fn counts(store: &Store, poll: &Poll) -> (u32, Vec<u32>) {
    let results = store.polls.results(poll.id).await.unwrap().unwrap();
    (results.poll.voters, results.counts)
}

#[tokio::test]
async fn a_vote_counts_once_and_may_be_changed() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        let poll = poll(&store, ada, true).await;
        let voter = token();
        let first = store.polls.vote(poll.id, &voter, &ballot(&[0, 2])).await.unwrap();
        assert_eq!(
            (first.changes, &first.choices[..]),
            (0, &[0, 2][..]),
            "{engine:?}"
        );
        let again = store.polls.vote(poll.id, &voter, &ballot(&[0, 2])).await.unwrap();
        assert_eq!(again, first, "{engine:?}: repeating a vote changes nothing");
        assert_eq!(counts(&store, &poll).await, (1, vec![1, 0, 1]), "{engine:?}");

        let changed = store.polls.vote(poll.id, &voter, &ballot(&[1])).await.unwrap();
        let expected = CastVote {
            changes: 1,
            choices: vec![1],
            ..first
        };
        assert_eq!(changed, expected, "{engine:?}");
        assert_eq!(counts(&store, &poll).await, (1, vec![0, 1, 0]), "{engine:?}");

        store.polls.vote(poll.id, &token(), &ballot(&[1])).await.unwrap();
        store
            .polls
            .vote(poll.id, &Voter::Account(ada), &ballot(&[1, 2]))
            .await
            .unwrap();
        assert_eq!(counts(&store, &poll).await, (3, vec![0, 3, 1]), "{engine:?}");
        assert_eq!(store.polls.vote_of(poll.id, &voter).await.unwrap(), Some(vec![1]));
        assert_eq!(store.polls.vote_of(poll.id, &token()).await.unwrap(), None);
        assert_eq!(
            store.count("outbox").await,
            1,
            "only the sign-up's event: the browser sends vote events"
        );
    }
}

#[tokio::test]
async fn a_token_is_stored_as_a_hash() {
    let store = Store::new(db::Engine::Sqlite).await;
    let ada = store.sign_up("ada@example.com").await.user.id;
    let poll = poll(&store, ada, false).await;
    let token = VoterToken::generate();
    let voter = Voter::Token(token.clone());
    store.polls.vote(poll.id, &voter, &ballot(&[0])).await.unwrap();
    let [stored] = &store.texts("SELECT token_hash FROM votes").await[..] else {
        panic!("one vote")
    };
    assert!(
        stored.len() == 64 && !stored.contains(&token.expose()),
        "{stored}"
    );
}

#[tokio::test]
async fn invalid_votes_change_nothing() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        let single = poll(&store, ada, false).await;
        let voter = token();
        store.polls.vote(single.id, &voter, &ballot(&[0])).await.unwrap();
        let choice_error = |error| FieldErrors::one(VoteForm::choice, error);
        for (draft, expected) in [
            (ballot(&[0, 1]), choice_error(FieldError::OneChoiceOnly)),
            (ballot(&[3]), choice_error(FieldError::PollChanged)),
            (ballot(&[255]), choice_error(FieldError::PollChanged)),
            (
                VoteDraft {
                    revision: 1,
                    ..ballot(&[1])
                },
                choice_error(FieldError::PollChanged),
            ),
        ] {
            let refused = poll_errors(store.polls.vote(single.id, &voter, &draft).await);
            assert_eq!(refused, expected, "{engine:?} {draft:?}");
        }
        let none = FieldErrors::one(Field::FORM, FieldError::NoSuchPoll);
        assert_eq!(
            poll_errors(store.polls.vote(Uuid::nil(), &voter, &ballot(&[0])).await),
            none
        );
        store.polls.close(ada, single.id).await.unwrap();
        let refused = poll_errors(store.polls.vote(single.id, &voter, &ballot(&[1])).await);
        assert_eq!(
            refused,
            FieldErrors::one(Field::FORM, FieldError::PollIsClosed),
            "{engine:?}"
        );
        store.polls.delete(ada, single.id).await.unwrap();
        assert_eq!(
            poll_errors(store.polls.vote(single.id, &voter, &ballot(&[1])).await),
            none
        );
        store.polls.restore(ada, single.id).await.unwrap();
        assert_eq!(counts(&store, &single).await, (1, vec![1, 0, 0]), "{engine:?}");
    }
}

#[tokio::test]
async fn a_poll_with_votes_cannot_be_edited() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        let poll = poll(&store, ada, false).await;
        store.polls.vote(poll.id, &token(), &ballot(&[0])).await.unwrap();
        let changed_form = PollForm {
            question: "Dinner?".to_owned(),
            option: vec!["a".to_owned(), "b".to_owned()],
            ..PollForm::default()
        };
        let refused = store
            .polls
            .edit(ada, poll.id, &changed_form.check().unwrap())
            .await;
        assert_eq!(
            poll_errors(refused),
            FieldErrors::one(Field::FORM, FieldError::PollHasVotes),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn concurrent_votes_of_one_voter_count_once() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        let poll = poll(&store, ada, false).await;
        for voter in [token(), Voter::Account(ada)] {
            let before = counts(&store, &poll).await.0;
            let other = store.another_server().await;
            let votes: Vec<_> = (0..10_u8)
                .map(|n| {
                    let polls: Polls = if n % 2 == 0 {
                        store.polls.clone()
                    } else {
                        other.clone()
                    };
                    let (voter, id) = (voter.clone(), poll.id);
                    tokio::spawn(async move { polls.vote(id, &voter, &ballot(&[n % 3])).await })
                })
                .collect();
            let mut cast = Vec::new();
            for vote in votes {
                cast.push(vote.await.unwrap().unwrap());
            }
            let (voters, chosen) = counts(&store, &poll).await;
            assert_eq!(voters, before + 1, "{engine:?}");
            assert_eq!(
                chosen.iter().sum::<u32>(),
                voters,
                "{engine:?}: one choice per voter"
            );
            assert!(
                cast.iter().all(|one| one.vote == cast[0].vote),
                "{engine:?}: one vote"
            );
            // The last change is stored: every change is counted.
            let last = cast.iter().max_by_key(|one| one.changes).unwrap();
            let stored = store.polls.vote_of(poll.id, &voter).await.unwrap();
            assert_eq!(stored.as_ref(), Some(&last.choices), "{engine:?}");
        }
    }
}

#[tokio::test]
async fn of_a_concurrent_vote_and_edit_only_one_succeeds() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        store.set_plan(ada, "pro").await;
        let other = store.another_server().await;
        for _ in 0..10 {
            let poll = poll(&store, ada, false).await;
            let changed_form = PollForm {
                question: "Dinner?".to_owned(),
                option: vec!["a".to_owned(), "b".to_owned()],
                ..PollForm::default()
            };
            let changed_form = changed_form.check().unwrap();
            let (voter, draft) = (token(), ballot(&[2]));
            let (edited, voted) = tokio::join!(
                other.edit(ada, poll.id, &changed_form),
                store.polls.vote(poll.id, &voter, &draft)
            );
            // The second one fails, so that no vote counts for an option that the voter did not choose.
            assert!(
                edited.is_ok() != voted.is_ok(),
                "{engine:?}: {edited:?} {voted:?}"
            );
            let expected = if voted.is_ok() {
                (1, vec![0, 0, 1])
            } else {
                (0, vec![0, 0])
            };
            assert_eq!(counts(&store, &poll).await, expected, "{engine:?}");
        }
    }
}

#[tokio::test]
async fn sign_up_and_sign_in_transfer_the_browsers_votes() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        let (lunch, dinner) = (poll(&store, ada, true).await, poll(&store, ada, true).await);
        let browser = token();
        let before = store.polls.vote(lunch.id, &browser, &ballot(&[0])).await.unwrap();

        let login = store
            .accounts
            .sign_up(sign_up("bob@example.com"), &visitor_with(&browser))
            .await
            .unwrap();
        let bob = Voter::Account(login.user.id);
        assert_eq!(
            store.polls.vote_of(lunch.id, &bob).await.unwrap(),
            Some(vec![0]),
            "{engine:?}"
        );
        assert_eq!(
            store.polls.vote_of(lunch.id, &browser).await.unwrap(),
            None,
            "{engine:?}"
        );
        let changed = store.polls.vote(lunch.id, &bob, &ballot(&[1])).await.unwrap();
        assert_eq!(
            (changed.vote, changed.changes),
            (before.vote, 1),
            "{engine:?}: the same vote"
        );

        // In another browser he votes before he signs in: on `lunch` the account's vote is kept, on `dinner` it is new.
        let other_browser = token();
        store
            .polls
            .vote(lunch.id, &other_browser, &ballot(&[2]))
            .await
            .unwrap();
        store
            .polls
            .vote(dinner.id, &other_browser, &ballot(&[2]))
            .await
            .unwrap();
        assert_eq!(counts(&store, &lunch).await, (2, vec![0, 1, 1]));
        let input = sign_in("bob@example.com", PASSWORD);
        store
            .accounts
            .sign_in(input, &visitor_with(&other_browser))
            .await
            .unwrap();
        assert_eq!(counts(&store, &lunch).await, (1, vec![0, 1, 0]), "{engine:?}");
        assert_eq!(counts(&store, &dinner).await, (1, vec![0, 0, 1]), "{engine:?}");
        assert_eq!(
            store.polls.vote_of(dinner.id, &bob).await.unwrap(),
            Some(vec![2]),
            "{engine:?}"
        );
        assert_eq!(
            store.count("vote_choices").await,
            2,
            "{engine:?}: no choices without a vote"
        );
    }
}

#[tokio::test]
async fn a_failed_sign_up_or_sign_in_transfers_no_votes() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        let poll = poll(&store, ada, false).await;
        let browser = token();
        store.polls.vote(poll.id, &browser, &ballot(&[0])).await.unwrap();
        let taken = store
            .accounts
            .sign_up(sign_up("ada@example.com"), &visitor_with(&browser))
            .await;
        assert!(taken.is_err());
        let wrong = store
            .accounts
            .sign_in(
                sign_in("ada@example.com", "not this one"),
                &visitor_with(&browser),
            )
            .await;
        assert!(wrong.is_err());
        assert_eq!(
            store.polls.vote_of(poll.id, &browser).await.unwrap(),
            Some(vec![0]),
            "{engine:?}"
        );
    }
}

#[tokio::test]
async fn concurrent_transfers_and_votes_leave_one_vote_per_user() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        store.set_plan(ada, "pro").await;
        let mut polls = Vec::new();
        for _ in 0..4 {
            polls.push(poll(&store, ada, false).await);
        }
        let (one, other) = (token(), token());
        for poll in &polls {
            store.polls.vote(poll.id, &one, &ballot(&[0])).await.unwrap();
            store.polls.vote(poll.id, &other, &ballot(&[1])).await.unwrap();
        }
        let second = store.another_server().await;
        let voting = async {
            for poll in polls.iter().rev() {
                second.vote(poll.id, &Voter::Account(ada), &ballot(&[2])).await?;
            }
            Ok::<_, PollError>(())
        };
        let signing_in = |voter: &Voter| {
            let (accounts, visitor) = (store.accounts.clone(), visitor_with(voter));
            async move {
                accounts
                    .sign_in(sign_in("ada@example.com", PASSWORD), &visitor)
                    .await
            }
        };
        let (voted, first, last) = tokio::join!(voting, signing_in(&one), signing_in(&other));
        voted.unwrap();
        first.unwrap();
        last.unwrap();
        for poll in &polls {
            assert_eq!(counts(&store, poll).await.0, 1, "{engine:?}");
        }
    }
}

#[tokio::test]
async fn open_pages_receive_changed_results() {
    for engine in engines() {
        let store = Store::new(engine).await;
        let ada = store.sign_up("ada@example.com").await.user.id;
        let poll = poll(&store, ada, false).await;
        let other_server = store.another_server().await;
        let mut pages: Vec<_> = (0..50).map(|_| other_server.subscribe(poll.id)).collect();
        for page in &mut pages {
            assert_eq!(
                next_results(page.next()).await.poll.voters,
                0,
                "{engine:?}: the first results at once"
            );
        }
        store.polls.vote(poll.id, &token(), &ballot(&[1])).await.unwrap();
        for page in &mut pages {
            let results = next_results(page.next()).await;
            assert_eq!(
                (results.poll.voters, &results.counts[..]),
                (1, &[0, 1, 0][..]),
                "{engine:?}"
            );
        }
        // A later subscriber receives the current results at once.
        assert_eq!(
            next_results(other_server.subscribe(poll.id).next())
                .await
                .poll
                .voters,
            1
        );
        store.polls.delete(ada, poll.id).await.unwrap();
        assert!(
            next_results(pages[0].next()).await.poll.deleted_at_ms.is_some(),
            "{engine:?}"
        );
        store.clock.advance(40 * 24 * 60 * MINUTE);
        store.sweep().await;
        for page in &mut pages {
            let end = async { while page.next().await.is_some() {} };
            tokio::time::timeout(TIMEOUT, end).await.unwrap();
        }
    }
}

const TIMEOUT: Duration = Duration::from_secs(30);

async fn next_results(next: impl Future<Output = Option<std::sync::Arc<Results>>>) -> Results {
    let results = tokio::time::timeout(TIMEOUT, next).await.unwrap().unwrap();
    Results::clone(&results)
}
