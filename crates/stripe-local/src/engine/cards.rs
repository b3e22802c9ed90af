//! Cards: made from test numbers and names, kept for customers.

use super::Work;
use crate::{
    billing::cards::{Behaviour, TestCard},
    failure::Failure,
    form::Metadata,
    render,
    world::{Card, Customer, Decline, PaymentMethod, SetupIntent, SetupStatus, Subscription},
};

pub(super) fn refused(decline: &Decline) -> Failure {
    Failure::card(&decline.code, decline.decline_code.as_deref(), &decline.message)
}

impl Work<'_> {
    /// A card that belongs to nobody yet. `expiry` is month and year.
    pub(crate) fn new_card(&mut self, card: TestCard, expiry: (i64, i64)) -> PaymentMethod {
        let method = PaymentMethod {
            id: self.world.mint("pm"),
            created: self.now(None),
            customer: None,
            email: None,
            name: None,
            card: Card {
                brand: card.brand.to_owned(),
                last4: card.last4.to_owned(),
                exp_month: expiry.0,
                exp_year: expiry.1,
                fingerprint: format!("local{}{}", card.brand, card.last4),
                behaviour: card.behaviour,
            },
            metadata: Metadata::new(),
        };
        self.world.put(method.clone());
        method
    }

    /// Keeps a card for a customer, with `payment_method.attached`.
    pub(crate) fn attach(
        &mut self,
        method: &PaymentMethod,
        customer: &str,
    ) -> Result<PaymentMethod, Failure> {
        if let Some(decline) = method.card.behaviour.refusal() {
            return Err(refused(&decline));
        }
        if method.customer.as_deref().is_some_and(|owner| owner != customer) {
            return Err(Failure::invalid(
                "The payment method you provided has already been attached to a customer.",
            ));
        }
        let attached = PaymentMethod {
            customer: Some(customer.to_owned()),
            ..method.clone()
        };
        self.world.put(attached.clone());
        self.emit("payment_method.attached", render::payment_method(&attached), None);
        Ok(attached)
    }

    /// Keeps a card by a setup intent, as Checkout and the portal do. `confirmed`: its owner says yes.
    pub(crate) fn set_up(
        &mut self,
        method: &PaymentMethod,
        customer: &str,
        confirmed: bool,
    ) -> Result<SetupIntent, Failure> {
        let waits = method.card.behaviour == Behaviour::NeedsConfirmation && !confirmed;
        if waits {
            return Err(needs_confirmation());
        }
        let test_clock = self.customer(customer, "customer")?.test_clock;
        let mut intent = SetupIntent {
            id: self.world.mint("seti"),
            created: self.now(test_clock.as_deref()),
            customer: Some(customer.to_owned()),
            payment_method: None,
            status: SetupStatus::RequiresPaymentMethod,
            usage: "off_session".to_owned(),
            description: None,
            metadata: Metadata::new(),
            error: None,
        };
        self.emit_setup("setup_intent.created", &intent);
        self.attach(method, customer)?;
        intent.payment_method = Some(method.id.clone());
        intent.status = SetupStatus::Succeeded;
        self.emit_setup("setup_intent.succeeded", &intent);
        Ok(intent)
    }

    pub(crate) fn emit_setup(&mut self, name: &str, intent: &SetupIntent) {
        let object = render::setup_intent(self.world, intent);
        self.world.put(intent.clone());
        self.emit(name, object, None);
    }

    /// Makes a card the one for everything that its customer pays.
    pub(crate) fn make_default(&mut self, customer: Customer, method: &str) {
        let id = customer.id.clone();
        self.change_customer(Customer {
            default_payment_method: Some(method.to_owned()),
            ..customer
        });
        let own: Vec<String> = self
            .world
            .all::<Subscription>()
            .filter(|subscription| subscription.customer == id && !subscription.is_over())
            .filter(|subscription| subscription.default_payment_method.is_some())
            .map(|subscription| subscription.id.clone())
            .collect();
        for subscription in own {
            self.change_subscription(&subscription, |subscription, _| {
                subscription.default_payment_method = Some(method.to_owned());
            });
        }
    }

    pub(crate) fn detach(&mut self, method: &PaymentMethod) -> Result<PaymentMethod, Failure> {
        let Some(owner) = &method.customer else {
            return Err(Failure::invalid(
                "The payment method you provided is not attached to a customer so detachment is impossible.",
            ));
        };
        if let Some(mut customer) = self.world.get::<Customer>(owner).cloned()
            && customer.default_payment_method.as_deref() == Some(method.id.as_str())
        {
            customer.default_payment_method = None;
            self.change_customer(customer);
        }
        let detached = PaymentMethod {
            customer: None,
            ..method.clone()
        };
        self.world.put(detached.clone());
        self.emit("payment_method.detached", render::payment_method(&detached), None);
        Ok(detached)
    }
}

/// The page asks the card's owner and comes back.
pub(crate) fn needs_confirmation() -> Failure {
    Failure::card(
        "authentication_required",
        None,
        "The bank asks you to confirm that you are the card's owner.",
    )
}
