//! In what requests a batch goes out, and what is known of each row after each answer: pure.
//!
//! A person's order is kept across requests: pieces go out first to last, and once a row has to wait, nothing later of
//! its person goes out in this batch.

use std::collections::{HashSet, VecDeque};

use super::answer::Answer;
use crate::{Delivery, Outcome, ParkReason};

/// Amplitude takes less than 1 MB and less than 2000 events in a request (`HTTP V2`, "Limits"); this leaves room for
/// the envelope.
const MAX_BYTES: usize = 900_000;
const MAX_EVENTS: usize = 1_000;
/// Requests for one batch. Amplitude may name bad events one by one, and halving takes many; what is left over when
/// they are used up is held, and goes on from there.
const MAX_REQUESTS: usize = 40;

pub(super) struct Plan<'a> {
    rows: &'a [Delivery],
    /// Indexes of rows, a request each, in order.
    queue: VecDeque<Vec<usize>>,
    known: Vec<Option<Outcome>>,
    /// People of whom a row has to wait.
    waiting: HashSet<&'a str>,
    requests_left: usize,
}

impl<'a> Plan<'a> {
    pub(super) fn new(rows: &'a [Delivery]) -> Self {
        let mut plan = Self {
            rows,
            queue: VecDeque::new(),
            known: vec![None; rows.len()],
            waiting: HashSet::new(),
            requests_left: MAX_REQUESTS,
        };
        let mut piece = Vec::new();
        let mut bytes = 0;
        for (index, row) in rows.iter().enumerate() {
            let size = row.payload.len() + 1;
            if size > MAX_BYTES {
                plan.know(index, Outcome::Park(ParkReason::TooLarge));
                continue;
            }
            if bytes + size > MAX_BYTES || piece.len() == MAX_EVENTS {
                plan.queue.push_back(std::mem::take(&mut piece));
                bytes = 0;
            }
            piece.push(index);
            bytes += size;
        }
        plan.queue.push_back(piece);
        plan
    }

    /// The rows of the next request; `None` when nothing more is to be sent in this batch.
    pub(super) fn next_request(&mut self) -> Option<Vec<usize>> {
        while let Some(mut piece) = self.queue.pop_front() {
            piece.retain(|&index| {
                self.rows
                    .get(index)
                    .is_some_and(|row| !self.waiting.contains(row.user_id.as_str()))
            });
            if piece.is_empty() {
                continue;
            }
            self.requests_left = self.requests_left.checked_sub(1)?;
            return Some(piece);
        }
        None
    }

    /// Takes in what the request for `asked` was answered.
    pub(super) fn learn(&mut self, asked: &[usize], answer: Answer) {
        match answer {
            Answer::Accepted => self.know_all(asked, &Outcome::Sent),
            Answer::Named(named) => {
                let mut rest = asked.to_vec();
                for (place, outcome) in named {
                    if let Some(&index) = asked.get(place) {
                        rest.retain(|&other| other != index);
                        self.know(index, outcome);
                    }
                }
                self.queue.push_front(rest);
            }
            Answer::Halve(reason) => {
                if asked.len() <= 1 {
                    self.know_all(asked, &Outcome::Park(reason));
                } else {
                    let (first, second) = asked.split_at(asked.len() / 2);
                    self.queue.push_front(second.to_vec());
                    self.queue.push_front(first.to_vec());
                }
            }
            Answer::Whole(failure) => {
                self.know_all(asked, &Outcome::Retry(failure));
                self.queue.clear();
            }
        }
    }

    /// One outcome for each row. What was not asked for, or not answered, was held.
    pub(super) fn outcomes(self) -> Vec<Outcome> {
        self.known
            .into_iter()
            .map(|outcome| outcome.unwrap_or(Outcome::Held))
            .collect()
    }

    fn know_all(&mut self, indexes: &[usize], outcome: &Outcome) {
        for &index in indexes {
            self.know(index, outcome.clone());
        }
    }

