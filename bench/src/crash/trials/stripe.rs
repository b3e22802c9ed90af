//! The stand-in for Stripe, as its dashboard would show it: what moved, and the clock.

use std::net::SocketAddr;

use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

/// The key of local mode. Anybody may know it: it opens a stand-in on loopback and nothing else.
const SECRET_KEY: &str = "sk_test_seamline_local";
/// Objects of one page, Stripe's most.
const PAGE: usize = 100;
/// A trial, its invoice's draft of an hour, and room for the people whose trials began later.
const OVER_THE_TRIAL: i64 = 3 * 86_400 + 2 * 3_600;

/// A customer's subscription and money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) customer: String,
    pub(super) subscription: String,
    /// Its newest.
    pub(super) invoice: String,
    /// In seconds.
    pub(super) canceled_at: Option<i64>,
    /// Minor units paid, less what was given back.
    pub(super) money: i64,
}

/// Its API.
#[derive(Clone, Debug)]
pub(crate) struct StandIn {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
}

impl StandIn {
    /// What somebody with this address has there. `None`: no customer, no subscription, or more than one of either.
    pub(super) async fn account(&self, email: &str) -> Result<Option<Account>, reqwest::Error> {
        let customers = self.get("customers", &[("email", email)]).await?;
        let Some(customer) = the_only(&customers).map(|customer| text(&customer["id"])) else {
            return Ok(None);
        };
        let of_customer = [("customer", customer.as_str()), ("status", "all")];
        let subscriptions = self.get("subscriptions", &of_customer).await?;
        let Some(subscription) = the_only(&subscriptions) else {
            return Ok(None);
        };
        let charges = self
            .get("charges", &[("customer", &customer), ("limit", "100")])
            .await?;
        let of = |charge: &Value| {
            let number = |field: &str| charge[field].as_i64().unwrap_or_default();
            number("amount_captured") - number("amount_refunded")
        };
        let money = charges["data"].as_array().into_iter().flatten();
        let money = money
            .filter(|charge| charge["status"] == "succeeded")
            .map(of)
            .sum();
        Ok(Some(Account {
            subscription: text(&subscription["id"]),
            invoice: text(&subscription["latest_invoice"]),
            canceled_at: subscription["canceled_at"].as_i64(),
            customer,
            money,
        }))
    }

    /// Gives a customer a card that works.
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

    /// Moves everybody's clock over the end of every trial, and over the payment after it.
    pub(super) async fn end_trials(&self) -> Result<(), reqwest::Error> {
        let request = self
            .client
            .post(format!("http://{}/_sim/clock", self.address))
            .json(&json!({"advance": OVER_THE_TRIAL}));
        request.send().await?.error_for_status().map(drop)
    }

    /// Every event so far, newest first.
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

    /// Their IDs and types.
    pub(super) async fn types_of_events(&self) -> Result<Vec<(String, String)>, reqwest::Error> {
        let events = self.events().await?;
        Ok(events
            .iter()
            .map(|event| (text(&event["id"]), text(&event["type"])))
            .collect())
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

fn the_only(list: &Value) -> Option<&Value> {
    match list["data"].as_array()?.as_slice() {
        [one] => Some(one),
        _ => None,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
