//! Samples: at least one of each event in the plan, all with the same IDs.

use tracking::{
    ClientEvent, Currency, DeviceId, EmailVerified, ExportFormat, HandoffRef, IdSource, InsertId, Interval,
    IntervalUnit, Money, PasswordResetCompleted, Payment, PaymentFailure, PlanInterval, PollClosed,
    PollCreated, PollDeleted, PollEdited, PollExpiration, PollRestored, PollShared, PresentIds,
    PricingIntervalSelected, RefundOutcome, ResultsExported, ServerEvent, SessionId, ShareMethod,
    SignInCompleted, SignOutCompleted, SignUpCompleted, SubscriptionCanceled, SubscriptionChanged,
    SubscriptionCharge, SubscriptionDispute, SubscriptionExpiration, SubscriptionRefund, SubscriptionRenewal,
    SubscriptionReport, SubscriptionResumed, SubscriptionStarted, SubscriptionStatus, Surface, TrialCanceled,
    TrialCheckoutClicked, TrialConverted, TrialExpiration, TrialResumed, TrialStarted, UpgradePromptShown,
    UpgradeReason, UserId, VoteCast,
};
use uuid::{Uuid, uuid};

const NOW: i64 = 1_795_000_000_000;
const LOGIN: Uuid = uuid!("019aa5c4-0000-7000-8000-00000000000a");
const TOKEN: Uuid = uuid!("019aa5c4-0000-7000-8000-00000000000b");
const POLL: Uuid = uuid!("019aa5c4-0000-7000-8000-00000000000c");

pub(crate) fn user() -> UserId {
    UserId::new(uuid!("019aa5c4-0000-7000-8000-000000000001"))
}

fn device() -> DeviceId {
    DeviceId::minted(uuid!("5ad2a0a4-3a2e-4f0f-9c0a-1d9f8a6f2f11"))
}

pub(crate) fn live(source: IdSource) -> PresentIds {
    PresentIds::Live {
        device: device(),
        session: SessionId::starting_at(NOW - 600_000),
        source,
    }
}

fn request() -> PresentIds {
    live(IdSource::SdkCookie)
}

fn checkout() -> PresentIds {
    live(IdSource::CheckoutHandoff)
}

fn click() -> Option<HandoffRef> {
    Some(HandoffRef::Click(InsertId::existing(
        "c2b6a1c0-7f0e-4a55-9a3e-0d8f5f0c1a2b",
    )))
}

fn usd(minor: i64) -> Money {
    Money::new(minor, Currency::USD)
}

/// A payment without tax, through Stripe.
fn paid(amount: Money) -> Payment {
    Payment {
        amount,
        tax_minor: 0,
        paid_out_of_band: false,
    }
}

fn report(subscription_status: SubscriptionStatus, fetched_status: SubscriptionStatus) -> SubscriptionReport {
    SubscriptionReport {
        stripe_event: "evt_1".into(),
        subscription_status,
        interval: PlanInterval::Month.into(),
        subscription: "sub_1".into(),
        fetched_status,
    }
}

fn in_state(status: SubscriptionStatus) -> SubscriptionReport {
    report(status, status)
}

pub(crate) fn signed_up(email: Option<&str>) -> SignUpCompleted {
    SignUpCompleted {
        email_domain: "example.com".into(),
        email: email.map(str::to_owned),
        signed_up_on: "2026-11-18".into(),
    }
}

/// Name of the golden file, and the event.
pub(crate) fn server() -> Vec<(&'static str, ServerEvent)> {
    let mut samples = auth();
    samples.extend(trials());
    samples.extend(subscriptions());
    samples.extend(refunds());
    samples.push((
        "poll-expiration",
        ServerEvent::system(
            user(),
            &PollExpiration {
                poll_id: POLL,
                vote_count: 12,
                closes_at_ms: NOW,
            },
            NOW + 250,
        ),
    ));
    samples
}

