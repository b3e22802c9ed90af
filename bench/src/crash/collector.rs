//! The collector's side: its fault switches, and what it says arrived.

use std::net::SocketAddr;

use reqwest::Client;
use serde_json::Value;

use super::verdict::{Accepted, Arrival};

/// Rows of one answer, the collector's most.
const PAGE: usize = 10_000;

/// The collector's own API.
#[derive(Clone, Debug)]
pub(super) struct Collector {
    pub(super) client: Client,
    pub(super) address: SocketAddr,
}

impl Collector {
    /// Replaces its fault switches.
    pub(super) async fn set_faults(&self, switches: &Value) -> Result<(), reqwest::Error> {
        self.client
            .post(self.url("faults"))
            .json(switches)
            .send()
            .await?
            .error_for_status()
            .map(drop)
    }

    /// Whether every counted switch has met the uploads that it was meant for.
    pub(super) async fn faults_are_spent(&self) -> Result<bool, reqwest::Error> {
        let list = self.json(&self.url("faults")).await?;
        Ok(list["faults"].as_array().is_some_and(Vec::is_empty))
    }

    /// Every event that it took, in the order in which it first did.
    pub(super) async fn accepted(&self) -> Result<Vec<Accepted>, reqwest::Error> {
        let events = self.exported().await?;
        Ok(events.iter().map(accepted).collect())
    }

    /// Every arrival of every event, in their order.
    pub(super) async fn arrivals(&self) -> Result<Vec<Arrival>, reqwest::Error> {
        let deliveries = self.all("raw", "deliveries").await?;
        Ok(deliveries.iter().map(arrival).collect())
    }

    /// The same as it stands in an export.
    pub(super) async fn exported(&self) -> Result<Vec<Value>, reqwest::Error> {
        self.all("events", "events").await
    }

    async fn all(&self, path: &str, key: &str) -> Result<Vec<Value>, reqwest::Error> {
        let mut rows = Vec::new();
        let mut after = Value::from(0);
        loop {
            let mut page = self
                .json(&format!("{}?limit={PAGE}&after={after}", self.url(path)))
                .await?;
            if let Value::Array(more) = page[key].take() {
                rows.extend(more);
            }
            after = page["next"].take();
            if after.is_null() {
                return Ok(rows);
            }
        }
    }

    async fn json(&self, url: &str) -> Result<Value, reqwest::Error> {
        self.client
            .get(url)
            .send()
            .await?
            .error_for_status()?
            .json()
            .await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/local/{path}", self.address)
    }
}

fn accepted(event: &Value) -> Accepted {
    Accepted {
        insert_id: text(&event["$insert_id"]),
        name: text(&event["event_type"]),
        user: text(&event["user_id"]),
        device: text(&event["device_id"]),
        time: text(&event["client_event_time"]),
        plan: text(&event["local"]["plan"]["status"]),
    }
}

fn arrival(delivery: &Value) -> Arrival {
    Arrival {
        insert_id: text(&delivery["insert_id"]),
        name: text(&delivery["event_type"]),
        user: text(&delivery["user_id"]),
        device: text(&delivery["device_id"]),
        outcome: text(&delivery["outcome"]),
        answered: delivery["answered"].as_u64(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
