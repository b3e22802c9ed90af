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

/// Fails unless the report has one broken limit, with this figure.
fn assert_only_broken(report: &str, figure: &str) {
    let broken: Vec<&str> = report.lines().filter(|line| line.contains("BROKEN")).collect();
    assert!(
        broken.len() == 1 && broken[0].contains(figure),
        "{figure}: {report}"
    );
}

/// 50,000 events in `sending_ms`.
fn pass(sending_ms: u64) -> DeliveryPass {
    DeliveryPass {
        writing: Duration::from_secs(5),
        sending: Duration::from_millis(sending_ms),
        cpu_secs: 2.0,
        peak_kib: Some(50 * 1024),
        sent: 50_000,
        received: 50_000,
        distinct: 50_000,
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
    for (figure, at_once, delayed) in [
        ("at once: 19992 events/s", pass(2_501), pass(10_000)),
        ("delayed: 5000 events/s", pass(2_500), pass(10_001)),
        (
            "ms CPU an event",
            DeliveryPass {
                cpu_secs: 2.51,
                ..pass(2_500)
            },
            pass(10_000),
        ),
        (
            "MiB",
            DeliveryPass {
                peak_kib: Some(60 * 1024 + 1),
                ..pass(2_500)
            },
            pass(10_000),
        ),
        (
            "at once: 49999 of 50000 insert IDs",
            DeliveryPass {
                received: 49_999,
                distinct: 49_999,
                ..pass(2_500)
            },
            pass(10_000),
        ),
        (
            "delayed: 49999 of 50000 insert IDs received, in 50000 events",
            pass(2_500),
            DeliveryPass {
                distinct: 49_999,
                ..pass(10_000)
            },
        ),
        (
            "delayed: 50000 of 50000 insert IDs received, in 50001 events",
            pass(2_500),
            DeliveryPass {
                received: 50_001,
                ..pass(10_000)
            },
        ),
        (
            "49999 settled",
            pass(2_500),
            DeliveryPass {
                sent: 49_999,
                ..pass(10_000)
            },
        ),
    ] {
        let report = deliveries(at_once, delayed);
        assert!(!report.holds(), "{figure}");
        assert_only_broken(&report.to_string(), figure);
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
    for (figure, check) in [
        (
            "voters with a counted vote: 9 of 10",
            ExactnessCheck {
                counted: 9,
                ..exact()
            },
        ),
        (
            "choices of voters: 11 of 10",
            ExactnessCheck {
                chosen: 11,
                ..exact()
            },
        ),
        (
            "votes that are not the voter's last: 1",
            ExactnessCheck {
                outdated: 1,
                ..exact()
            },
        ),
        (
            "streams with the last vote: 1 of 2",
            ExactnessCheck {
                pages_up_to_date: 1,
                ..exact()
            },
        ),
        (
            "applied webhooks: 19 of 20",
            ExactnessCheck {
                applied: 19,
                ..exact()
            },
        ),
        (
            "trials with their event: 3 of 4",
            ExactnessCheck {
                trial_events: 3,
                ..exact()
            },
        ),
        (
            "accounts: 5 (at least 6",
            ExactnessCheck {
                accounts: 5,
                ..exact()
            },
        ),
        (
            "events at the collector: 9 of 10",
            ExactnessCheck {
                accepted: 9,
                ..exact()
            },
        ),
        (
            "events at the collector: 11 of 10",
            ExactnessCheck {
                accepted: 11,
                ..exact()
            },
        ),
        (
            "violations: 1",
            ExactnessCheck {
                violations: vec!["a panic".to_owned()],
                ..exact()
            },
        ),
    ] {
        let report = scale([0; 5], check);
        assert!(!report.holds(), "{figure}");
        assert_only_broken(&report.to_string(), figure);
    }
}