fn auth() -> Vec<(&'static str, ServerEvent)> {
    vec![
        (
            "sign-up-completed",
            ServerEvent::present(user(), &signed_up(None), request(), NOW),
        ),
        (
            "sign-up-completed-with-email",
            ServerEvent::present(user(), &signed_up(Some("ada@example.com")), request(), NOW),
        ),
        (
            "sign-in-completed",
            ServerEvent::present(
                user(),
                &SignInCompleted {
                    login: LOGIN,
                    signed_in_at: "2026-11-18T09:06:40Z".into(),
                },
                live(IdSource::ServerSession),
                NOW,
            ),
        ),
        (
            "sign-out-completed",
            ServerEvent::present(
                user(),
                &SignOutCompleted {
                    login: LOGIN,
                    last_login: true,
                },
                request(),
                NOW,
            ),
        ),
        (
            "sign-out-completed-elsewhere-still-in",
            ServerEvent::present(
                user(),
                &SignOutCompleted {
                    login: LOGIN,
                    last_login: false,
                },
                request(),
                NOW,
            ),
        ),
        (
            "email-verified",
            ServerEvent::present(user(), &EmailVerified { token: TOKEN }, PresentIds::Unknown, NOW),
        ),
        (
            "password-reset-completed",
            ServerEvent::present(user(), &PasswordResetCompleted { token: TOKEN }, request(), NOW),
        ),
    ]
}

fn trials() -> Vec<(&'static str, ServerEvent)> {
    use SubscriptionStatus::{Active, Expired, TrialCanceled as Canceled, Trialing};
    let started = TrialStarted {
        report: in_state(Trialing),
        handoff: click(),
        trial_days: 3,
        stripe_customer: "cus_1".into(),
    };
    let canceled = TrialCanceled {
        report: in_state(Canceled),
        handoff: Some(HandoffRef::PortalVisit(
            "019aa5c4-0000-7000-8000-00000000000d".into(),
        )),
        canceled_at: 1_795_000_000,
    };
    let resumed = TrialResumed {
        report: in_state(Trialing),
        handoff: None,
        previous_canceled_at: 1_795_000_000,
    };
    let converted = TrialConverted {
        report: in_state(Active),
        invoice: "in_2".into(),
        payment: Payment {
            tax_minor: 192,
            ..paid(usd(1200))
        },
    };
    let expired = TrialExpiration {
        report: in_state(Expired),
    };
    vec![
        (
            "trial-started",
            ServerEvent::present(user(), &started, checkout(), NOW),
        ),
        (
            "trial-canceled",
            ServerEvent::present(user(), &canceled, live(IdSource::PortalVisit), NOW),
        ),
        (
            "trial-resumed",
            ServerEvent::present(user(), &resumed, PresentIds::DeviceOnly { device: device() }, NOW),
        ),
        ("trial-converted", ServerEvent::system(user(), &converted, NOW)),
        ("trial-expiration", ServerEvent::system(user(), &expired, NOW)),
    ]
}

fn subscriptions() -> Vec<(&'static str, ServerEvent)> {
    use SubscriptionStatus::{Active, Canceled, Expired, PastDue};
    let started = SubscriptionStarted {
        report: in_state(Active),
        handoff: click(),
        invoice: "in_1".into(),
        payment: paid(usd(1299)),
        stripe_customer: "cus_1".into(),
    };
    let canceled = SubscriptionCanceled {
        report: in_state(Canceled),
        handoff: click(),
        canceled_at: 1_795_000_000,
    };
    let resumed = SubscriptionResumed {
        report: in_state(Active),
        handoff: click(),
        previous_canceled_at: 1_795_000_000,
    };
    let changed = SubscriptionChanged {
        report: SubscriptionReport {
            interval: PlanInterval::Year.into(),
            ..in_state(Active)
        },
        handoff: click(),
        previous_interval: PlanInterval::Month.into(),
        quantity: Some(3),
        previous_quantity: Some(1),
        items: vec!["price_year:3".into()],
        previous_items: vec!["price_month:1".into()],
        invoice: Some("in_3".into()),
        payment: Some(paid(usd(12_000))),
        changed_at: 1_795_000_000,
    };
    let changed_in_trial = SubscriptionChanged {
        report: SubscriptionReport {
            interval: Interval::every(3, IntervalUnit::Month).expect("not zero"),
            ..in_state(SubscriptionStatus::Trialing)
        },
        invoice: None,
        payment: None,
        ..changed.clone()
    };
    // The webhook was late: the subscription has been canceled since.
    let renewal = SubscriptionRenewal {
        report: report(Active, Canceled),
        invoice: "in_4".into(),
        payment: Payment {
            paid_out_of_band: true,
            ..paid(Money::new(1500, Currency::parse("jpy").expect("three letters")))
        },
    };
    let charge = SubscriptionCharge {
        report: in_state(Active),
        invoice: "in_6".into(),
        payment: paid(usd(500)),
    };
    let failure = PaymentFailure {
        report: in_state(PastDue),
        invoice: "in_5".into(),
        attempt: 2,
        amount: usd(1200),
    };
    let expired = SubscriptionExpiration {
        report: in_state(Expired),
    };
    vec![
        (
            "subscription-started",
            ServerEvent::present(user(), &started, checkout(), NOW),
        ),
        (
            "subscription-canceled",
            ServerEvent::present(user(), &canceled, checkout(), NOW),
        ),
        (
            "subscription-resumed",
            ServerEvent::present(user(), &resumed, checkout(), NOW),
        ),
        (
            "subscription-changed",
            ServerEvent::present(user(), &changed, checkout(), NOW),
        ),
        (
            "subscription-changed-without-payment",
            ServerEvent::present(user(), &changed_in_trial, checkout(), NOW),
        ),
        ("subscription-renewal", ServerEvent::system(user(), &renewal, NOW)),
        (
            "subscription-expiration",
            ServerEvent::system(user(), &expired, NOW),
        ),
        ("subscription-charge", ServerEvent::system(user(), &charge, NOW)),
        ("payment-failure", ServerEvent::system(user(), &failure, NOW)),
    ]
}

