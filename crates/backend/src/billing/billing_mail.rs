//! Decides which mail a webhook causes. It sends and stores nothing.

use super::payload::{Invoice, PayloadError, StripeEvent, StripeStatus, Subscription};
use crate::dates;
use crate::mail::MailKind;

/// A mail about a fact at Stripe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingMail {
    /// Which mail.
    pub kind: MailKind,
    /// Names the fact. Webhooks about the same fact have the same text.
    pub fact: String,
    /// What the mail mentions: a date or an amount.
    pub detail: String,
}

/// The mail that a webhook causes, if any. `current` is the fetched subscription, `is_paid` whether Stripe lists an invoice
/// as paid: a late webhook causes no mail about what has changed since.
///
/// # Errors
/// When the webhook's object cannot be read.
pub fn billing_mail(
    event: &StripeEvent,
    current: &Subscription,
    has_card: bool,
    is_paid: impl Fn(&str) -> bool,
) -> Result<Option<BillingMail>, PayloadError> {
    Ok(match event.kind.as_str() {
        "customer.subscription.trial_will_end" => {
            let announced = Subscription::read(&event.object)?.trial_end;
            let still_ends = current.status == StripeStatus::Trialing
                && current.trial_end == announced
                && !current.is_scheduled_to_end();
            announced.filter(|_| still_ends).map(|trial_end| BillingMail {
                kind: match has_card {
                    true => MailKind::TrialEnding,
                    false => MailKind::TrialEndingWithoutCard,
                },
                fact: format!("trial_will_end:{}:{trial_end}", current.id),
                detail: dates::long(trial_end),
            })
        }
        "invoice.payment_failed" => {
            let invoice = Invoice::read(&event.object)?;
            // A first payment fails on Stripe's own page, in front of the user.
            let is_owed = matches!(current.status, StripeStatus::PastDue | StripeStatus::Unpaid)
                && !is_paid(&invoice.id);
            is_owed.then(|| BillingMail {
                kind: MailKind::PaymentFailed,
                fact: format!("payment_failed:{}:{}", invoice.id, invoice.attempts),
                detail: invoice.due.to_string(),
            })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const TRIAL_END: i64 = 1_795_000_000;

    fn subscription(status: &str, changes: Value) -> Value {
        let mut object = json!({
            "id": "sub_1", "object": "subscription", "customer": "cus_1", "status": status, "created": 1,
            "cancel_at_period_end": false, "trial_end": TRIAL_END,
        });
        object
            .as_object_mut()
            .unwrap()
            .extend(changes.as_object().unwrap().clone());
        object
    }

    fn event(kind: &str, object: &Value) -> StripeEvent {
        StripeEvent::read(&json!({"id": "evt_1", "type": kind, "created": 1, "data": {"object": object}}))
            .unwrap()
    }

    #[test]
    fn a_trial_that_still_ends_is_announced() {
        let announced = subscription("trialing", json!({}));
        let event = event("customer.subscription.trial_will_end", &announced);
        let mail = |kind| {
            Some(BillingMail {
                kind,
                fact: "trial_will_end:sub_1:1795000000".to_owned(),
                detail: "18 November 2026 (UTC)".to_owned(),
            })
        };
        for (current, has_card, expected) in [
            (announced.clone(), true, mail(MailKind::TrialEnding)),
            (announced, false, mail(MailKind::TrialEndingWithoutCard)),
            (
                subscription("trialing", json!({"cancel_at_period_end": true})),
                true,
                None,
            ),
            (
                subscription("trialing", json!({"trial_end": TRIAL_END + 86_400})),
                true,
                None,
            ),
            (subscription("active", json!({})), true, None),
            (subscription("canceled", json!({})), false, None),
        ] {
            let fetched = Subscription::read(&current).unwrap();
            let found = billing_mail(&event, &fetched, has_card, |_| false).unwrap();
            assert_eq!(found, expected, "{current}");
        }
    }

    #[test]
    fn each_failed_attempt_of_an_unpaid_invoice_is_reported() {
        let invoice = |attempts: u32| {
            json!({
                "id": "in_1", "object": "invoice", "customer": "cus_1", "subscription": "sub_1", "currency": "usd",
                "amount_paid": 0, "amount_due": 1_200, "attempt_count": attempts, "created": 1, "lines": {"data": []},
            })
        };
        let fact = |attempts| Some(format!("payment_failed:in_1:{attempts}"));
        for (attempts, status, paid, expected) in [
            (1, "past_due", false, fact(1)),
            (2, "past_due", false, fact(2)),
            (4, "unpaid", false, fact(4)),
            (1, "past_due", true, None),
            (1, "active", false, None),
            (1, "incomplete", false, None),
            (4, "canceled", false, None),
        ] {
            let event = event("invoice.payment_failed", &invoice(attempts));
            let current = Subscription::read(&subscription(status, json!({}))).unwrap();
            let found = billing_mail(&event, &current, true, |id| paid && id == "in_1").unwrap();
            assert_eq!(
                found.as_ref().map(|mail| mail.fact.clone()),
                expected,
                "{attempts} {status} {paid}"
            );
            if let Some(mail) = found {
                assert_eq!(
                    (mail.kind, mail.detail.as_str()),
                    (MailKind::PaymentFailed, "12.00 USD")
                );
            }
        }
    }

    #[test]
    fn other_webhooks_cause_no_mail() {
        let object = subscription("trialing", json!({}));
        let current = Subscription::read(&object).unwrap();
        for kind in [
            "customer.subscription.created",
            "customer.subscription.updated",
            "invoice.paid",
        ] {
            assert_eq!(
                billing_mail(&event(kind, &object), &current, true, |_| false),
                Ok(None),
                "{kind}"
            );
        }
    }
}
