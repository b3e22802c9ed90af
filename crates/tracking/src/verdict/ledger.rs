//! Revenue events against what Stripe has collected.

use super::case::Case;
use super::{Report, Standing};
use crate::reconcile::reconcile_in_order;

/// Each payment and each refund has its event with the same amount in the same currency, and each revenue event its
/// payment. See [`crate::reconcile`].
pub(super) fn revenue_equals_ledger(case: &Case<'_>) -> Report {
    let mut report = Report::default();
    let books = reconcile_in_order(&case.events, case.facts);
    for line in books.customers.iter().flat_map(|customer| &customer.lines) {
        report.checked += 1;
        let Some(difference) = &line.difference else {
            continue;
        };
        let standing = match difference.is_explained() {
            true => Standing::Explained,
            false => Standing::Broken,
        };
        let event = line
            .event
            .as_deref()
            .and_then(|uuid| case.events.iter().copied().find(|event| event.uuid == uuid));
        report.find(
            standing,
            event,
            format!("{}: {}", line.entry, difference.in_words()),
        );
    }
    report
}
