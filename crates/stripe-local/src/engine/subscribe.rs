//! Creation of a subscription with its first invoice.

use super::{CollectionOutcome, Operation};
use crate::{
    api_error::ApiError,
    billing::{
        lifecycle::{self, FirstPayment},
        period,
    },
    form::Metadata,
    records::{
        BillingMode, BillingPeriod, CancellationDetails, CardBehaviour, CustomerRecord, InvoiceBillingReason,
        MissingPaymentMethod, PriceRecord, Recurring, StripeSubscriptionStatus, SubscriptionItem,
        SubscriptionRecord,
    },
    render,
};

/// Stripe's limit.
const MAX_ITEMS: usize = 20;

/// The parameters of a new subscription.
pub(crate) struct NewSubscription {
    pub(crate) customer: CustomerRecord,
    /// Price, quantity and metadata of each item.
    pub(crate) items: Vec<(String, i64, Metadata)>,
    pub(crate) trial_end: Option<i64>,
    pub(crate) missing_payment_method: MissingPaymentMethod,
    pub(crate) billing_mode: BillingMode,
    pub(crate) metadata: Metadata,
    pub(crate) description: Option<String>,
    pub(crate) default_payment_method: Option<String>,
    pub(crate) first_payment: FirstPaymentPolicy,
}

/// How the first invoice is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstPaymentPolicy {
    /// It is paid. After a failure the subscription is `incomplete`.
    AllowIncomplete,
    /// It is paid, and the cardholder confirms the payment.
    Confirmed,
    /// It is paid. After a failure no subscription is created.
    ErrorIfIncomplete,
    /// It remains open.
    Defer,
}

impl Operation<'_> {
    /// Creates a subscription and returns its ID.
    ///
    /// Fails if the prices do not fit together, or if the payment fails and the policy is `ErrorIfIncomplete`.
    pub(crate) fn create_subscription(&mut self, new: NewSubscription) -> Result<String, ApiError> {
        let now = self.now_secs(new.customer.test_clock.as_deref());
        let (recurring, currency) = self.common_terms(new.items.iter().map(|(price, ..)| price.as_str()))?;
        if new
            .customer
            .currency
            .as_deref()
            .is_some_and(|known| known != currency)
        {
            return Err(ApiError::invalid_request(
                "You cannot combine currencies on a single customer.",
            ));
        }
        let trial = new
            .trial_end
            .filter(|end| *end > now)
            .map(|end| BillingPeriod { start: now, end });
        let items: Vec<SubscriptionItem> = new
            .items
            .into_iter()
            .map(|(price, quantity, metadata)| SubscriptionItem {
                id: self.records.new_id("si"),
                created: now,
                price,
                quantity,
                metadata,
            })
            .collect();
        let period = trial.unwrap_or_else(|| period::first_period(now, recurring));
        let mut subscription = SubscriptionRecord {
            id: self.records.new_id("sub"),
            created: now,
            customer: new.customer.id.clone(),
            test_clock: new.customer.test_clock.clone(),
            status: StripeSubscriptionStatus::Incomplete,
            items,
            recurring,
            currency: currency.clone(),
            period,
            billing_cycle_anchor: trial.map_or(now, |trial| trial.end),
            billing_mode: new.billing_mode,
            cancel_at: None,
            cancel_at_period_end: false,
            canceled_at: None,
            cancellation: CancellationDetails::default(),
            ended_at: None,
            default_payment_method: new.default_payment_method,
            description: new.description,
            latest_invoice: None,
            metadata: new.metadata,
            trial,
            missing_payment_method: new.missing_payment_method,
            pause: None,
            collection_pause: None,
            pending_lines: Vec::new(),
            trial_notice_sent: false,
            upcoming_sent_for: None,
            changed_at: now,
        };
        let lines = self.period_lines(&subscription.items, period, trial.is_some());
        let due = lines.iter().map(|line| line.amount).sum::<i64>() > 0;
        let first = if due {
            self.expected_first_payment(&subscription, new.first_payment)
        } else {
            FirstPayment::NotNeeded
        };
        subscription.status = lifecycle::first_status(trial.is_some(), first);
        let empty_period = BillingPeriod { start: now, end: now };
        let invoice = self.create_draft(
            &subscription,
            InvoiceBillingReason::SubscriptionCreate,
            lines,
            empty_period,
        );
        subscription.latest_invoice = Some(invoice.clone());
        let id = subscription.id.clone();
        let object = render::subscription(self.records, &subscription);
        self.records.put(subscription);
        self.emit("customer.subscription.created", object, None);
        self.emit_invoice("invoice.created", &invoice);
        let is_paid_now = new.first_payment != FirstPaymentPolicy::Defer;
        let collected = self.finalize_invoice(
            &invoice,
            is_paid_now,
            new.first_payment == FirstPaymentPolicy::Confirmed,
        )?;
        if let (FirstPaymentPolicy::ErrorIfIncomplete, CollectionOutcome::Failed(decline)) =
            (new.first_payment, &collected)
        {
            return Err(ApiError::card_declined(
                &decline.code,
                decline.decline_code.as_deref(),
                &decline.message,
            ));
        }
        let customer = CustomerRecord {
            currency: Some(currency),
            ..self.find("customer", &new.customer.id, "customer")?
        };
        self.change_customer(customer);
        Ok(id)
    }

    /// The interval and currency that all prices have. Fails if they differ.
    pub(crate) fn common_terms<'p>(
        &self,
        prices: impl Iterator<Item = &'p str>,
    ) -> Result<(Recurring, String), ApiError> {
        let mut common: Option<(Recurring, String)> = None;
        for (index, id) in prices.enumerate() {
            let price = self.find::<PriceRecord>("price", id, &format!("items[{index}][price]"))?;
            if !price.active {
                return Err(ApiError::invalid_request(format!(
                    "The price specified is inactive: {id}"
                )));
            }
            let Some(recurring) = price.recurring else {
                return Err(ApiError::invalid_request(format!(
                    "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {id}"
                )));
            };
            let terms = (recurring, price.currency);
            match &common {
                None => common = Some(terms),
                Some(first) if *first == terms && index < MAX_ITEMS => {}
                Some(_) => {
                    return Err(ApiError::invalid_request(
                        "stripe-local supports up to 20 items per subscription, all with the same currency and interval.",
                    ));
                }
            }
        }
        common.ok_or_else(|| ApiError::missing_parameter("items"))
    }

    /// The result that the first payment will have, so that `customer.subscription.created` has the right status.
    fn expected_first_payment(
        &self,
        subscription: &SubscriptionRecord,
        policy: FirstPaymentPolicy,
    ) -> FirstPayment {
        let Some(method) = self.payment_method_of(subscription) else {
            return FirstPayment::Open;
        };
        let will_succeed = match method.card.behaviour {
            CardBehaviour::NeedsConfirmation => policy == FirstPaymentPolicy::Confirmed,
            other => other.off_session_charge().is_ok(),
        };
        if will_succeed && policy != FirstPaymentPolicy::Defer {
            FirstPayment::Succeeded
        } else {
            FirstPayment::Open
        }
    }
}