    fn know(&mut self, index: usize, outcome: Outcome) {
        let rows = self.rows;
        if let (Outcome::Retry(_), Some(row)) = (&outcome, rows.get(index)) {
            self.waiting.insert(&row.user_id);
        }
        if let Some(known) = self.known.get_mut(index) {
            *known = Some(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Failure, FailureKind};

    fn row(person: &str, size: usize) -> Delivery {
        Delivery {
            insert_id: String::new(),
            user_id: person.to_owned(),
            device_id: None,
            event_type: "Sign-up completed".to_owned(),
            payload: "x".repeat(size),
        }
    }

    fn batch(people: &[&str]) -> Vec<Delivery> {
        people.iter().map(|person| row(person, 10)).collect()
    }

    fn failure(kind: FailureKind) -> Failure {
        Failure::new(kind, "why")
    }

    #[test]
    fn a_batch_that_is_accepted_is_one_request() {
        let rows = batch(&["ann", "bob"]);
        let mut plan = Plan::new(&rows);
        let asked = plan.next_request().unwrap();
        assert_eq!(asked, [0, 1]);
        plan.learn(&asked, Answer::Accepted);
        assert_eq!(plan.next_request(), None);
        assert_eq!(plan.outcomes(), [Outcome::Sent, Outcome::Sent]);
    }

    #[test]
    fn named_rows_are_parked_and_the_rest_goes_again_at_once() {
        let rows = batch(&["ann", "ann", "bob"]);
        let park = Outcome::Park(ParkReason::InvalidField("time".to_owned()));
        let mut plan = Plan::new(&rows);
        let asked = plan.next_request().unwrap();
        plan.learn(&asked, Answer::Named(vec![(0, park.clone())]));
        let again = plan.next_request().unwrap();
        assert_eq!(again, [1, 2], "a parked row does not block its person");
        plan.learn(&again, Answer::Accepted);
        assert_eq!(plan.outcomes(), [park, Outcome::Sent, Outcome::Sent]);
    }

    #[test]
    fn a_throttled_person_waits_whole_and_the_others_go_on() {
        let rows = batch(&["ann", "bob", "ann", "bob"]);
        let throttled = Outcome::Retry(failure(FailureKind::Throttled));
        let mut plan = Plan::new(&rows);
        let asked = plan.next_request().unwrap();
        plan.learn(&asked, Answer::Named(vec![(0, throttled.clone())]));
        let again = plan.next_request().unwrap();
        assert_eq!(again, [1, 3], "ann's second event must not overtake her first");
        plan.learn(&again, Answer::Accepted);
        assert_eq!(
            plan.outcomes(),
            [throttled, Outcome::Sent, Outcome::Held, Outcome::Sent]
        );
    }

    #[test]
    fn halving_goes_down_to_the_one_that_is_too_large() {
        let rows = batch(&["ann", "bob", "cid", "dan"]);
        let mut plan = Plan::new(&rows);
        let mut requests = Vec::new();
        while let Some(asked) = plan.next_request() {
            let answer = if asked.contains(&2) {
                Answer::Halve(ParkReason::TooLarge)
            } else {
                Answer::Accepted
            };
            plan.learn(&asked, answer);
            requests.push(asked);
        }
        assert_eq!(
            requests,
            [vec![0, 1, 2, 3], vec![0, 1], vec![2, 3], vec![2], vec![3]]
        );
        assert_eq!(
            plan.outcomes(),
            [
                Outcome::Sent,
                Outcome::Sent,
                Outcome::Park(ParkReason::TooLarge),
                Outcome::Sent
            ]
        );
    }

    #[test]
    fn after_a_whole_failure_nothing_more_goes_out() {
        let rows = batch(&["ann", "bob", "ann"]);
        let mut plan = Plan::new(&rows);
        let asked = plan.next_request().unwrap();
        plan.learn(&asked, Answer::Halve(ParkReason::TooLarge));
        let first = plan.next_request().unwrap();
        assert_eq!(first, [0]);
        plan.learn(&first, Answer::Whole(failure(FailureKind::Unknown)));
        assert_eq!(plan.next_request(), None);
        let unknown = Outcome::Retry(failure(FailureKind::Unknown));
        assert_eq!(plan.outcomes(), [unknown, Outcome::Held, Outcome::Held]);
    }

    #[test]
    fn pieces_stay_below_the_limits_and_what_fits_nowhere_is_parked() {
        let rows = vec![
            row("ann", 500_000),
            row("bob", 1_000_000),
            row("cid", 399_000),
            row("dan", 2_000),
        ];
        let mut plan = Plan::new(&rows);
        let mut requests = Vec::new();
        while let Some(asked) = plan.next_request() {
            plan.learn(&asked, Answer::Accepted);
            requests.push(asked);
        }
        assert_eq!(requests, [vec![0, 2], vec![3]]);
        assert_eq!(plan.outcomes().get(1), Some(&Outcome::Park(ParkReason::TooLarge)));

        let many = batch(&["ann"; 1_500]);
        let mut plan = Plan::new(&many);
        assert_eq!(plan.next_request().map(|asked| asked.len()), Some(1_000));
    }

    #[test]
    fn requests_are_bounded_and_what_is_left_is_held() {
        let rows = batch(&["ann"; 100]);
        let mut plan = Plan::new(&rows);
        let mut requests = 0;
        while let Some(asked) = plan.next_request() {
            plan.learn(
                &asked,
                Answer::Named(vec![(0, Outcome::Park(ParkReason::Silenced))]),
            );
            requests += 1;
        }
        assert_eq!(requests, MAX_REQUESTS);
        let outcomes = plan.outcomes();
        let held = outcomes
            .iter()
            .filter(|outcome| **outcome == Outcome::Held)
            .count();
        assert_eq!((outcomes.len(), held), (100, 100 - MAX_REQUESTS));
    }
}
