//! The rule "revenue equals ledger".

use super::event_index::EventIndex;
use super::{RuleOutcome, RuleReport};
use crate::reconcile::reconcile_in_order;

/// Each payment and refund has an event with the same amount and currency, and each revenue event has a payment or refund.
/// See [`crate::reconcile`].
pub(super) fn revenue_equals_ledger(index: &EventIndex<'_>) -> RuleReport {
    let mut report = RuleReport::default();
    let reconciliation = reconcile_in_order(&index.events, index.facts);
    for line in reconciliation
        .customers
        .iter()
        .flat_map(|customer| &customer.lines)
    {
        report.checked += 1;
        let Some(difference) = &line.difference else {
            continue;
        };
        let outcome = match difference.is_explained() {
            true => RuleOutcome::Explained,
            false => RuleOutcome::Broken,
        };
        let event = line
            .event
            .as_deref()
            .and_then(|uuid| index.events.iter().copied().find(|event| event.uuid == uuid));
        report.find(
            outcome,
            event,
            format!("{}: {}", line.entry, difference.explanation()),
        );
    }
    report
}
