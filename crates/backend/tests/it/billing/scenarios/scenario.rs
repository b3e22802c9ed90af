//! The scenarios: each account's steps by day, and the expected events.

use super::super::stand_in::{BAD_CARD, GOOD_CARD};

/// A step of a scenario.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Clicks "Start trial" and completes Stripe's page.
    Start,
    /// The same with a card, after an earlier trial.
    StartPaying,
    /// A trial in Stripe's classic billing mode, created in the dashboard.
    StartClassic,
    /// Adds a card in the portal.
    Card(&'static str),
    Cancel,
    Resume,
    /// Cancels in the portal.
    CancelInPortal,
    ResumeInPortal,
    Yearly,
    /// Refunds the last payment, or this amount of it.
    Refund(Option<&'static str>),
    /// The bank returns the last refund.
    RefundFails,
}

pub struct Scenario {
    pub name: &'static str,
    /// Steps with their days.
    pub steps: &'static [(u32, Step)],
    /// Expected events in order.
    pub events: &'static [&'static str],
    /// The customer's payments less refunds at the end, in cents.
    pub money: i64,
}

/// Long enough for two renewals after a trial of three days.
pub const DAYS: u32 = 66;

use Step::{
    Cancel, CancelInPortal, Card, Refund, RefundFails, Resume, ResumeInPortal, Start, StartClassic,
    StartPaying, Yearly,
};

pub const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "a trial converts and renews",
        steps: &[(0, Start), (1, Card(GOOD_CARD))],
        events: &[
            "Trial started",
            "Trial converted",
            "Subscription renewal",
            "Subscription renewal",
        ],
        money: 3_600,
    },
    Scenario {
        name: "a trial is canceled",
        steps: &[(0, Start), (1, Cancel), (2, Card(GOOD_CARD))],
        events: &["Trial started", "Trial canceled", "Trial expiration"],
        money: 0,
    },
    Scenario {
        name: "canceled and resumed, twice, and canceled permanently after payment",
        steps: &[
            (0, Start),
            (0, Cancel),
            (0, Resume),
            (1, Card(GOOD_CARD)),
            (1, Cancel),
            (2, Resume),
            (40, Cancel),
        ],
        events: &[
            "Trial started",
            "Trial canceled",
            "Trial resumed",
            "Trial canceled",
            "Trial resumed",
            "Trial converted",
            "Subscription renewal",
            "Subscription canceled",
            "Subscription expiration",
        ],
        money: 2_400,
    },
    Scenario {
        name: "no card at the end of the trial",
        steps: &[(0, Start)],
        events: &["Trial started", "Trial expiration"],
        money: 0,
    },
    Scenario {
        name: "the first payment fails and succeeds later",
        steps: &[(0, Start), (1, Card(BAD_CARD)), (5, Card(GOOD_CARD))],
        events: &[
            "Trial started",
            "Payment failure",
            "Trial converted",
            "Subscription renewal",
            "Subscription renewal",
        ],
        money: 3_600,
    },
    Scenario {
        name: "the first payment fails permanently",
        steps: &[(0, Start), (1, Card(BAD_CARD))],
        events: &[
            "Trial started",
            "Payment failure",
            "Payment failure",
            "Payment failure",
            "Payment failure",
            "Trial expiration",
        ],
        money: 0,
    },
    Scenario {
        name: "a renewal fails and succeeds later",
        steps: &[
            (0, Start),
            (1, Card(GOOD_CARD)),
            (20, Card(BAD_CARD)),
            (38, Card(GOOD_CARD)),
        ],
        events: &[
            "Trial started",
            "Trial converted",
            "Payment failure",
            "Payment failure",
            "Subscription renewal",
            "Subscription renewal",
        ],
        money: 3_600,
    },
    Scenario {
        name: "a renewal fails permanently",
        steps: &[(0, Start), (1, Card(GOOD_CARD)), (20, Card(BAD_CARD))],
        events: &[
            "Trial started",
            "Trial converted",
            "Payment failure",
            "Payment failure",
            "Payment failure",
            "Payment failure",
            "Subscription expiration",
        ],
        money: 1_200,
    },
    Scenario {
        name: "refunded in two parts",
        steps: &[
            (0, Start),
            (1, Card(GOOD_CARD)),
            (10, Refund(Some("501"))),
            (12, Refund(None)),
        ],
        events: &[
            "Trial started",
            "Trial converted",
            "Subscription refund",
            "Subscription refund",
            "Subscription renewal",
            "Subscription renewal",
        ],
        money: 2_400,
    },
    Scenario {
        name: "refunded, and the refund fails later",
        steps: &[
            (0, Start),
            (1, Card(GOOD_CARD)),
            (10, Refund(None)),
            (15, RefundFails),
        ],
        events: &[
            "Trial started",
            "Trial converted",
            "Subscription refund",
            "Subscription refund",
            "Subscription renewal",
            "Subscription renewal",
        ],
        money: 3_600,
    },
    Scenario {
        name: "refunded long after the end",
        steps: &[
            (0, Start),
            (1, Card(GOOD_CARD)),
            (10, Cancel),
            (40, Refund(Some("1199"))),
        ],
        events: &[
            "Trial started",
            "Trial converted",
            "Subscription canceled",
            "Subscription expiration",
            "Subscription refund",
        ],
        money: 1,
    },
    Scenario {
        name: "from month to year",
        steps: &[(0, Start), (1, Card(GOOD_CARD)), (10, Yearly)],
        events: &["Trial started", "Trial converted", "Subscription changed"],
        money: 13_200,
    },
    Scenario {
        name: "from month to year during the trial",
        steps: &[(0, Start), (1, Yearly), (2, Card(GOOD_CARD))],
        events: &["Trial started", "Subscription changed", "Trial converted"],
        money: 12_000,
    },
    Scenario {
        name: "canceled and renewed in the portal, with flexible billing",
        steps: &[
            (0, Start),
            (1, CancelInPortal),
            (2, Resume),
            (2, Card(GOOD_CARD)),
            (5, CancelInPortal),
            (6, ResumeInPortal),
            (10, CancelInPortal),
        ],
        events: PORTAL,
        money: 1_200,
    },
    Scenario {
        name: "canceled and renewed in the portal, with classic billing",
        steps: &[
            (0, StartClassic),
            (1, CancelInPortal),
            (2, Resume),
            (2, Card(GOOD_CARD)),
            (5, CancelInPortal),
            (6, ResumeInPortal),
            (10, CancelInPortal),
        ],
        events: PORTAL,
        money: 1_200,
    },
    Scenario {
        name: "a paid subscription after a trial",
        steps: &[(0, Start), (10, StartPaying), (20, Yearly)],
        events: &[
            "Trial started",
            "Trial expiration",
            "Subscription started",
            "Subscription changed",
        ],
        money: 13_200,
    },
];

const PORTAL: &[&str] = &[
    "Trial started",
    "Trial canceled",
    "Trial resumed",
    "Trial converted",
    "Subscription canceled",
    "Subscription resumed",
    "Subscription canceled",
    "Subscription expiration",
];