fn refunds() -> Vec<(&'static str, ServerEvent)> {
    let refund = SubscriptionRefund {
        report: in_state(SubscriptionStatus::Active),
        refund: "re_1".into(),
        outcome: RefundOutcome::Succeeded,
        amount: usd(1299),
    };
    let failed = SubscriptionRefund {
        outcome: RefundOutcome::Failed,
        ..refund.clone()
    };
    let dispute = SubscriptionDispute {
        report: in_state(SubscriptionStatus::Active),
        dispute: "du_1".into(),
        amount: usd(1299),
    };
    vec![
        ("subscription-dispute", ServerEvent::system(user(), &dispute, NOW)),
        ("subscription-refund", ServerEvent::system(user(), &refund, NOW)),
        (
            "subscription-refund-failed",
            ServerEvent::system(user(), &failed, NOW),
        ),
    ]
}

/// Name of the golden file, and the event.
pub(crate) fn client() -> Vec<(&'static str, ClientEvent)> {
    let created = PollCreated {
        poll_id: POLL,
        option_count: 4,
        multiple_choice: true,
        has_closing_time: false,
    };
    let edited = PollEdited {
        poll_id: POLL,
        option_count: 5,
        multiple_choice: false,
        has_closing_time: true,
    };
    vec![
        ("poll-created", created.into()),
        ("poll-edited", edited.into()),
        (
            "poll-closed",
            PollClosed {
                poll_id: POLL,
                vote_count: 12,
            }
            .into(),
        ),
        (
            "poll-deleted",
            PollDeleted {
                poll_id: POLL,
                vote_count: 0,
            }
            .into(),
        ),
        ("poll-restored", PollRestored { poll_id: POLL }.into()),
        (
            "vote-cast",
            VoteCast {
                poll_id: POLL,
                choice_count: 2,
                changed: false,
            }
            .into(),
        ),
        (
            "poll-shared",
            PollShared {
                poll_id: POLL,
                method: ShareMethod::Copy,
            }
            .into(),
        ),
        (
            "results-exported",
            ResultsExported {
                poll_id: POLL,
                format: ExportFormat::Csv,
                vote_count: 12,
            }
            .into(),
        ),
        (
            "upgrade-prompt-shown",
            UpgradePromptShown {
                reason: UpgradeReason::OpenPollLimit,
                surface: Surface::PollList,
            }
            .into(),
        ),
        (
            "trial-checkout-clicked",
            TrialCheckoutClicked {
                interval: PlanInterval::Month,
                surface: Surface::Pricing,
            }
            .into(),
        ),
        (
            "pricing-interval-selected",
            PricingIntervalSelected {
                interval: PlanInterval::Year,
                surface: Surface::Billing,
            }
            .into(),
        ),
    ]
}
