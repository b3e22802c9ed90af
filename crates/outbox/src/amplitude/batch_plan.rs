//! Splits a batch into requests and collects the outcome of each row. Pure: it sends nothing.
//!
//! Each user's order is kept across requests. Requests are sent in order, and once a row must wait, no later row of the
//! same user is sent in this batch.

use std::collections::{HashSet, VecDeque};

use super::response::RequestResult;
use crate::{DeliveryOutcome, OutboundEvent, ParkReason};

/// Amplitude accepts less than 1 MB and less than 2000 events per request (`HTTP V2`, "Limits"). This leaves room for
/// the envelope.
const MAX_BYTES: usize = 900_000;
const MAX_EVENTS: usize = 1_000;
/// Requests per batch. Amplitude may reject events one by one, and splitting takes several requests. Rows that remain
/// after the last request are held and sent in the next batch.
const MAX_REQUESTS: usize = 40;

/// The requests of a batch, and the outcomes so far.
pub(super) struct BatchPlan<'a> {
    rows: &'a [OutboundEvent],
    /// Row indexes of each request, in sending order.
    queue: VecDeque<Vec<usize>>,
    outcomes: Vec<Option<DeliveryOutcome>>,
    /// Users with a row that must wait.
    waiting_users: HashSet<&'a str>,
    requests_left: usize,
}

impl<'a> BatchPlan<'a> {
    pub(super) fn new(rows: &'a [OutboundEvent]) -> Self {
        let mut plan = Self {
            rows,
            queue: VecDeque::new(),
            outcomes: vec![None; rows.len()],
            waiting_users: HashSet::new(),
            requests_left: MAX_REQUESTS,
        };
        let mut chunk = Vec::new();
        let mut bytes = 0;
        for (index, row) in rows.iter().enumerate() {
            let size = row.payload.len() + 1;
            if size > MAX_BYTES {
                plan.set_outcome(index, DeliveryOutcome::Park(ParkReason::TooLarge));
                continue;
            }
            if bytes + size > MAX_BYTES || chunk.len() == MAX_EVENTS {
                plan.queue.push_back(std::mem::take(&mut chunk));
                bytes = 0;
            }
            chunk.push(index);
            bytes += size;
        }
        plan.queue.push_back(chunk);
        plan
    }

    /// The row indexes of the next request; `None` when the batch needs no further request.
    pub(super) fn next_request(&mut self) -> Option<Vec<usize>> {
        while let Some(mut chunk) = self.queue.pop_front() {
            chunk.retain(|&index| {
                self.rows
                    .get(index)
                    .is_some_and(|row| !self.waiting_users.contains(row.user_id.as_str()))
            });
            if chunk.is_empty() {
                continue;
            }
            self.requests_left = self.requests_left.checked_sub(1)?;
            return Some(chunk);
        }
        None
    }

    /// Records the result of the request with the rows `sent`.
    pub(super) fn record(&mut self, sent: &[usize], result: RequestResult) {
        match result {
            RequestResult::Accepted => self.set_outcomes(sent, &DeliveryOutcome::Sent),
            RequestResult::PerEvent(named) => {
                let mut rest = sent.to_vec();
                for (position, outcome) in named {
                    if let Some(&index) = sent.get(position) {
                        rest.retain(|&other| other != index);
                        self.set_outcome(index, outcome);
                    }
                }
                self.queue.push_front(rest);
            }
            RequestResult::Split(reason) => {
                if sent.len() <= 1 {
                    self.set_outcomes(sent, &DeliveryOutcome::Park(reason));
                } else {
                    let (first, second) = sent.split_at(sent.len() / 2);
                    self.queue.push_front(second.to_vec());
                    self.queue.push_front(first.to_vec());
                }
            }
            RequestResult::Failed(failure) => {
                self.set_outcomes(sent, &DeliveryOutcome::Retry(failure));
                self.queue.clear();
            }
        }
    }

