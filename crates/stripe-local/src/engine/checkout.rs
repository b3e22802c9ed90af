//! Checkout sessions: completed by the hosted page, or expired. Does not render pages.

use super::{FirstPaymentPolicy, NewSubscription, Operation};
use crate::{
    api_error::ApiError,
    billing::{cards, period::DAY_SECS},
    form::Metadata,
    records::{
        CardBehaviour, CheckoutMode, CheckoutSessionRecord, CheckoutStatus, CustomerRecord,
        PaymentMethodRecord, SetupIntentRecord, SubscriptionRecord,
    },
    render,
};

/// The card fields of a submitted form.
#[derive(Clone, Debug, Default)]
pub(crate) struct CardForm {
    pub(crate) number: String,
    /// For example `12 / 34`.
    pub(crate) expiry: String,
    pub(crate) cvc: String,
    pub(crate) name: String,
    /// Whether the cardholder confirmed the payment at the bank.
    pub(crate) confirmed: bool,
}

impl CardForm {
    /// Month and year, from `MM/YY` or `MM/YYYY`.
    fn expires(&self) -> Option<(i64, i64)> {
        let digits: String = self.expiry.chars().filter(char::is_ascii_digit).collect();
        let (month, year) = match digits.len() {
            4 | 6 => digits.split_at(2),
            _ => return None,
        };
        let month: i64 = month.parse().ok()?;
        let year: i64 = year.parse().ok()?;
        let year = if year < 100 { year + 2000 } else { year };
        (1..=12).contains(&month).then_some((month, year))
    }
}

