//! Reading whether the money adds up: from Stripe, from the database, and from Amplitude.

use backend::billing::BillingError;
use backend::billing::ledger::{Kind, LedgerCheck, LedgerDifference};
use backend::timeline::ReadError;
use tracking::Money;
use tracking::reconcile::{Books, reconcile};

use super::facts::{Ledger, LedgerLine, LedgerTotal, Revenue, Told};
use crate::visit::Visit;

/// Each half is read by itself, so that one that is away does not hide the other.
pub(in crate::operations) async fn revenue(visit: &Visit) -> Revenue {
    let (ledger, told) = futures::join!(visit.backend.billing.check_ledger(), told(visit));
    Revenue {
        ledger: ledger.map(in_words).map_err(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot read Stripe's ledger"
            );
            match error {
                BillingError::Database(_) => "Our record cannot be read right now.",
                _ => "Stripe does not answer right now.",
            }
            .to_owned()
        }),
        told: told.map_err(|error| {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "cannot read revenue events"
            );
            match error {
                ReadError::NoSecretKey | ReadError::RateLimited => format!("{error}."),
                _ => "The revenue events cannot be read right now.".to_owned(),
            }
        }),
    }
}

async fn told(visit: &Visit) -> Result<Told, ReadError> {
    let timeline = &visit.backend.timeline;
    let (people, payers) = visit.backend.billing.payers(timeline.most_people()).await?;
    let stories = timeline.stories(people).await?;
    let books = stories.iter().map(|story| reconcile(&story.events, &story.facts));
    Ok(Told {
        books: Books::of_all(books),
        payers,
    })
}

fn in_words(check: LedgerCheck) -> Ledger {
    Ledger {
        payments: check.payments,
        refunds: check.refunds,
        cut_off: check.cut_off,
        balanced: check.balanced(),
        totals: check
            .totals
            .iter()
            .map(|total| LedgerTotal {
                currency: total.currency.iso_code(),
                stripe: Money::new(total.stripe, total.currency).to_string(),
                recorded: Money::new(total.recorded, total.currency).to_string(),
            })
            .collect(),
        differences: check.differences.into_iter().map(line).collect(),
    }
}

fn line(difference: LedgerDifference) -> LedgerLine {
    let amount = |money: Option<Money>| money.map_or_else(|| "none".to_owned(), |money| money.to_string());
    let kind = match difference.kind {
        Kind::Payment => "invoice",
        Kind::Refund => "refund",
    };
    LedgerLine {
        what: format!("{kind} {}", difference.id),
        customer: difference.customer,
        stripe: amount(difference.stripe),
        recorded: amount(difference.recorded),
        explained: difference.why.is_explained(),
        why: difference.why.in_words().to_owned(),
    }
}
