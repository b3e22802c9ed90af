//! A client of the collector's own API: its faults and what it received.

use std::net::SocketAddr;

use reqwest::Client;
use serde_json::Value;

use super::checks::{AcceptedEvent, Arrival};

/// Rows per page: the collector's limit.
const PAGE: usize = 10_000;

/// A client of the API below `/local/`.
#[derive(Clone, Debug)]
pub(crate) struct CollectorClient {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
}

impl CollectorClient {
    /// Replaces all faults.
    pub(super) async fn set_faults(&self, faults: &Value) -> Result<(), reqwest::Error> {
        self.client
            .post(self.url("faults"))
            .json(faults)
            .send()
            .await?
            .error_for_status()
            .map(drop)
    }

    /// Whether an upload was accepted and its answer lost.
    pub(super) async fn has_lost_an_answer(&self) -> Result<bool, reqwest::Error> {
        let arrivals = self.arrivals().await?;
        Ok(arrivals
            .iter()
            .any(|arrival| arrival.outcome == "accepted" && arrival.answered == Some(500)))
    }

    /// Returns the accepted events in the order of their first arrival.
    pub(crate) async fn accepted(&self) -> Result<Vec<AcceptedEvent>, reqwest::Error> {
        let events = self.exported().await?;
        Ok(events.iter().map(accepted).collect())
    }

    /// Returns all arrivals in order.
    pub(crate) async fn arrivals(&self) -> Result<Vec<Arrival>, reqwest::Error> {
        let deliveries = self.read_all("raw", "deliveries").await?;
        Ok(deliveries.iter().map(arrival).collect())
    }

    /// Returns the accepted events as the export has them, in the order of their first arrival.
    pub(super) async fn exported(&self) -> Result<Vec<Value>, reqwest::Error> {
        self.read_all("events", "events").await
    }

    /// Reads all pages of a list.
    async fn read_all(&self, path: &str, key: &str) -> Result<Vec<Value>, reqwest::Error> {
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

fn accepted(event: &Value) -> AcceptedEvent {
    AcceptedEvent {
        insert_id: text(&event["$insert_id"]),
        name: text(&event["event_type"]),
        user: text(&event["user_id"]),
        device: text(&event["device_id"]),
        time: text(&event["client_event_time"]),
        plan_status: text(&event["local"]["plan"]["status"]),
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
