//! Compares Stripe's payments, refunds and lost disputes with those in our database, by the definition of revenue in the
//! tracking plan. No I/O.

use std::collections::{BTreeMap, HashMap, HashSet};

use tracking::{Currency, Money};

/// A payment, a refund or a lost dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Its kind.
    pub kind: MovementKind,
    /// Stripe's ID of the invoice, the refund or the dispute.
    pub id: String,
    /// Stripe's customer; `None` if Stripe does not name it.
    pub customer: Option<String>,
    /// The amount, never negative.
    pub amount: Money,
    /// What the money was for.
    pub scope: MovementScope,
}

/// What a movement is for. Only the plan's movements are revenue of the plan and are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MovementScope {
    /// A subscription of the plan, or one that could not be determined.
    Plan,
    /// An invoice or a payment without a subscription.
    OneOff,
    /// A subscription of another product in the same Stripe account.
    OtherProduct,
}

/// A kind of movement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MovementKind {
    /// A paid invoice.
    Payment,
    /// A succeeded refund.
    Refund,
    /// A lost dispute.
    Dispute,
}

/// Payments, refunds and lost disputes that Stripe lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StripeLedger {
    /// By kind, newest first.
    pub movements: Vec<Movement>,
    /// Whether Stripe has older ones that were not read.
    pub cut_off: bool,
}

/// Facts that explain why a movement is missing from our database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReconcileContext {
    /// Known customers, and whether their account still exists.
    pub customers: HashMap<String, bool>,
    /// Customers with pending webhooks.
    pub pending: HashSet<String>,
    /// Customers with parked webhooks.
    pub parked: HashSet<String>,
}

/// The result of the comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerCheck {
    /// Number of the plan's payments that Stripe lists.
    pub payments: usize,
    /// Number of their refunds.
    pub refunds: usize,
    /// Number of their lost disputes.
    pub disputes: usize,
    /// Movements that are not for the plan, by what they are for and by currency. They are in no other sum.
    pub separate: Vec<SeparateTotal>,
    /// Sums by currency.
    pub totals: Vec<LedgerTotal>,
    /// Movements that are missing on one side or that differ.
    pub differences: Vec<MovementDifference>,
    /// Whether Stripe has older movements that were not read. Those are not compared.
    pub cut_off: bool,
}

/// Payments less refunds and lost disputes that are not for the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SeparateTotal {
    /// What they are for; never [`MovementScope::Plan`].
    pub scope: MovementScope,
    /// How many.
    pub count: usize,
    /// Their sum.
    pub amount: Money,
}

/// Payments less refunds and lost disputes in one currency, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerTotal {
    /// The currency.
    pub currency: Currency,
    /// Sum at Stripe.
    pub stripe: i64,
    /// Sum in our database.
    pub recorded: i64,
}

/// A movement that is not equal on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MovementDifference {
    /// Its kind.
    pub kind: MovementKind,
    /// Stripe's ID.
    pub id: String,
    /// Stripe's customer.
    pub customer: Option<String>,
    /// The amount at Stripe.
    pub stripe: Option<Money>,
    /// The amount in our database.
    pub recorded: Option<Money>,
    /// The reason of the difference.
    pub reason: DifferenceReason,
}

/// Why the two sides differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceReason {
    /// The customer has pending webhooks.
    WebhookPending,
    /// The customer has a parked webhook.
    WebhookParked,
    /// The account was deleted together with its records.
    AccountDeleted,
    /// The customer is unknown here: the Stripe account has other products as well.
    ForeignCustomer,
    /// No webhook has reported the movement.
    MissingWebhook,
    /// Stripe does not list the movement.
    NotAtStripe,
    /// Stripe lists another amount.
    AmountMismatch,
}

impl DifferenceReason {
    /// Whether the difference is expected.
    pub const fn is_explained(self) -> bool {
        matches!(
            self,
            Self::WebhookPending | Self::AccountDeleted | Self::ForeignCustomer
        )
    }

    /// The reason as the end of a sentence.
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::WebhookPending => "its webhook is pending.",
            Self::WebhookParked => "a webhook of this customer is parked.",
            Self::AccountDeleted => "the account and its records were deleted.",
            Self::ForeignCustomer => "the customer does not belong to this app.",
            Self::MissingWebhook => "no webhook has reported it.",
            Self::NotAtStripe => "Stripe does not list it.",
            Self::AmountMismatch => "Stripe lists another amount.",
        }
    }
}

