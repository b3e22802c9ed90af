//! Stripe's test cards: the behaviour behind each number, `pm_card_…` and `tok_…`. It accepts no other cards.

use crate::records::{CardBehaviour, CardDecline, DeclineReason};

impl DeclineReason {
    fn decline(self) -> CardDecline {
        let (code, decline_code, message) = match self {
            Self::Generic => (
                "card_declined",
                Some("generic_decline"),
                "Your card was declined.",
            ),
            Self::InsufficientFunds => (
                "card_declined",
                Some("insufficient_funds"),
                "Your card has insufficient funds.",
            ),
            Self::Expired => ("expired_card", Some("expired_card"), "Your card has expired."),
            Self::IncorrectCvc => (
                "incorrect_cvc",
                Some("incorrect_cvc"),
                "Your card's security code is incorrect.",
            ),
            Self::ProcessingError => (
                "processing_error",
                Some("processing_error"),
                "An error occurred while processing your card. Try again in a little bit.",
            ),
        };
        CardDecline {
            code: code.to_owned(),
            decline_code: decline_code.map(str::to_owned),
            message: message.to_owned(),
        }
    }
}

impl CardBehaviour {
    /// The decline when the card is attached to a customer, or `None` if it can be attached.
    pub(crate) fn attach_decline(self) -> Option<CardDecline> {
        match self {
            Self::Declined(reason) => Some(reason.decline()),
            Self::Good | Self::FailsWhenCharged | Self::NeedsConfirmation => None,
        }
    }

    /// The result of a charge while the cardholder is not present.
    pub(crate) fn off_session_charge(self) -> Result<(), CardDecline> {
        match self {
            Self::Good => Ok(()),
            Self::Declined(reason) => Err(reason.decline()),
            Self::FailsWhenCharged => Err(DeclineReason::Generic.decline()),
            Self::NeedsConfirmation => Err(CardDecline {
                code: "authentication_required".to_owned(),
                decline_code: Some("authentication_required".to_owned()),
                message: "Your card was declined. This transaction requires authentication.".to_owned(),
            }),
        }
    }
}

/// A test card that no customer has yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TestCard {
    pub(crate) brand: &'static str,
    pub(crate) last4: &'static str,
    pub(crate) behaviour: CardBehaviour,
}

/// Number, name after `pm_card_` and `tok_`, brand, behaviour.
const CARDS: [(&str, &str, &str, CardBehaviour); 12] = [
    ("4242424242424242", "visa", "visa", CardBehaviour::Good),
    ("4000056655665556", "visa_debit", "visa", CardBehaviour::Good),
    (
        "5555555555554444",
        "mastercard",
        "mastercard",
        CardBehaviour::Good,
    ),
    ("378282246310005", "amex", "amex", CardBehaviour::Good),
    ("6011111111111117", "discover", "discover", CardBehaviour::Good),
    (
        "4000000000000002",
        "chargeDeclined",
        "visa",
        CardBehaviour::Declined(DeclineReason::Generic),
    ),
    (
        "4000000000009995",
        "chargeDeclinedInsufficientFunds",
        "visa",
        CardBehaviour::Declined(DeclineReason::InsufficientFunds),
    ),
    (
        "4000000000000069",
        "chargeDeclinedExpiredCard",
        "visa",
        CardBehaviour::Declined(DeclineReason::Expired),
    ),
    (
        "4000000000000127",
        "chargeDeclinedIncorrectCvc",
        "visa",
        CardBehaviour::Declined(DeclineReason::IncorrectCvc),
    ),
    (
        "4000000000000119",
        "chargeDeclinedProcessingError",
        "visa",
        CardBehaviour::Declined(DeclineReason::ProcessingError),
    ),
    (
        "4000000000000341",
        "chargeCustomerFail",
        "visa",
        CardBehaviour::FailsWhenCharged,
    ),
    (
        "4000002500003155",
        "threeDSecure2Required",
        "visa",
        CardBehaviour::NeedsConfirmation,
    ),
];

fn find_card(matches: impl Fn(&str, &str) -> bool) -> Option<TestCard> {
    let (number, _, brand, behaviour) = CARDS.iter().find(|(number, name, ..)| matches(number, name))?;
    Some(TestCard {
        brand,
        last4: &number[number.len() - 4..],
        behaviour: *behaviour,
    })
}

/// The test card with this number. Spaces are ignored.
pub(crate) fn by_number(number: &str) -> Option<TestCard> {
    let digits: String = number
        .chars()
        .filter(|character| !character.is_whitespace())
        .collect();
    find_card(|known, _| known == digits)
}

/// The test card with this ID, such as `pm_card_visa` or `tok_visa`.
pub(crate) fn by_name(id: &str) -> Option<TestCard> {
    let name = id.strip_prefix("pm_card_").or_else(|| id.strip_prefix("tok_"))?;
    find_card(|_, known| known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_card_has_its_documented_behaviour() {
        // Number, name, can be attached, can be charged.
        let cases = [
            ("4242 4242 4242 4242", "visa", true, true),
            ("4000000000000002", "chargeDeclined", false, false),
            (
                "4000000000009995",
                "chargeDeclinedInsufficientFunds",
                false,
                false,
            ),
            ("4000000000000341", "chargeCustomerFail", true, false),
            ("4000002500003155", "threeDSecure2Required", true, false),
        ];
        for (number, name, can_attach, can_charge) in cases {
            let card = by_number(number).expect(number);
            assert_eq!(by_name(&format!("pm_card_{name}")), Some(card), "{name}");
            assert_eq!(by_name(&format!("tok_{name}")), Some(card), "{name}");
            assert_eq!(card.behaviour.attach_decline().is_none(), can_attach, "{name}");
            assert_eq!(card.behaviour.off_session_charge().is_ok(), can_charge, "{name}");
            assert!(number.ends_with(card.last4));
        }
        for number in ["", "4242424242424241", "pm_card_visa"] {
            assert_eq!(by_number(number), None, "{number}");
        }
        assert_eq!(by_name("pm_card_nothing"), None);
    }
}
