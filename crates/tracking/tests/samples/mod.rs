//! Samples: at least one of each event in the plan, all with the same IDs.

use std::net::IpAddr;

use tracking::{
    ClientEvent, Currency, DeviceId, EmailVerified, EventContext, ExportFormat, HandoffRef, IdSource,
    InsertId, Interval, IntervalUnit, Money, PasswordResetCompleted, Payment, PaymentFailure, PlanInterval,
    PollClosed, PollCreated, PollDeleted, PollEdited, PollExpiration, PollRestored, PollShared, PresentEvent,
    PresentIds, PricingIntervalSelected, RefundOutcome, RequestFacts, ResultsExported, ServerEvent,
    SessionId, ShareMethod, SignInCompleted, SignOutCompleted, SignUpCompleted, SubscriptionCanceled,
    SubscriptionChanged, SubscriptionCharge, SubscriptionDispute, SubscriptionExpiration, SubscriptionRefund,
    SubscriptionRenewal, SubscriptionReport, SubscriptionResumed, SubscriptionStarted, SubscriptionStatus,
    Surface, Touch, TrialCanceled, TrialCheckoutClicked, TrialConverted, TrialExpiration, TrialResumed,
    TrialStarted, UpgradePromptShown, UpgradeReason, UserId, VoteCast,
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
    DeviceId::from_uuid(uuid!("5ad2a0a4-3a2e-4f0f-9c0a-1d9f8a6f2f11"))
}

pub(crate) fn live(source: IdSource) -> PresentIds {
    PresentIds::Live {
        device: device(),
        session: SessionId::starting_at(NOW - 600_000),
        source,
        context: Box::default(),
    }
}

/// The context of a visitor who came from a campaign.
fn context() -> EventContext {
    let mut context = EventContext::of_request(&RequestFacts {
        address: IpAddr::from([203, 0, 113, 7]),
        user_agent: "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
        accept_language: "en-GB,en;q=0.8",
        page_path: "/pricing",
        page_title: Some("Pricing · Seamline"),
        touch: None,
    });
    context.touch = Some(touch());
    context
}

fn touch() -> Touch {
    let query = "utm_source=newsletter&utm_medium=email&utm_campaign=spring&gclid=Cj0K";
    Touch::of_document("/", Some(query), Some("https://mail.example.org/inbox"))
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
        first_touch: None,
    }
}

/// Name of the golden file, and the event. The files of present events with a context are in their own folder.
pub(crate) fn server() -> Vec<(String, ServerEvent)> {
    let without = server_samples(&SampleIds::WithoutContext);
    let with = server_samples(&SampleIds::WithContext(Box::new(context())));
    let with = with.into_iter().filter(|(_, event)| event.context().is_some());
    let with = with.map(|(file, event)| (format!("with-context/{file}"), event));
    let without = without.into_iter().map(|(file, event)| (file.to_owned(), event));
    without.chain(with).collect()
}

/// The IDs of the samples.
enum SampleIds {
    /// Those of the sample, without a context.
    WithoutContext,
    /// A session with this context.
    WithContext(Box<EventContext>),
}

impl SampleIds {
    fn present(&self, event: &impl PresentEvent, ids: PresentIds) -> ServerEvent {
        let ids = match (self, ids) {
            (Self::WithoutContext, ids) => ids,
            (Self::WithContext(context), ids @ PresentIds::Live { .. }) => {
                ids.with_context(|| (**context).clone())
            }
            (Self::WithContext(context), _) => request().with_context(|| (**context).clone()),
        };
        ServerEvent::present(user(), event, ids, NOW)
    }

    /// The first touch of the samples with a context.
    fn first_touch(&self) -> Option<Touch> {
        matches!(self, Self::WithContext(_)).then(touch)
    }
}

fn server_samples(ids: &SampleIds) -> Vec<(&'static str, ServerEvent)> {
    let mut samples = auth(ids);
    samples.extend(trials(ids));
    samples.extend(subscriptions(ids));
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

fn auth(ids: &SampleIds) -> Vec<(&'static str, ServerEvent)> {
    vec![
        (
            "sign-up-completed",
            ids.present(
                &SignUpCompleted {
                    first_touch: ids.first_touch(),
                    ..signed_up(None)
                },
                request(),
            ),
        ),
        (
            "sign-up-completed-with-email",
            ids.present(&signed_up(Some("ada@example.com")), request()),
        ),
        (
            "sign-in-completed",
            ids.present(
                &SignInCompleted {
                    login: LOGIN,
                    signed_in_at: "2026-11-18T09:06:40Z".into(),
                    first_touch: ids.first_touch(),
                },
                live(IdSource::ServerSession),
            ),
        ),
        (
            "sign-out-completed",
            ids.present(
                &SignOutCompleted {
                    login: LOGIN,
                    last_login: true,
                },
                request(),
            ),
        ),
        (
            "sign-out-completed-elsewhere-still-in",
            ids.present(
                &SignOutCompleted {
                    login: LOGIN,
                    last_login: false,
                },
                request(),
            ),
        ),
        (
            "email-verified",
            ids.present(&EmailVerified { token: TOKEN }, PresentIds::Unknown),
        ),
        (
            "password-reset-completed",
            ids.present(&PasswordResetCompleted { token: TOKEN }, request()),
        ),
    ]
}

fn trials(ids: &SampleIds) -> Vec<(&'static str, ServerEvent)> {
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
        ("trial-started", ids.present(&started, checkout())),
        (
            "trial-canceled",
            ids.present(&canceled, live(IdSource::PortalVisit)),
        ),
        (
            "trial-resumed",
            ids.present(&resumed, PresentIds::DeviceOnly { device: device() }),
        ),
        ("trial-converted", ServerEvent::system(user(), &converted, NOW)),
        ("trial-expiration", ServerEvent::system(user(), &expired, NOW)),
    ]
}

fn subscriptions(ids: &SampleIds) -> Vec<(&'static str, ServerEvent)> {
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
        ("subscription-started", ids.present(&started, checkout())),
        ("subscription-canceled", ids.present(&canceled, checkout())),
        ("subscription-resumed", ids.present(&resumed, checkout())),
        ("subscription-changed", ids.present(&changed, checkout())),
        (
            "subscription-changed-without-payment",
            ids.present(&changed_in_trial, checkout()),
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