impl LedgerCheck {
    /// Whether every difference is explained.
    pub fn is_balanced(&self) -> bool {
        self.differences
            .iter()
            .all(|difference| difference.reason.is_explained())
    }
}

/// Compares the movements that Stripe lists with those in our database.
pub fn check(listed: &StripeLedger, recorded: &[Movement], context: &ReconcileContext) -> LedgerCheck {
    let mut ours: BTreeMap<(MovementKind, &str), &Movement> = recorded
        .iter()
        .map(|movement| ((movement.kind, movement.id.as_str()), movement))
        .collect();
    let mut differences = Vec::new();
    let mut totals = Totals::default();
    let mut separate: BTreeMap<(MovementScope, Currency), SeparateTotal> = BTreeMap::new();
    let mut counted: BTreeMap<MovementKind, usize> = BTreeMap::new();
    for movement in &listed.movements {
        let (scope, currency) = (movement.scope, movement.amount.currency);
        // A recorded movement was for the plan when its webhook was applied.
        let is_recorded = ours.contains_key(&(movement.kind, movement.id.as_str()));
        if scope != MovementScope::Plan && !is_recorded {
            let total = separate.entry((scope, currency)).or_insert(SeparateTotal {
                scope,
                count: 0,
                amount: Money::new(0, currency),
            });
            total.count += 1;
            total.amount.minor += signed(movement);
            continue;
        }
        *counted.entry(movement.kind).or_default() += 1;
        totals.of(movement).stripe += signed(movement);
        let note = ours.remove(&(movement.kind, movement.id.as_str()));
        if let Some(note) = note {
            totals.of(note).recorded += signed(note);
        }
        let reason = match note {
            Some(note) if note.amount == movement.amount => continue,
            Some(_) => DifferenceReason::AmountMismatch,
            None => reason_unrecorded(movement, context),
        };
        differences.push(MovementDifference {
            kind: movement.kind,
            id: movement.id.clone(),
            customer: movement.customer.clone(),
            stripe: Some(movement.amount),
            recorded: note.map(|note| note.amount),
            reason,
        });
    }
    // If the list was cut off, a movement that is not on it may still exist at Stripe.
    for note in ours.into_values().filter(|_| !listed.cut_off) {
        totals.of(note).recorded += signed(note);
        differences.push(MovementDifference {
            kind: note.kind,
            id: note.id.clone(),
            customer: note.customer.clone(),
            stripe: None,
            recorded: Some(note.amount),
            reason: DifferenceReason::NotAtStripe,
        });
    }
    let count = |kind| counted.get(&kind).copied().unwrap_or_default();
    LedgerCheck {
        payments: count(MovementKind::Payment),
        refunds: count(MovementKind::Refund),
        disputes: count(MovementKind::Dispute),
        separate: separate.into_values().collect(),
        totals: totals.0.into_values().collect(),
        differences,
        cut_off: listed.cut_off,
    }
}

fn reason_unrecorded(movement: &Movement, context: &ReconcileContext) -> DifferenceReason {
    let Some(customer) = &movement.customer else {
        return DifferenceReason::MissingWebhook;
    };
    match context.customers.get(customer) {
        None => DifferenceReason::ForeignCustomer,
        Some(false) => DifferenceReason::AccountDeleted,
        Some(true) if context.parked.contains(customer) => DifferenceReason::WebhookParked,
        Some(true) if context.pending.contains(customer) => DifferenceReason::WebhookPending,
        Some(true) => DifferenceReason::MissingWebhook,
    }
}

fn signed(movement: &Movement) -> i64 {
    match movement.kind {
        MovementKind::Payment => movement.amount.minor,
        MovementKind::Refund | MovementKind::Dispute => -movement.amount.minor,
    }
}

/// Sums by currency.
#[derive(Default)]
struct Totals(BTreeMap<Currency, LedgerTotal>);

impl Totals {
    fn of(&mut self, movement: &Movement) -> &mut LedgerTotal {
        let currency = movement.amount.currency;
        self.0.entry(currency).or_insert(LedgerTotal {
            currency,
            stripe: 0,
            recorded: 0,
        })
    }
}

#[cfg(test)]
mod tests;
