//! Builds a user's timeline step by step, with the events and facts that the product would record.

use serde_json::{Map, Value, json};
use tracking::received::{EventFields, ReceivedEvent, Source};
use tracking::verdict::{HandoffKind, NotedHandoff, PaymentRecord, RefundRecord, TimelineFacts};
use tracking::{Currency, DeviceId, FirstTouch, Money, SessionId, StitchedBy, Touch, UserId};

pub const MINUTE: i64 = 60_000;
pub const DAY: i64 = 24 * 60 * MINUTE;
pub const START: i64 = 1_795_000_000_000;
pub const SUBSCRIPTION: &str = "sub_1";

#[derive(Clone)]
pub struct Scenario {
    pub events: Vec<ReceivedEvent>,
    pub facts: TimelineFacts,
    pub user: UserId,
    pub now: i64,
    /// The SDK runs and may send.
    pub sdk: bool,
    pub currency: Currency,
    signed_in: bool,
    device: u32,
    session: i64,
    logins: u32,
    counter: u32,
    canceled_at: Option<i64>,
}

impl Scenario {
    /// A visitor opens the landing page.
    pub fn new() -> Self {
        let mut scenario = Self {
            events: Vec::new(),
            facts: TimelineFacts::default(),
            user: UserId::parse("019aa5c4-0000-7000-8000-000000000001").unwrap(),
            now: START,
            sdk: true,
            currency: Currency::USD,
            signed_in: false,
            device: 1,
            session: START,
            logins: 0,
            counter: 0,
            canceled_at: None,
        };
        scenario.facts.first_touch = Some(FirstTouch {
            touch: Touch::of_document("/", Some("utm_source=newsletter"), None),
            device: DeviceId::parse(&scenario.device()).unwrap(),
            at_ms: START,
        });
        scenario.view("/");
        scenario
    }

    pub fn device(&self) -> String {
        format!("device-{:04}", self.device)
    }

    pub const fn session(&self) -> i64 {
        self.session
    }

    /// Advances the clock. After more than 30 minutes the next step starts a new session.
    pub fn wait(&mut self, ms: i64) -> &mut Self {
        self.now += ms;
        if ms > 30 * MINUTE {
            self.session = self.now;
        }
        self
    }

    pub fn view(&mut self, path: &str) -> &mut Self {
        self.now += 1_500;
        let path = json!({"[Amplitude] Page Path": path});
        self.browser("[Amplitude] Page Viewed", path);
        self
    }

    pub fn sign_up(&mut self) -> &mut Self {
        self.view("/sign-up");
        self.now += 20_000;
        self.signed_in = true;
        let insert_id = format!("sign-up:{}", self.user);
        self.request("Sign-up completed", &insert_id);
        self.view("/polls")
    }

    pub fn sign_in(&mut self) -> &mut Self {
        self.view("/sign-in");
        self.now += 10_000;
        self.signed_in = true;
        self.logins += 1;
        let insert_id = format!("sign-in:login-{}", self.logins);
        self.request("Sign-in completed", &insert_id);
        self.view("/polls")
    }

    /// Signs out. Afterwards the browser has a new device ID and a new session.
    pub fn sign_out(&mut self) -> &mut Self {
        self.now += 5_000;
        let insert_id = format!("sign-out:login-{}", self.logins);
        self.request("Sign-out completed", &insert_id);
        self.signed_in = false;
        self.device += 1;
        self.now += 1;
        self.session = self.now;
        self
    }

    pub fn poll(&mut self) -> &mut Self {
        self.view("/polls/new");
        self.now += 30_000;
        self.browser("Poll created", json!({"option_count": 2}));
        self.view("/polls")
    }

    /// A click that leads to Stripe, and its webhook `later_ms` later.
    fn click_to_stripe(
        &mut self,
        kind: HandoffKind,
        name: &str,
        insert_id: &str,
        later_ms: i64,
        more: Value,
    ) {
        self.counter += 1;
        let click = format!("click-{:04}", self.counter);
        self.now += 2_000;
        if kind == HandoffKind::Checkout && self.sdk {
            let mut clicked = self.base_event(
                "Trial checkout clicked",
                Source::Browser,
                json!({"interval": "month"}),
            );
            clicked.insert_id = Some(click.clone());
            self.events.push(clicked);
        }
        self.facts.handoffs.push(NotedHandoff {
            kind,
            id: click.clone(),
            account: self.user,
            device: DeviceId::parse(&self.device()),
            session: SessionId::from_ms(self.session),
            at_ms: self.now,
            has_context: true,
        });
        let (device, session, at) = (self.device(), self.session, self.now);
        // The user returns from Stripe before the webhook arrives, unless it is late.
        self.now += later_ms;
        let stale = self.now - at > 30 * MINUTE;
        let mut properties = json!({"stripe_event": self.stripe_event()});
        if !stale {
            let key = if kind == HandoffKind::Portal {
                "portal_visit"
            } else {
                "click"
            };
            properties[key] = json!(click);
        }
        merge(&mut properties, more);
        let by = match (stale, kind) {
            (true, _) => StitchedBy::StaleHandoff,
            (false, HandoffKind::Portal) => StitchedBy::PortalVisit,
            (false, _) => StitchedBy::CheckoutHandoff,
        };
        let mut event = self.server(name, insert_id, Source::Stripe, by, properties);
        event.device = Some(device);
        event.derived_device = false;
        event.session = (!stale).then_some(session);
        event.context = if stale { Vec::new() } else { context() };
        self.events.push(event);
        if stale {
            self.session = self.now;
        }
    }

