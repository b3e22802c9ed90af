//! Settling, by those who hold the lease and by those who no longer do.

use super::*;

#[tokio::test]
async fn a_lease_that_ran_out_is_taken_over_as_an_attempt_of_unknown_outcome() {
    for engine in engines() {
        let test = filled(engine, &[1, 1]).await;
        let lost = take(&test.db, "crashed", NOW).await;
        assert_eq!(take(&test.db, "us", NOW + LEASE - 1).await, []);
        let rows = take(&test.db, "us", NOW + LEASE).await;
        assert_eq!(ids(&rows), ids(&lost));
        assert!(
            rows.iter()
                .all(|row| row.attempts == 2 && row.first_unknown_ms == Some(NOW)),
            "{rows:?}"
        );
        // The one that was thought dead comes back: its word no longer counts.
        assert_eq!(settle_all(&test.db, "crashed", &lost, retry_at(NOW)).await, 2);
        assert_eq!(entry(&test.db, 1, 1).await.state, State::Leased);
        assert_eq!(settle_all(&test.db, "us", &rows, Next::Sent).await, 0);
        assert_eq!(entry(&test.db, 1, 1).await.state, State::Sent);
    }
}

#[tokio::test]
async fn settling_writes_what_became_of_a_row() {
    for engine in engines() {
        let test = filled(engine, &[1, 2, 3]).await;
        let rows = take(&test.db, "us", NOW).await;
        let unknown = Next::Retry {
            at_ms: NOW + 1_000,
            attempts: 1,
            first_unknown_ms: Some(NOW - 1),
            error: Some("no answer in time".to_owned()),
        };
        let nexts = [
            Next::Sent,
            Next::Park(ParkReason::InvalidField("time".to_owned())),
            unknown,
        ];
        let settlements: Vec<_> = rows
            .iter()
            .zip(&nexts)
            .map(|(row, next)| settlement(row, next))
            .collect();
        settle(&test.db, "us", &settlements, NOW + 9).await.unwrap();

        let sent = entry(&test.db, 1, 1).await;
        assert_eq!((sent.state, sent.sent_ms), (State::Sent, Some(NOW + 9)));
        let parked_row = entry(&test.db, 2, 2).await;
        assert_eq!(
            (parked_row.state, parked_row.parked_reason.as_deref()),
            (State::Parked, Some("invalid field: time"))
        );
        let waiting = entry(&test.db, 3, 3).await;
        assert_eq!(
            (waiting.state, waiting.next_attempt_ms),
            (State::Pending, NOW + 1_000)
        );
        assert_eq!(waiting.last_error.as_deref(), Some("no answer in time"));
        let again = take(&test.db, "us", NOW + 1_000).await;
        assert_eq!(
            again.first().map(|row| (row.attempts, row.first_unknown_ms)),
            Some((2, Some(NOW - 1)))
        );

        assert_eq!(
            counts(&test.db).await.unwrap(),
            Counts {
                pending: 0,
                leased: 1,
                sent: 1,
                parked: 1,
                oldest_unsettled_ms: Some(NOW)
            }
        );
        assert_eq!(parked(&test.db, 10).await.unwrap(), [parked_row]);
    }
}