impl Operation<'_> {
    /// Creates a card from a submitted form.
    ///
    /// Fails with the message that Stripe's page shows if a field is not valid or the card is expired.
    pub(crate) fn card_from_form(&mut self, form: &CardForm) -> Result<PaymentMethodRecord, ApiError> {
        let Some(card) = cards::by_number(&form.number) else {
            return Err(ApiError::card_declined(
                "incorrect_number",
                None,
                "Your card number is not one of Stripe's test cards, such as 4242 4242 4242 4242.",
            ));
        };
        let Some((month, year)) = form.expires() else {
            return Err(ApiError::card_declined(
                "invalid_expiry_month",
                None,
                "Your card's expiration date is incomplete.",
            ));
        };
        let today =
            time::OffsetDateTime::from_unix_timestamp(self.wall_secs()).map_err(|_| ApiError::internal())?;
        if (year, month) < (i64::from(today.year()), i64::from(u8::from(today.month()))) {
            return Err(ApiError::card_declined(
                "invalid_expiry_year",
                None,
                "Your card's expiration date is in the past.",
            ));
        }
        let digits = form.cvc.trim();
        if !(3..=4).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(ApiError::card_declined(
                "invalid_cvc",
                None,
                "Your card's security code is incomplete.",
            ));
        }
        let mut method = self.new_card(card, (month, year));
        method.name = Some(form.name.trim().to_owned()).filter(|name| !name.is_empty());
        self.records.put(method.clone());
        Ok(method)
    }

    /// Completes an open Checkout session and emits `checkout.session.completed`. `card` is needed if the page asked
    /// for one.
    ///
    /// Fails if the card is not valid or is declined.
    pub(crate) fn complete_checkout(
        &mut self,
        session: &CheckoutSessionRecord,
        email: Option<String>,
        card: Option<&CardForm>,
    ) -> Result<CheckoutSessionRecord, ApiError> {
        let mut completed = session.clone();
        completed.collected_email = email;
        completed.collected_name = card.map(|card| card.name.clone()).filter(|name| !name.is_empty());
        let method = card.map(|card| self.card_from_form(card)).transpose()?;
        if let (Some(method), Some(card)) = (&method, card) {
            self.check_card(session, method, card.confirmed)?;
        }
        let customer = self.checkout_customer(&completed)?;
        completed.customer = Some(customer.id.clone());
        let confirmed = card.is_some_and(|card| card.confirmed);
        let intent = match method {
            Some(mut method) => {
                method.email = known_email(&completed, &customer);
                Some(self.attach_checkout_card(session, &method, &customer.id, confirmed)?)
            }
            None => None,
        };
        if session.mode == CheckoutMode::Subscription {
            let method = intent.as_ref().and_then(|(method, _)| method.clone());
            let subscription = self.checkout_subscription(session, customer, method, confirmed)?;
            let created = self.find::<SubscriptionRecord>("subscription", &subscription, "id")?;
            completed.invoice.clone_from(&created.latest_invoice);
            completed.subscription = Some(subscription);
        }
        completed.setup_intent = intent.and_then(|(_, setup)| setup).map(|setup| setup.id);
        completed.status = CheckoutStatus::Complete;
        completed.payment_status = if session.needs_card() && session.mode == CheckoutMode::Subscription {
            "paid".to_owned()
        } else {
            "no_payment_required".to_owned()
        };
        let object = render::checkout_session(self.records, &completed);
        self.records.put(completed.clone());
        self.emit("checkout.session.completed", object, None);
        Ok(completed)
    }

    /// Fails if the card will be declined, before any object is created.
    fn check_card(
        &self,
        session: &CheckoutSessionRecord,
        method: &PaymentMethodRecord,
        confirmed: bool,
    ) -> Result<(), ApiError> {
        let behaviour = method.card.behaviour;
        if behaviour == CardBehaviour::NeedsConfirmation {
            return if confirmed {
                Ok(())
            } else {
                Err(super::cards::confirmation_required())
            };
        }
        let is_paid_now = session.mode == CheckoutMode::Subscription && !session.has_trial();
        let decline = if is_paid_now {
            behaviour.off_session_charge().err()
        } else {
            behaviour.attach_decline()
        };
        decline.map_or(Ok(()), |decline| Err(super::cards::card_error(&decline)))
    }

    fn checkout_customer(&mut self, session: &CheckoutSessionRecord) -> Result<CustomerRecord, ApiError> {
        if let Some(id) = &session.customer {
            return self.find_customer(id, "customer");
        }
        let email = session
            .collected_email
            .clone()
            .or_else(|| session.customer_email.clone());
        let customer = CustomerRecord {
            id: self.records.new_id("cus"),
            created: self.now_secs(None),
            email,
            name: session.collected_name.clone(),
            phone: None,
            description: None,
            metadata: Metadata::new(),
            default_payment_method: None,
            currency: None,
            invoice_prefix: self.records.random_text(8).to_uppercase(),
            next_invoice: 1,
            test_clock: None,
            deleted: false,
        };
        self.records.put(customer.clone());
        self.emit("customer.created", render::customer(&customer), None);
        Ok(customer)
    }

    /// Attaches the card to the customer, through a setup intent if there is a trial or in setup mode.
    fn attach_checkout_card(
        &mut self,
        session: &CheckoutSessionRecord,
        method: &PaymentMethodRecord,
        customer: &str,
        confirmed: bool,
    ) -> Result<(Option<String>, Option<SetupIntentRecord>), ApiError> {
        self.records.put(method.clone());
        let intent = if session.has_trial() || session.mode == CheckoutMode::Setup {
            Some(self.set_up_card(method, customer, confirmed)?)
        } else {
            self.attach_card(method, customer)?;
            None
        };
        Ok((Some(method.id.clone()), intent))
    }

    fn checkout_subscription(
        &mut self,
        session: &CheckoutSessionRecord,
        customer: CustomerRecord,
        method: Option<String>,
        confirmed: bool,
    ) -> Result<String, ApiError> {
        let data = &session.subscription_data;
        let now = self.now_secs(customer.test_clock.as_deref());
        self.create_subscription(NewSubscription {
            customer,
            items: session
                .lines
                .iter()
                .map(|line| (line.price.clone(), line.quantity, Metadata::new()))
                .collect(),
            trial_end: data
                .trial_end
                .or(data.trial_period_days.map(|days| now + days * DAY_SECS)),
            missing_payment_method: data.missing_payment_method,
            billing_mode: data.billing_mode,
            metadata: data.metadata.clone(),
            description: data.description.clone(),
            default_payment_method: method,
            first_payment: if confirmed {
                FirstPaymentPolicy::Confirmed
            } else {
                FirstPaymentPolicy::ErrorIfIncomplete
            },
        })
    }

    /// Expires an open session and emits `checkout.session.expired`.
    pub(crate) fn expire_checkout(&mut self, session: &CheckoutSessionRecord) -> CheckoutSessionRecord {
        let expired = CheckoutSessionRecord {
            status: CheckoutStatus::Expired,
            ..session.clone()
        };
        let object = render::checkout_session(self.records, &expired);
        self.records.put(expired.clone());
        self.emit("checkout.session.expired", object, None);
        expired
    }
}

fn known_email(session: &CheckoutSessionRecord, customer: &CustomerRecord) -> Option<String> {
    session.collected_email.clone().or_else(|| customer.email.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_dates_are_parsed() {
        let cases = [
            ("12 / 34", Some((12, 2034))),
            ("1234", Some((12, 2034))),
            ("01/2034", Some((1, 2034))),
            ("13/34", None),
            ("1/34", None),
            ("", None),
        ];
        for (expiry, expected) in cases {
            let form = CardForm {
                expiry: expiry.to_owned(),
                ..CardForm::default()
            };
            assert_eq!(form.expires(), expected, "{expiry}");
        }
    }
}