    /// Returns one outcome per row. A row without an outcome is held.
    pub(super) fn outcomes(self) -> Vec<DeliveryOutcome> {
        self.outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or(DeliveryOutcome::Held))
            .collect()
    }

    fn set_outcomes(&mut self, indexes: &[usize], outcome: &DeliveryOutcome) {
        for &index in indexes {
            self.set_outcome(index, outcome.clone());
        }
    }

    fn set_outcome(&mut self, index: usize, outcome: DeliveryOutcome) {
        let rows = self.rows;
        if let (DeliveryOutcome::Retry(_), Some(row)) = (&outcome, rows.get(index)) {
            self.waiting_users.insert(&row.user_id);
        }
        if let Some(slot) = self.outcomes.get_mut(index) {
            *slot = Some(outcome);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeliveryFailure, FailureKind};

    fn row(user: &str, size: usize) -> OutboundEvent {
        OutboundEvent {
            insert_id: String::new(),
            user_id: user.to_owned(),
            device_id: None,
            event_type: "Sign-up completed".to_owned(),
            payload: "x".repeat(size),
            trace_parent: None,
        }
    }

    fn batch(users: &[&str]) -> Vec<OutboundEvent> {
        users.iter().map(|user| row(user, 10)).collect()
    }

    fn failure(kind: FailureKind) -> DeliveryFailure {
        DeliveryFailure::new(kind, "error")
    }

    #[test]
    fn an_accepted_batch_is_one_request() {
        let rows = batch(&["ann", "bob"]);
        let mut plan = BatchPlan::new(&rows);
        let request = plan.next_request().unwrap();
        assert_eq!(request, [0, 1]);
        plan.record(&request, RequestResult::Accepted);
        assert_eq!(plan.next_request(), None);
        assert_eq!(plan.outcomes(), [DeliveryOutcome::Sent, DeliveryOutcome::Sent]);
    }

    #[test]
    fn named_rows_are_parked_and_the_rest_is_resent_at_once() {
        let rows = batch(&["ann", "ann", "bob"]);
        let park = DeliveryOutcome::Park(ParkReason::InvalidField("time".to_owned()));
        let mut plan = BatchPlan::new(&rows);
        let request = plan.next_request().unwrap();
        plan.record(&request, RequestResult::PerEvent(vec![(0, park.clone())]));
        let again = plan.next_request().unwrap();
        assert_eq!(again, [1, 2], "a parked row does not block its user");
        plan.record(&again, RequestResult::Accepted);
        assert_eq!(
            plan.outcomes(),
            [park, DeliveryOutcome::Sent, DeliveryOutcome::Sent]
        );
    }

    #[test]
    fn a_throttled_user_waits_and_other_users_are_sent() {
        let rows = batch(&["ann", "bob", "ann", "bob"]);
        let throttled = DeliveryOutcome::Retry(failure(FailureKind::Throttled));
        let mut plan = BatchPlan::new(&rows);
        let request = plan.next_request().unwrap();
        plan.record(&request, RequestResult::PerEvent(vec![(0, throttled.clone())]));
        let again = plan.next_request().unwrap();
        assert_eq!(again, [1, 3], "ann's second event must not overtake her first");
        plan.record(&again, RequestResult::Accepted);
        assert_eq!(
            plan.outcomes(),
            [
                throttled,
                DeliveryOutcome::Sent,
                DeliveryOutcome::Held,
                DeliveryOutcome::Sent
            ]
        );
    }

    #[test]
    fn splitting_isolates_the_event_that_is_too_large() {
        let rows = batch(&["ann", "bob", "cid", "dan"]);
        let mut plan = BatchPlan::new(&rows);
        let mut requests = Vec::new();
        while let Some(request) = plan.next_request() {
            let result = if request.contains(&2) {
                RequestResult::Split(ParkReason::TooLarge)
            } else {
                RequestResult::Accepted
            };
            plan.record(&request, result);
            requests.push(request);
        }
        assert_eq!(
            requests,
            [vec![0, 1, 2, 3], vec![0, 1], vec![2, 3], vec![2], vec![3]]
        );
        assert_eq!(
            plan.outcomes(),
            [
                DeliveryOutcome::Sent,
                DeliveryOutcome::Sent,
                DeliveryOutcome::Park(ParkReason::TooLarge),
                DeliveryOutcome::Sent
            ]
        );
    }

    #[test]
    fn nothing_is_sent_after_a_failed_request() {
        let rows = batch(&["ann", "bob", "ann"]);
        let mut plan = BatchPlan::new(&rows);
        let request = plan.next_request().unwrap();
        plan.record(&request, RequestResult::Split(ParkReason::TooLarge));
        let first = plan.next_request().unwrap();
        assert_eq!(first, [0]);
        plan.record(&first, RequestResult::Failed(failure(FailureKind::Unknown)));
        assert_eq!(plan.next_request(), None);
        let unknown = DeliveryOutcome::Retry(failure(FailureKind::Unknown));
        assert_eq!(
            plan.outcomes(),
            [unknown, DeliveryOutcome::Held, DeliveryOutcome::Held]
        );
    }

    #[test]
    fn chunks_stay_below_the_limits_and_oversized_events_are_parked() {
        let rows = vec![
            row("ann", 500_000),
            row("bob", 1_000_000),
            row("cid", 399_000),
            row("dan", 2_000),
        ];
        let mut plan = BatchPlan::new(&rows);
        let mut requests = Vec::new();
        while let Some(request) = plan.next_request() {
            plan.record(&request, RequestResult::Accepted);
            requests.push(request);
        }
        assert_eq!(requests, [vec![0, 2], vec![3]]);
        assert_eq!(
            plan.outcomes().get(1),
            Some(&DeliveryOutcome::Park(ParkReason::TooLarge))
        );

        let many = batch(&["ann"; 1_500]);
        let mut plan = BatchPlan::new(&many);
        assert_eq!(plan.next_request().map(|request| request.len()), Some(1_000));
    }

    #[test]
    fn requests_are_limited_and_remaining_rows_are_held() {
        let rows = batch(&["ann"; 100]);
        let mut plan = BatchPlan::new(&rows);
        let mut requests = 0;
        while let Some(request) = plan.next_request() {
            plan.record(
                &request,
                RequestResult::PerEvent(vec![(0, DeliveryOutcome::Park(ParkReason::Silenced))]),
            );
            requests += 1;
        }
        assert_eq!(requests, MAX_REQUESTS);
        let outcomes = plan.outcomes();
        let held = outcomes
            .iter()
            .filter(|outcome| **outcome == DeliveryOutcome::Held)
            .count();
        assert_eq!((outcomes.len(), held), (100, 100 - MAX_REQUESTS));
    }
}
