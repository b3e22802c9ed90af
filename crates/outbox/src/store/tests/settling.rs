//! Tests of settling, with a valid lease and with an ended one.

use super::*;

#[tokio::test]
async fn an_ended_lease_counts_as_an_attempt_of_unknown_outcome() {
    for engine in engines() {
        let test = filled(engine, &[1, 1]).await;
        let crashed = claim_all(&test.db, NOW).await;
        assert!(claim_all(&test.db, NOW + LEASE - 1).await.is_none());
        let claim = claim_all(&test.db, NOW + LEASE).await;
        assert_eq!(ids(&claim), ids(&crashed));
        let (crashed, claim) = (crashed.unwrap(), claim.unwrap());
        assert!(
            claim
                .rows
                .iter()
                .all(|row| row.attempts == 2 && row.first_unknown_ms == Some(NOW)),
            "{claim:?}"
        );
        // The first owner settles after its lease has ended: its settlement is ignored.
        assert_eq!(settle_all(&test.db, &crashed, retry_at(NOW)).await, 2);
        assert_eq!(entry_of(&test.db, 1, 1).await.state, OutboxState::Leased);
        assert_eq!(settle_all(&test.db, &claim, sent()).await, 0);
        assert_eq!(entry_of(&test.db, 1, 1).await.state, OutboxState::Sent);
    }
}

#[tokio::test]
async fn settling_writes_the_new_state_of_each_row() {
    for engine in engines() {
        let test = filled(engine, &[1, 2, 3]).await;
        let claim = claim_all(&test.db, NOW).await.unwrap();
        let unknown = NextRowState::Retry {
            at_ms: NOW + 1_000,
            attempts: 1,
            panics: 0,
            first_unknown_ms: Some(NOW - 1),
            error: Some("request timed out".to_owned()),
        };
        let next_states = [sent(), park(ParkReason::InvalidField("time".to_owned())), unknown];
        settle(&test.db, &claim, &next_states, NOW + 9).await;

        let sent = entry_of(&test.db, 1, 1).await;
        assert_eq!((sent.state, sent.sent_ms), (OutboxState::Sent, Some(NOW + 9)));
        let parked_row = entry_of(&test.db, 2, 2).await;
        assert_eq!(
            (parked_row.state, parked_row.parked_reason.as_deref()),
            (OutboxState::Parked, Some("invalid field: time"))
        );
        let waiting = entry_of(&test.db, 3, 3).await;
        assert_eq!(
            (waiting.state, waiting.next_attempt_ms),
            (OutboxState::Pending, NOW + 1_000)
        );
        assert_eq!(waiting.last_error.as_deref(), Some("request timed out"));
        let again = claim_all(&test.db, NOW + 1_000).await.unwrap();
        assert_eq!(
            (again.rows[0].attempts, again.rows[0].first_unknown_ms),
            (2, Some(NOW - 1))
        );

        assert_eq!(
            counts(&test.db).await.unwrap(),
            OutboxCounts {
                pending: 1,
                leased: 1,
                sent: 1,
                parked: 1,
                oldest_unsettled_ms: Some(NOW)
            }
        );
        assert_eq!(parked(&test.db, 10).await.unwrap(), [parked_row]);
    }
}
