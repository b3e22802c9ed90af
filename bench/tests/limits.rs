//! When the reports of `outbox`, `claims` and `scale` say that a run passed: one row for each limit.

use std::collections::BTreeMap;
use std::time::Duration;

use bench::claims::{ClaimCost, ClaimsReport, ClaimsSettings, TableSize};
use bench::deliveries::{DeliveriesReport, DeliveriesSettings, DeliveryPass};
use bench::scale::{
    ExactnessCheck, KindSamples, LoadKind, LoadSamples, PhaseFigures, STEPS, ScaleReport, ScaleSettings,
    ScaleStep,
};
use db::Engine;

/// 50,000 events in `sending_ms`.
fn pass(sending_ms: u64) -> DeliveryPass {
    DeliveryPass {
        writing: Duration::from_secs(5),
        sending: Duration::from_millis(sending_ms),
        cpu_secs: 2.0,
        peak_kib: Some(50 * 1024),
        sent: 50_000,
        received: 50_000,
        requests: 100,
        bare_client: Duration::from_secs(1),
    }
}

fn deliveries(at_once: DeliveryPass, delayed: DeliveryPass) -> DeliveriesReport {
    DeliveriesReport {
        settings: DeliveriesSettings {
            engine: Engine::Sqlite,
            events: 50_000,
            users: 10_000,
            delay: Duration::from_millis(200),
        },
        at_once,
        delayed,
        commits_per_second: 2_000.0,
        is_durable: true,
    }
}

#[test]
fn each_limit_of_outbox_can_fail() {
    let good = || deliveries(pass(2_500), pass(10_000));
    assert!(good().holds(), "{}", good());
    for (why, at_once, delayed) in [
        ("too slow", pass(2_501), pass(10_000)),
        ("too slow with a delay", pass(2_500), pass(10_001)),
        (
            "too much CPU time",
            DeliveryPass {
                cpu_secs: 2.51,
                ..pass(2_500)
            },
            pass(10_000),
        ),
        (
            "too much memory",
            DeliveryPass {
                peak_kib: Some(60 * 1024 + 1),
                ..pass(2_500)
            },
            pass(10_000),
        ),
        (
            "an event is missing",
            DeliveryPass {
                received: 49_999,
                ..pass(2_500)
            },
            pass(10_000),
        ),
        (
            "an event came twice",
            pass(2_500),
            DeliveryPass {
                received: 50_001,
                ..pass(10_000)
            },
        ),
        (
            "an event is not settled",
            pass(2_500),
            DeliveryPass {
                sent: 49_999,
                ..pass(10_000)
            },
        ),
    ] {
        let report = deliveries(at_once, delayed);
        assert!(!report.holds(), "{why}");
        assert!(report.to_string().ends_with("BROKEN"), "{why}");
    }
    let without_memory = DeliveryPass {
        peak_kib: None,
        ..pass(2_500)
    };
    assert!(deliveries(without_memory, pass(10_000)).holds());
}

fn claims(largest: [f64; 2]) -> ClaimsReport {
    let size = |pending, sent, claim_us: [f64; 2]| TableSize {
        pending,
        sent,
        claims: [1, 500]
            .into_iter()
            .zip(claim_us)
            .map(|(rows, claim_us)| ClaimCost {
                rows,
                claim_us,
                settle_us: 100.0,
            })
            .collect(),
    };
    ClaimsReport {
        settings: ClaimsSettings {
            engine: Engine::Sqlite,
            pending: 100_000,
            sent: 1_000_000,
        },
        sizes: vec![size(1_000, 0, [50.0, 400.0]), size(100_000, 1_000_000, largest)],
    }
}

#[test]
fn a_claim_of_any_size_costs_at_most_twice_that_of_the_smallest_table() {
    assert!(claims([100.0, 800.0]).holds());
    assert!(!claims([101.0, 800.0]).holds(), "one row");
    assert!(!claims([100.0, 801.0]).holds(), "many rows");
    let text = claims([100.0, 800.0]).to_string();
    assert_eq!(text.matches("2.00 ×").count(), 2, "{text}");
}

fn scale(errors: [usize; 5], check: ExactnessCheck) -> ScaleReport {
    let phase = |(step, errors): (ScaleStep, usize)| PhaseFigures {
        step,
        servers: 2,
        duration: Duration::from_secs(120),
        cpu_secs: BTreeMap::new(),
        machine: None,
        waits: BTreeMap::new(),
        samples: LoadSamples {
            kinds: BTreeMap::from([(
                LoadKind::Vote,
                KindSamples {
                    durations_us: vec![1_000.0; 10],
                    errors,
                },
            )]),
            ..LoadSamples::default()
        },
    };
    ScaleReport {
        settings: ScaleSettings {
            minutes: 10,
            users: 16,
            voters: 10,
            polls: 1,
            sign_ups_per_second: 1,
            live: 2,
        },
        phases: STEPS.into_iter().zip(errors).map(phase).collect(),
        check,
    }
}

fn exact() -> ExactnessCheck {
    ExactnessCheck {
        voters: 10,
        counted: 10,
        chosen: 10,
        outdated: 0,
        pages_up_to_date: 2,
        webhooks: 20,
        applied: 20,
        trials: 4,
        trial_events: 4,
        sign_ups: 5,
        owners: 1,
        accounts: 6,
        sent: 10,
        accepted: 10,
        violations: Vec::new(),
    }
}

#[test]
fn each_difference_breaks_scale_and_only_the_kill_may_cause_errors() {
    assert!(scale([0, 0, 0, 3, 0], exact()).holds());
    assert!(
        scale(
            [0; 5],
            ExactnessCheck {
                accounts: 7,
                ..exact()
            }
        )
        .holds(),
        "a sign-up whose answer was lost"
    );
    assert!(
        !scale([0, 1, 0, 3, 0], exact()).holds(),
        "an error when a server was added"
    );
    for (why, check) in [
        (
            "a vote is lost",
            ExactnessCheck {
                counted: 9,
                chosen: 9,
                ..exact()
            },
        ),
        (
            "a vote counts twice",
            ExactnessCheck {
                chosen: 11,
                ..exact()
            },
        ),
        (
            "an older vote",
            ExactnessCheck {
                outdated: 1,
                ..exact()
            },
        ),
        (
            "a page is behind",
            ExactnessCheck {
                pages_up_to_date: 1,
                ..exact()
            },
        ),
        (
            "a webhook is not applied",
            ExactnessCheck {
                applied: 19,
                ..exact()
            },
        ),
        (
            "a trial has no event",
            ExactnessCheck {
                trial_events: 3,
                ..exact()
            },
        ),
        (
            "an account is lost",
            ExactnessCheck {
                accounts: 5,
                ..exact()
            },
        ),
        (
            "an event is lost",
            ExactnessCheck {
                accepted: 9,
                ..exact()
            },
        ),
        (
            "an event counts twice",
            ExactnessCheck {
                accepted: 11,
                ..exact()
            },
        ),
        (
            "a violation",
            ExactnessCheck {
                violations: vec!["a panic".to_owned()],
                ..exact()
            },
        ),
    ] {
        let report = scale([0; 5], check);
        assert!(!report.holds(), "{why}");
        assert!(report.to_string().ends_with("BROKEN"), "{why}");
    }
}
