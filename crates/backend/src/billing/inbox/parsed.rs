//! Keeps accepted webhooks parsed until a worker of this process applies them, so that a body is parsed once.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::billing::payload::StripeEvent;

/// About 20 KiB each.
const MOST: usize = 1_000;

/// Parsed webhooks by event ID. A webhook that is not here, because of a restart, a retry or a backlog, is parsed again from
/// its stored body.
#[derive(Default)]
pub(in crate::billing) struct ParsedWebhooks(Mutex<HashMap<String, StripeEvent>>);

impl ParsedWebhooks {
    pub(super) fn keep(&self, event: StripeEvent) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Another server may have applied some, so they are never taken here.
        if kept.len() >= MOST {
            kept.clear();
        }
        kept.insert(event.id.clone(), event);
    }

    pub(super) fn take(&self, event_id: &str) -> Option<StripeEvent> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.remove(event_id)
    }
}
