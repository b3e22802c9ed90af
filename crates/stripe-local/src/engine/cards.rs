//! Cards: created from test numbers and test IDs, attached to customers and detached from them.

use super::Operation;
use crate::{
    api_error::ApiError,
    billing::cards::TestCard,
    form::Metadata,
    records::{
        Card, CardBehaviour, CardDecline, CustomerRecord, PaymentMethodRecord, SetupIntentRecord,
        SetupStatus, SubscriptionRecord,
    },
    render,
};

pub(super) fn card_error(decline: &CardDecline) -> ApiError {
    ApiError::card_declined(&decline.code, decline.decline_code.as_deref(), &decline.message)
}

impl Operation<'_> {
    /// A card that is attached to no customer. `expiry` is month and year.
    pub(crate) fn new_card(&mut self, card: TestCard, expiry: (i64, i64)) -> PaymentMethodRecord {
        let method = PaymentMethodRecord {
            id: self.records.new_id("pm"),
            created: self.now_secs(None),
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
        self.records.put(method.clone());
        method
    }

    /// Attaches a card to a customer and emits `payment_method.attached`.
    ///
    /// Fails if the card is declined or attached to another customer.
    pub(crate) fn attach_card(
        &mut self,
        method: &PaymentMethodRecord,
        customer: &str,
    ) -> Result<PaymentMethodRecord, ApiError> {
        if let Some(decline) = method.card.behaviour.attach_decline() {
            return Err(card_error(&decline));
        }
        if method.customer.as_deref().is_some_and(|owner| owner != customer) {
            return Err(ApiError::invalid_request(
                "The payment method you provided has already been attached to a customer.",
            ));
        }
        let attached = PaymentMethodRecord {
            customer: Some(customer.to_owned()),
            ..method.clone()
        };
        self.records.put(attached.clone());
        self.emit("payment_method.attached", render::payment_method(&attached), None);
        Ok(attached)
    }

    /// Attaches a card through a setup intent, as Checkout and the portal do. Emits the intent's events.
    ///
    /// Fails if the card is declined, or if it needs confirmation and `confirmed` is false.
    pub(crate) fn set_up_card(
        &mut self,
        method: &PaymentMethodRecord,
        customer: &str,
        confirmed: bool,
    ) -> Result<SetupIntentRecord, ApiError> {
        let waits = method.card.behaviour == CardBehaviour::NeedsConfirmation && !confirmed;
        if waits {
            return Err(confirmation_required());
        }
        let test_clock = self.find_customer(customer, "customer")?.test_clock;
        let mut intent = SetupIntentRecord {
            id: self.records.new_id("seti"),
            created: self.now_secs(test_clock.as_deref()),
            customer: Some(customer.to_owned()),
            payment_method: None,
            status: SetupStatus::RequiresPaymentMethod,
            usage: "off_session".to_owned(),
            description: None,
            metadata: Metadata::new(),
            error: None,
        };
        self.emit_setup_intent("setup_intent.created", &intent);
        self.attach_card(method, customer)?;
        intent.payment_method = Some(method.id.clone());
        intent.status = SetupStatus::Succeeded;
        self.emit_setup_intent("setup_intent.succeeded", &intent);
        Ok(intent)
    }

    pub(crate) fn emit_setup_intent(&mut self, name: &str, intent: &SetupIntentRecord) {
        let object = render::setup_intent(self.records, intent);
        self.records.put(intent.clone());
        self.emit(name, object, None);
    }

    /// Makes a card the default of its customer, and of the customer's subscriptions that have their own card.
    pub(crate) fn make_default_card(&mut self, customer: CustomerRecord, method: &str) {
        let id = customer.id.clone();
        self.change_customer(CustomerRecord {
            default_payment_method: Some(method.to_owned()),
            ..customer
        });
        let own: Vec<String> = self
            .records
            .children::<SubscriptionRecord>(&id)
            .filter(|subscription| !subscription.has_ended())
            .filter(|subscription| subscription.default_payment_method.is_some())
            .map(|subscription| subscription.id.clone())
            .collect();
        for subscription in own {
            self.change_subscription(&subscription, |subscription, _| {
                subscription.default_payment_method = Some(method.to_owned());
            });
        }
    }

    pub(crate) fn detach_card(
        &mut self,
        method: &PaymentMethodRecord,
    ) -> Result<PaymentMethodRecord, ApiError> {
        let Some(owner) = &method.customer else {
            return Err(ApiError::invalid_request(
                "The payment method you provided is not attached to a customer so detachment is impossible.",
            ));
        };
        if let Some(mut customer) = self.records.get::<CustomerRecord>(owner).cloned()
            && customer.default_payment_method.as_deref() == Some(method.id.as_str())
        {
            customer.default_payment_method = None;
            self.change_customer(customer);
        }
        let detached = PaymentMethodRecord {
            customer: None,
            ..method.clone()
        };
        self.records.put(detached.clone());
        self.emit("payment_method.detached", render::payment_method(&detached), None);
        Ok(detached)
    }
}

/// The error that makes a page ask the cardholder for confirmation.
pub(crate) fn confirmation_required() -> ApiError {
    ApiError::card_declined(
        "authentication_required",
        None,
        "Your bank requires you to confirm this payment.",
    )
}
