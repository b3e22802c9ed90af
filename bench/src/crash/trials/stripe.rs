//! A client of the stand-in for Stripe: subscriptions, payments and events as the dashboard would show them, and its clock.

use std::net::SocketAddr;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// The API key of local mode. It is public: it opens only a stand-in on loopback.
const SECRET_KEY: &str = "sk_test_seamline_local";
/// Objects per page: Stripe's limit.
const PAGE: usize = 100;
/// Time to the end of all trials, in seconds: three days of trial, one hour for the draft invoice, and one hour because
/// the trials start at different times.
const TRIAL_ADVANCE_SECS: i64 = 3 * 86_400 + 2 * 3_600;

/// A customer with one subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TrialAccount {
    pub(super) customer: String,
    pub(super) subscription: String,
    /// The newest invoice of the subscription.
    pub(super) invoice: String,
    /// Time of the cancellation, in seconds since the epoch.
    pub(super) canceled_at_secs: Option<i64>,
    /// Captured payments minus refunds, in minor units.
    pub(super) paid_minor: i64,
}

/// A client of the stand-in's API.
#[derive(Clone, Debug)]
pub(crate) struct StripeDashboard {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
}

impl StripeDashboard {
    /// Returns the account with this email address; `None` unless there is exactly one customer with one subscription.
    pub(super) async fn account(&self, email: &str) -> Result<Option<TrialAccount>, reqwest::Error> {
        let customers = self.get("customers", &[("email", email)]).await?;
        let Some(customer) = single(&customers).map(|customer| text(&customer["id"])) else {
            return Ok(None);
        };
        let of_customer = [("customer", customer.as_str()), ("status", "all")];
        let subscriptions = self.get("subscriptions", &of_customer).await?;
        let Some(subscription) = single(&subscriptions) else {
            return Ok(None);
        };
        let charges = self
            .get("charges", &[("customer", &customer), ("limit", "100")])
            .await?;
        let net_amount = |charge: &Value| {
            let number = |field: &str| charge[field].as_i64().unwrap_or_default();
            number("amount_captured") - number("amount_refunded")
        };
        let charges = charges["data"].as_array().into_iter().flatten();
        let paid_minor = charges
            .filter(|charge| charge["status"] == "succeeded")
            .map(net_amount)
            .sum();
        Ok(Some(TrialAccount {
            subscription: text(&subscription["id"]),
            invoice: text(&subscription["latest_invoice"]),
            canceled_at_secs: subscription["canceled_at"].as_i64(),
            customer,
            paid_minor,
        }))
    }

    /// Attaches a valid card to a customer and makes it the default.
    pub(super) async fn give_card(&self, customer: &str) -> Result<(), reqwest::Error> {
        let attached = self
            .post("payment_methods/pm_card_visa/attach", &[("customer", customer)])
            .await?;
        let card = attached["id"].as_str().unwrap_or_default();
        self.post(
            &format!("customers/{customer}"),
            &[("invoice_settings[default_payment_method]", card)],
        )
        .await
        .map(drop)
    }

    /// Advances the clock past the end of all trials and their first payments.
    pub(super) async fn end_trials(&self) -> Result<(), reqwest::Error> {
        let request = self
            .client
            .post(format!("http://{}/_sim/clock", self.address))
            .json(&json!({"advance": TRIAL_ADVANCE_SECS}));
        request.send().await?.error_for_status().map(drop)
    }

    /// Returns all events, newest first.
    pub(crate) async fn events(&self) -> Result<Vec<Value>, reqwest::Error> {
        let mut events: Vec<Value> = Vec::new();
        loop {
            let limit = PAGE.to_string();
            let mut query = vec![("limit", limit.as_str())];
            let after = events.last().map(|event| text(&event["id"]));
            if let Some(after) = &after {
                query.push(("starting_after", after));
            }
            let mut page = self.get("events", &query).await?;
            if let Value::Array(found) = page["data"].take() {
                events.extend(found);
            }
            if page["has_more"] != true {
                return Ok(events);
            }
        }
    }

    /// Returns up to 100 events that come after `known`, or all events without it, oldest first.
    pub(crate) async fn events_after(&self, known: Option<&str>) -> Result<Vec<Value>, reqwest::Error> {
        let Some(known) = known else {
            return Ok(self.events().await?.into_iter().rev().collect());
        };
        let limit = PAGE.to_string();
        let query = [("limit", limit.as_str()), ("ending_before", known)];
        let mut page = self.get("events", &query).await?;
        match page["data"].take() {
            Value::Array(newer) => Ok(newer.into_iter().rev().collect()),
            _ => Ok(Vec::new()),
        }
    }

    /// Returns the ID and type of each event.
    pub(super) async fn event_types(&self) -> Result<Vec<(String, String)>, reqwest::Error> {
        let events = self.events().await?;
        Ok(events
            .iter()
            .map(|event| (text(&event["id"]), text(&event["type"])))
            .collect())
    }

    /// Whether Stripe still delivers an event.
    pub(super) async fn is_delivering(&self) -> Result<bool, reqwest::Error> {
        let events = self.events().await?;
        Ok(events.iter().any(|event| event["pending_webhooks"] != 0))
    }

    async fn get(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, reqwest::Error> {
        self.json(self.client.get(self.url(path)).query(query)).await
    }

    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Result<Value, reqwest::Error> {
        self.json(self.client.post(self.url(path)).form(form)).await
    }

    async fn json(&self, request: RequestBuilder) -> Result<Value, reqwest::Error> {
        let answer = request.bearer_auth(SECRET_KEY).send().await?;
        answer.error_for_status()?.json().await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/v1/{path}", self.address)
    }
}

/// Returns the element of a list with one element.
fn single(list: &Value) -> Option<&Value> {
    match list["data"].as_array()?.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