    pub fn start_trial(&mut self, later_ms: i64) -> &mut Self {
        self.view("/pricing");
        let id = format!("trial-started:{SUBSCRIPTION}");
        let more = json!({"subscription_status": "trialing", "interval": "month", "trial_days": 3});
        self.click_to_stripe(HandoffKind::Checkout, "Trial started", &id, later_ms, more);
        self.view("/billing")
    }

    pub fn subscribe(&mut self) -> &mut Self {
        self.view("/pricing");
        let id = format!("subscription-started:{SUBSCRIPTION}");
        let more = self.paid("in_0", 1_200);
        self.click_to_stripe(HandoffKind::Checkout, "Subscription started", &id, 30_000, more);
        self.view("/billing")
    }

    pub fn cancel(&mut self, kind: HandoffKind, in_trial: bool) -> &mut Self {
        self.view("/billing");
        let at = self.now / 1_000;
        self.canceled_at = Some(at);
        let (name, fact) = match in_trial {
            true => ("Trial canceled", "trial-canceled"),
            false => ("Subscription canceled", "subscription-canceled"),
        };
        self.click_to_stripe(
            kind,
            name,
            &format!("{fact}:{SUBSCRIPTION}:{at}"),
            4_000,
            json!({}),
        );
        self.view("/billing")
    }

    pub fn resume(&mut self, in_trial: bool) -> &mut Self {
        self.view("/billing");
        let at = self.canceled_at.take().unwrap();
        let (name, fact) = match in_trial {
            true => ("Trial resumed", "trial-resumed"),
            false => ("Subscription resumed", "subscription-resumed"),
        };
        let id = format!("{fact}:{SUBSCRIPTION}:{at}");
        self.click_to_stripe(HandoffKind::Resume, name, &id, 3_000, json!({}));
        self.view("/billing")
    }

    /// A cancellation in Stripe's dashboard, `later_ms` after the last event.
    pub fn cancel_at_stripe(&mut self, later_ms: i64) -> &mut Self {
        self.wait(later_ms);
        let at = self.now / 1_000;
        let properties = json!({"stripe_event": self.stripe_event()});
        let id = format!("trial-canceled:{SUBSCRIPTION}:{at}");
        let event = self.server(
            "Trial canceled",
            &id,
            Source::Stripe,
            StitchedBy::NoneKnown,
            properties,
        );
        self.events.push(event);
        self
    }

    pub fn convert(&mut self) -> &mut Self {
        self.wait(3 * DAY);
        let more = self.paid("in_1", 1_200);
        self.system(
            "Trial converted",
            &format!("trial-converted:{SUBSCRIPTION}"),
            more,
        )
    }

    pub fn renew(&mut self) -> &mut Self {
        self.wait(30 * DAY);
        self.counter += 1;
        let invoice = format!("in_r{}", self.counter);
        let more = self.paid(&invoice, 1_200);
        self.system("Subscription renewal", &format!("renewal:{invoice}"), more)
    }

    pub fn refund(&mut self, minor: i64) -> &mut Self {
        self.wait(DAY);
        self.counter += 1;
        let refund = format!("re_{}", self.counter);
        let amount = Money::new(minor, self.currency);
        self.facts.refunds.push(RefundRecord {
            refund: refund.clone(),
            account: self.user,
            amount,
            succeeded: true,
        });
        let mut more = money(amount, amount.reversed());
        merge(&mut more, json!({"refund": refund, "outcome": "succeeded"}));
        self.system("Subscription refund", &format!("refund:{refund}"), more)
    }

    pub fn payment_fails(&mut self) -> &mut Self {
        self.wait(30 * DAY);
        self.counter += 1;
        let invoice = format!("in_f{}", self.counter);
        self.system(
            "Payment failure",
            &format!("payment-failure:{invoice}:1"),
            json!({"invoice": invoice}),
        )
    }

    pub fn expire(&mut self, in_trial: bool) -> &mut Self {
        self.wait(30 * DAY);
        let (name, fact) = match in_trial {
            true => ("Trial expiration", "trial-expiration"),
            false => ("Subscription expiration", "subscription-expiration"),
        };
        self.system(name, &format!("{fact}:{SUBSCRIPTION}"), json!({}))
    }

