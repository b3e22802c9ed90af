//! Numbers that change when something happens: attempts at rows of queues, mails, events, webhooks, open feeds.

use backend::billing::inbox::WebhookObservation;
use backend::billing::mapping::WEBHOOK_TYPES;
use backend::mail::MailKind;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use queue::NextRowState;
use tracking::ClientEvent;

use super::{Label, known_or_other};

/// Seconds. Stripe sends most webhooks within seconds, and repeats others for three days.
const LAG_BUCKETS: [f64; 12] = [
    0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1_800.0, 21_600.0, 259_200.0,
];

/// The name of the outbox in labels.
pub(super) const OUTBOX: &str = "outbox";
/// The name of the inbox of webhooks in labels.
pub(super) const WEBHOOKS: &str = "webhooks";
/// The name of the queue of mails in labels.
pub(super) const MAILS: &str = "mails";
/// The name of the queue of account deletions in labels.
pub const DELETIONS: &str = "account-deletions";
/// The name of the queue of changed addresses of Stripe's customers in labels.
pub const CUSTOMER_EMAILS: &str = "customer-emails";

/// Cheap to clone; clones count together.
#[derive(Clone)]
pub struct Counters {
    attempts: Family<[Label; 2], Counter>,
    mails: Family<[Label; 2], Counter>,
    events: Family<[Label; 2], Counter>,
    webhook_delivery: Family<[Label; 1], Histogram>,
    webhook_application: Family<[Label; 1], Histogram>,
    feeds: Family<[Label; 1], Gauge>,
}

impl Counters {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let counters = Self {
            attempts: Family::default(),
            mails: Family::default(),
            events: Family::default(),
            webhook_delivery: lags(),
            webhook_application: lags(),
            feeds: Family::default(),
        };
        registry.register(
            "queue_attempts",
            "Attempts at rows of each queue by outcome: done, retried, parked",
            counters.attempts.clone(),
        );
        registry.register(
            "mails",
            "Attempts to send a mail by kind and result: sent, dropped, retried, parked",
            counters.mails.clone(),
        );
        registry.register(
            "events",
            "Events that Amplitude has accepted, by owner and name",
            counters.events.clone(),
        );
        registry.register_with_unit(
            "webhook_delivery_lag",
            "From the change at Stripe to the arrival of its webhook, by type",
            Unit::Seconds,
            counters.webhook_delivery.clone(),
        );
        registry.register_with_unit(
            "webhook_application_lag",
            "From the arrival of a webhook to its application, by type",
            Unit::Seconds,
            counters.webhook_application.clone(),
        );
        registry.register(
            "feeds_open",
            "Open feeds of server-sent events by route",
            counters.feeds.clone(),
        );
        counters.start_at_zero();
        counters
    }

    /// Exports the known series before their first change: a rate needs the zero before it.
    fn start_at_zero(&self) {
        for queue in [OUTBOX, WEBHOOKS, MAILS, DELETIONS, CUSTOMER_EMAILS] {
            for outcome in ["done", "retried", "parked"] {
                self.attempts
                    .get_or_create(&attempt_labels(queue, outcome))
                    .inc_by(0);
            }
        }
        for kind in MailKind::ALL {
            for result in ["sent", "dropped", "retried", "parked"] {
                self.mails.get_or_create(&mail_labels(kind, result)).inc_by(0);
            }
        }
        for (owner, names) in [
            ("browser", ClientEvent::NAMES),
            ("server", tracking::server::NAMES),
        ] {
            for name in names {
                self.add_events(owner, name, 0);
            }
        }
        for event_type in WEBHOOK_TYPES {
            for lags in [&self.webhook_delivery, &self.webhook_application] {
                drop(lags.get_or_create(&[("type", event_type.to_owned())]));
            }
        }
    }

    /// Counts an attempt to deliver an event, and the event if it was accepted.
    pub fn delivery(&self, event_name: &str, next: &NextRowState) {
        self.attempt(OUTBOX, next);
        if matches!(next, NextRowState::Done(_)) {
            self.add_events("server", known_or_other(tracking::server::NAMES, event_name), 1);
        }
    }

    /// Counts events of browsers that Amplitude has accepted. `name` is in the tracking plan, or `other`.
    pub fn browser_events(&self, name: &'static str, events: u64) {
        self.add_events("browser", name, events);
    }

    /// Counts an attempt to send a mail.
    pub fn mail(&self, kind: MailKind, next: &NextRowState) {
        self.attempt(MAILS, next);
        let result = match next {
            NextRowState::Done(state) => state,
            _ => next.outcome(),
        };
        self.mails.get_or_create(&mail_labels(kind, result)).inc();
    }

    /// Times a webhook that was stored or applied, and counts the attempt.
    pub fn webhook(&self, observation: WebhookObservation<'_>) {
        let (lags, event_type, lag_ms) = match observation {
            WebhookObservation::Received { event_type, lag_ms } => {
                (&self.webhook_delivery, event_type, lag_ms)
            }
            WebhookObservation::Attempted {
                event_type,
                next,
                lag_ms,
            } => {
                self.attempt(WEBHOOKS, next);
                if !matches!(next, NextRowState::Done(_)) {
                    return;
                }
                (&self.webhook_application, event_type, lag_ms)
            }
        };
        let event_type = known_or_other(&WEBHOOK_TYPES, event_type).to_owned();
        lags.get_or_create(&[("type", event_type)])
            .observe(lag_ms as f64 / 1000.0);
    }

    /// Counts an attempt at a row of a queue that has no other numbers.
    pub fn attempt(&self, queue: &str, next: &NextRowState) {
        self.attempts
            .get_or_create(&attempt_labels(queue, next.outcome()))
            .inc();
    }

    fn add_events(&self, owner: &str, name: &str, events: u64) {
        let labels = [("owner", owner.to_owned()), ("name", name.to_owned())];
        self.events.get_or_create(&labels).inc_by(events);
    }

    /// Counts a feed of this route as open until the value is dropped.
    pub fn feed_opened(&self, route: &str) -> OpenFeed {
        let open = self.feeds.get_or_create_owned(&[("route", route.to_owned())]);
        open.inc();
        OpenFeed(open)
    }
}

/// A feed that is counted as open.
pub struct OpenFeed(Gauge);

impl Drop for OpenFeed {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn mail_labels(kind: MailKind, result: &str) -> [Label; 2] {
    [("kind", kind.as_str().to_owned()), ("result", result.to_owned())]
}

fn lags() -> Family<[Label; 1], Histogram> {
    Family::new_with_constructor(|| Histogram::new(LAG_BUCKETS))
}

fn attempt_labels(queue: &str, outcome: &str) -> [Label; 2] {
    [("queue", queue.to_owned()), ("outcome", outcome.to_owned())]
}
