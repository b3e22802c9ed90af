//! What the hosted Checkout page does when it is submitted, and when it is too late.

use super::{NewSubscription, PayFirst, Work};
use crate::{
    billing::{
        cards::{self, Behaviour},
        period::DAY,
    },
    failure::Failure,
    form::Metadata,
    render,
    world::{
        CheckoutMode, CheckoutSession, CheckoutStatus, Customer, PaymentMethod, SetupIntent, Subscription,
    },
};

/// A card as it was typed.
#[derive(Clone, Debug, Default)]
pub(crate) struct CardForm {
    pub(crate) number: String,
    /// `12 / 34`.
    pub(crate) expiry: String,
    pub(crate) cvc: String,
    pub(crate) name: String,
    /// The owner said yes to their bank.
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

impl Work<'_> {
    /// A new card from what was typed, or what is wrong with it, in the words of Stripe's pages.
    pub(crate) fn typed_card(&mut self, form: &CardForm) -> Result<PaymentMethod, Failure> {
        let Some(card) = cards::by_number(&form.number) else {
            return Err(Failure::card(
                "incorrect_number",
                None,
                "Your card number is not one of Stripe's test cards, such as 4242 4242 4242 4242.",
            ));
        };
        let Some((month, year)) = form.expires() else {
            return Err(Failure::card(
                "invalid_expiry_month",
                None,
                "Your card's expiration date is incomplete.",
            ));
        };
        let today = time::OffsetDateTime::from_unix_timestamp(self.wall()).map_err(|_| Failure::broken())?;
        if (year, month) < (i64::from(today.year()), i64::from(u8::from(today.month()))) {
            return Err(Failure::card(
                "invalid_expiry_year",
                None,
                "Your card's expiration date is in the past.",
            ));
        }
        let digits = form.cvc.trim();
        if !(3..=4).contains(&digits.len()) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Failure::card(
                "invalid_cvc",
                None,
                "Your card's security code is incomplete.",
            ));
        }
        let mut method = self.new_card(card, (month, year));
        method.name = Some(form.name.trim().to_owned()).filter(|name| !name.is_empty());
        self.world.put(method.clone());
        Ok(method)
    }

    /// Completes an open Checkout session; `card` when the page asked for one.
    pub(crate) fn complete_checkout(
        &mut self,
        session: &CheckoutSession,
        email: Option<String>,
        card: Option<&CardForm>,
    ) -> Result<CheckoutSession, Failure> {
        let mut done = session.clone();
        done.collected_email = email;
        done.collected_name = card.map(|card| card.name.clone()).filter(|name| !name.is_empty());
        let method = card.map(|card| self.typed_card(card)).transpose()?;
        if let (Some(method), Some(card)) = (&method, card) {
            self.check_card(session, method, card.confirmed)?;
        }
        let customer = self.checkout_customer(&done)?;
        done.customer = Some(customer.id.clone());
        let confirmed = card.is_some_and(|card| card.confirmed);
        let intent = match method {
            Some(mut method) => {
                method.email = known_email(&done, &customer);
                Some(self.keep_card(session, &method, &customer.id, confirmed)?)
            }
            None => None,
        };
        if session.mode == CheckoutMode::Subscription {
            let method = intent.as_ref().and_then(|(method, _)| method.clone());
            let subscription = self.checkout_subscription(session, customer, method, confirmed)?;
            let made = self.find::<Subscription>("subscription", &subscription, "id")?;
            done.invoice.clone_from(&made.latest_invoice);
            done.subscription = Some(subscription);
        }
        done.setup_intent = intent.and_then(|(_, setup)| setup).map(|setup| setup.id);
        done.status = CheckoutStatus::Complete;
        done.payment_status = if session.needs_card() && session.mode == CheckoutMode::Subscription {
            "paid".to_owned()
        } else {
            "no_payment_required".to_owned()
        };
        let object = render::checkout_session(self.world, &done);
        self.world.put(done.clone());
        self.emit("checkout.session.completed", object, None);
        Ok(done)
    }

    /// Says no before anything is made, as a page does that stays where it is.
    fn check_card(
        &self,
        session: &CheckoutSession,
        method: &PaymentMethod,
        confirmed: bool,
    ) -> Result<(), Failure> {
        let behaviour = method.card.behaviour;
        if behaviour == Behaviour::NeedsConfirmation {
            return if confirmed {
                Ok(())
            } else {
                Err(super::cards::needs_confirmation())
            };
        }
        let pays_now = session.mode == CheckoutMode::Subscription && !session.has_trial();
        let decline = if pays_now {
            behaviour.charge().err()
        } else {
            behaviour.refusal()
        };
        decline.map_or(Ok(()), |decline| Err(super::cards::refused(&decline)))
    }

    fn checkout_customer(&mut self, session: &CheckoutSession) -> Result<Customer, Failure> {
        if let Some(id) = &session.customer {
            return self.customer(id, "customer");
        }
        let email = session
            .collected_email
            .clone()
            .or_else(|| session.customer_email.clone());
        let customer = Customer {
            id: self.world.mint("cus"),
            created: self.now(None),
            email,
            name: session.collected_name.clone(),
            phone: None,
            description: None,
            metadata: Metadata::new(),
            default_payment_method: None,
            currency: None,
            invoice_prefix: self.world.letters(8).to_uppercase(),
            next_invoice: 1,
            test_clock: None,
            deleted: false,
        };
        self.world.put(customer.clone());
        self.emit("customer.created", render::customer(&customer), None);
        Ok(customer)
    }

    /// The card kept for the customer; with a trial or in setup mode by a setup intent.
    fn keep_card(
        &mut self,
        session: &CheckoutSession,
        method: &PaymentMethod,
        customer: &str,
        confirmed: bool,
    ) -> Result<(Option<String>, Option<SetupIntent>), Failure> {
        self.world.put(method.clone());
        let intent = if session.has_trial() || session.mode == CheckoutMode::Setup {
            Some(self.set_up(method, customer, confirmed)?)
        } else {
            self.attach(method, customer)?;
            None
        };
        Ok((Some(method.id.clone()), intent))
    }

    fn checkout_subscription(
        &mut self,
        session: &CheckoutSession,
        customer: Customer,
        method: Option<String>,
        confirmed: bool,
    ) -> Result<String, Failure> {
        let data = &session.subscription_data;
        let now = self.now(customer.test_clock.as_deref());
        self.subscribe(NewSubscription {
            customer,
            items: session
                .lines
                .iter()
                .map(|line| (line.price.clone(), line.quantity, Metadata::new()))
                .collect(),
            trial_end: data
                .trial_end
                .or(data.trial_period_days.map(|days| now + days * DAY)),
            missing_payment_method: data.missing_payment_method,
            billing_mode: data.billing_mode,
            metadata: data.metadata.clone(),
            description: data.description.clone(),
            default_payment_method: method,
            pay: if confirmed {
                PayFirst::Confirmed
            } else {
                PayFirst::OrRefuse
            },
        })
    }

    /// Ends an open session without a purchase.
    pub(crate) fn expire_checkout(&mut self, session: &CheckoutSession) -> CheckoutSession {
        let expired = CheckoutSession {
            status: CheckoutStatus::Expired,
            ..session.clone()
        };
        let object = render::checkout_session(self.world, &expired);
        self.world.put(expired.clone());
        self.emit("checkout.session.expired", object, None);
        expired
    }
}

fn known_email(session: &CheckoutSession, customer: &Customer) -> Option<String> {
    session.collected_email.clone().or_else(|| customer.email.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expiry_dates() {
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
