//! Stripe's test cards: what each number, `pm_card_…` and `tok_…` does.

use serde::{Deserialize, Serialize};

use crate::world::Decline;

/// What a card does when it is kept and when it is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Behaviour {
    Good,
    /// Refused already when it is kept.
    Declined(Reason),
    /// Can be kept; every charge fails.
    FailsWhenCharged,
    /// Asks its owner to confirm.
    NeedsConfirmation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reason {
    Generic,
    InsufficientFunds,
    Expired,
    IncorrectCvc,
    ProcessingError,
}

impl Reason {
    fn decline(self) -> Decline {
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
        Decline {
            code: code.to_owned(),
            decline_code: decline_code.map(str::to_owned),
            message: message.to_owned(),
        }
    }
}

impl Behaviour {
    /// Why the card cannot be kept, if it cannot.
    pub(crate) fn refusal(self) -> Option<Decline> {
        match self {
            Self::Declined(reason) => Some(reason.decline()),
            Self::Good | Self::FailsWhenCharged | Self::NeedsConfirmation => None,
        }
    }

    /// What a charge without its owner present comes to.
    pub(crate) fn charge(self) -> Result<(), Decline> {
        match self {
            Self::Good => Ok(()),
            Self::Declined(reason) => Err(reason.decline()),
            Self::FailsWhenCharged => Err(Reason::Generic.decline()),
            Self::NeedsConfirmation => Err(Decline {
                code: "authentication_required".to_owned(),
                decline_code: Some("authentication_required".to_owned()),
                message: "Your card was declined. This transaction requires authentication.".to_owned(),
            }),
        }
    }
}

/// A test card before anyone has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TestCard {
    pub(crate) brand: &'static str,
    pub(crate) last4: &'static str,
    pub(crate) behaviour: Behaviour,
}

/// Number, name after `pm_card_` and `tok_`, brand, behaviour.
const CARDS: [(&str, &str, &str, Behaviour); 12] = [
    ("4242424242424242", "visa", "visa", Behaviour::Good),
    ("4000056655665556", "visa_debit", "visa", Behaviour::Good),
    ("5555555555554444", "mastercard", "mastercard", Behaviour::Good),
    ("378282246310005", "amex", "amex", Behaviour::Good),
    ("6011111111111117", "discover", "discover", Behaviour::Good),
    (
        "4000000000000002",
        "chargeDeclined",
        "visa",
        Behaviour::Declined(Reason::Generic),
    ),
    (
        "4000000000009995",
        "chargeDeclinedInsufficientFunds",
        "visa",
        Behaviour::Declined(Reason::InsufficientFunds),
    ),
    (
        "4000000000000069",
        "chargeDeclinedExpiredCard",
        "visa",
        Behaviour::Declined(Reason::Expired),
    ),
    (
        "4000000000000127",
        "chargeDeclinedIncorrectCvc",
        "visa",
        Behaviour::Declined(Reason::IncorrectCvc),
    ),
    (
        "4000000000000119",
        "chargeDeclinedProcessingError",
        "visa",
        Behaviour::Declined(Reason::ProcessingError),
    ),
    (
        "4000000000000341",
        "chargeCustomerFail",
        "visa",
        Behaviour::FailsWhenCharged,
    ),
    (
        "4000002500003155",
        "threeDSecure2Required",
        "visa",
        Behaviour::NeedsConfirmation,
    ),
];

fn found(matches: impl Fn(&str, &str) -> bool) -> Option<TestCard> {
    let (number, _, brand, behaviour) = CARDS.iter().find(|(number, name, ..)| matches(number, name))?;
    Some(TestCard {
        brand,
        last4: &number[number.len() - 4..],
        behaviour: *behaviour,
    })
}

/// The card with this number; spaces do not count.
pub(crate) fn by_number(number: &str) -> Option<TestCard> {
    let digits: String = number.chars().filter(|letter| !letter.is_whitespace()).collect();
    found(|known, _| known == digits)
}

/// `pm_card_visa` or `tok_visa`.
pub(crate) fn by_name(id: &str) -> Option<TestCard> {
    let name = id.strip_prefix("pm_card_").or_else(|| id.strip_prefix("tok_"))?;
    found(|_, known| known == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cards_do() {
        // Number, name, kept, charged.
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
        for (number, name, kept, charged) in cases {
            let card = by_number(number).expect(number);
            assert_eq!(by_name(&format!("pm_card_{name}")), Some(card), "{name}");
            assert_eq!(by_name(&format!("tok_{name}")), Some(card), "{name}");
            assert_eq!(card.behaviour.refusal().is_none(), kept, "{name}");
            assert_eq!(card.behaviour.charge().is_ok(), charged, "{name}");
            assert!(number.ends_with(card.last4));
        }
        for number in ["", "4242424242424241", "pm_card_visa"] {
            assert_eq!(by_number(number), None, "{number}");
        }
        assert_eq!(by_name("pm_card_nothing"), None);
    }
}