    fn paid(&mut self, invoice: &str, minor: i64) -> Value {
        let amount = Money::new(minor, self.currency);
        self.facts.payments.push(PaymentRecord {
            invoice: invoice.into(),
            account: self.user,
            amount,
            paid_at_ms: self.now,
        });
        let mut more = money(amount, amount);
        more["invoice"] = json!(invoice);
        more
    }

    fn system(&mut self, name: &str, insert_id: &str, more: Value) -> &mut Self {
        let mut properties = json!({"stripe_event": self.stripe_event()});
        merge(&mut properties, more);
        let event = self.server(
            name,
            insert_id,
            Source::Stripe,
            StitchedBy::NoneByRule,
            properties,
        );
        self.events.push(event);
        self
    }

    fn request(&mut self, name: &str, insert_id: &str) {
        let by = match self.sdk {
            true => StitchedBy::SdkCookie,
            false => StitchedBy::ServerSession,
        };
        let mut event = self.server(name, insert_id, Source::Server, by, json!({}));
        event.device = Some(self.device());
        event.derived_device = false;
        event.session = Some(self.session);
        event.context = context();
        self.events.push(event);
    }

    fn browser(&mut self, name: &str, properties: Value) {
        if self.sdk {
            let event = self.base_event(name, Source::Browser, properties);
            self.events.push(event);
        }
    }

    fn server(
        &mut self,
        name: &str,
        insert_id: &str,
        source: Source,
        by: StitchedBy,
        mut properties: Value,
    ) -> ReceivedEvent {
        properties["stitched_by"] = json!(by);
        let mut event = self.base_event(name, source, properties);
        event.user = Some(self.user.to_string());
        event.device = Some("derived-from-the-user-id".into());
        event.derived_device = true;
        event.session = None;
        event.insert_id = Some(insert_id.into());
        event.stitched_by = Some(by);
        event
    }

    fn base_event(&mut self, name: &str, source: Source, properties: Value) -> ReceivedEvent {
        self.counter += 1;
        let plan = if name.starts_with('[') {
            "unchecked"
        } else {
            "valid"
        };
        let fields = EventFields {
            uuid: format!("uuid-{:04}", self.counter),
            name: name.into(),
            source,
            time_ms: self.now,
            user: self.signed_in.then(|| self.user.to_string()),
            device: Some(self.device()),
            derived_device: false,
            session: Some(self.session),
            insert_id: Some(format!("insert-{:04}", self.counter)),
            stitched_by: None,
            properties: match properties {
                Value::Object(properties) => properties,
                _ => Map::new(),
            },
            user_properties: match source {
                Source::Browser => Map::from_iter([("initial_utm_source".to_owned(), json!("newsletter"))]),
                Source::Server | Source::Stripe => Map::new(),
            },
            context: match source {
                Source::Browser => context(),
                Source::Server | Source::Stripe => Vec::new(),
            },
            times: Vec::new(),
            plan: Some(plan.into()),
            raw: json!({"local": {}}),
        };
        fields.into()
    }

    fn stripe_event(&mut self) -> String {
        self.counter += 1;
        format!("evt_{}", self.counter)
    }

    /// The first event of that name.
    pub fn event(&mut self, name: &str) -> &mut ReceivedEvent {
        let found = self.events.iter_mut().find(|event| event.name == name);
        found.unwrap_or_else(|| panic!("no {name}"))
    }

    pub fn without(&mut self, name: &str) -> &mut Self {
        self.events.retain(|event| event.name != name);
        self
    }
}

/// The properties of an event with this amount and revenue, as the stand-in returns them.
pub fn money(stated: Money, revenue: Money) -> Value {
    json!({
        "amount_minor": stated.minor,
        "currency": stated.currency,
        "$revenue": revenue.decimal(),
        "$currency": revenue.currency.iso_code(),
    })
}

fn merge(into: &mut Value, more: Value) {
    if let (Value::Object(into), Value::Object(more)) = (into, more) {
        into.extend(more);
    }
}

/// The context of the browser's events and of present events.
pub fn context() -> Vec<(&'static str, String)> {
    let values = [
        ("Browser", "Firefox"),
        ("Version", "140"),
        ("Language", "English"),
        ("Address", "192.0.2.7"),
    ];
    values.map(|(label, value)| (label, value.to_owned())).to_vec()
}

/// A scenario with every kind of event.
pub fn full_scenario() -> Scenario {
    let mut scenario = Scenario::new();
    scenario
        .sign_up()
        .poll()
        .start_trial(30_000)
        .cancel(HandoffKind::Portal, true);
    scenario.resume(true).convert().renew().refund(500);
    scenario
        .view("/")
        .poll()
        .cancel(HandoffKind::Cancel, false)
        .resume(false);
    scenario
        .sign_out()
        .view("/")
        .sign_in()
        .payment_fails()
        .expire(false);
    scenario
}

/// The event's properties, to change them.
pub(crate) fn properties(event: &mut ReceivedEvent) -> &mut Map<String, Value> {
    &mut event.properties
}
