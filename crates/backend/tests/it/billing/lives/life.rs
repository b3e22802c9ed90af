//! The lives: what each person does on which day, and what has to be told of it, once each.

use super::super::stand_in::{BAD_CARD, GOOD_CARD};

/// Something that somebody does.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// "Start trial", and Stripe's page completed.
    Start,
    /// The same with a card, after a trial that was had before.
    StartPaying,
    /// A trial that bills in Stripe's classic mode, as one from before 2025 does; made in the dashboard.
    StartClassic,
    /// A card, by way of the portal.
    Card(&'static str),
    Cancel,
    Resume,
    /// In the portal.
    CancelThere,
    RenewThere,
    Yearly,
    /// The last payment, or so much of it, is given back.
    Refund(Option<&'static str>),
    /// The bank sends the last refund back.
    RefundFails,
}

pub struct Life {
    pub name: &'static str,
    /// By day.
    pub acts: &'static [(u32, Act)],
    /// In the order in which they happen.
    pub events: &'static [&'static str],
    /// What the customer paid in the end, in cents.
    pub money: i64,
}

/// Two renewals after a trial of three days.
pub const DAYS: u32 = 66;

use Act::{
    Cancel, CancelThere, Card, Refund, RefundFails, RenewThere, Resume, Start, StartClassic, StartPaying,
    Yearly,
};

pub const LIVES: &[Life] = &[
    Life {
        name: "a trial converts and renews",
        acts: &[(0, Start), (1, Card(GOOD_CARD))],
        events: &[
            "Trial started",
            "Trial converted",
            "Subscription renewal",
            "Subscription renewal",
        ],
        money: 3_600,
    },
    Life {
        name: "a trial is canceled",
        acts: &[(0, Start), (1, Cancel), (2, Card(GOOD_CARD))],
        events: &["Trial started", "Trial canceled", "Trial expiration"],
        money: 0,
    },
    Life {
        name: "canceled and resumed, twice, and canceled for good once paid",
        acts: &[
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
    Life {
        name: "no card at the end of the trial",
        acts: &[(0, Start)],
        events: &["Trial started", "Trial expiration"],
        money: 0,
    },
    Life {
        name: "the first payment fails and comes after all",
        acts: &[(0, Start), (1, Card(BAD_CARD)), (5, Card(GOOD_CARD))],
        events: &[
            "Trial started",
            "Payment failure",
            "Trial converted",
            "Subscription renewal",
            "Subscription renewal",
        ],
        money: 3_600,
    },
    Life {
        name: "the first payment fails for good",
        acts: &[(0, Start), (1, Card(BAD_CARD))],
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
    Life {
        name: "a renewal fails and comes after all",
        acts: &[
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
    Life {
        name: "a renewal fails for good",
        acts: &[(0, Start), (1, Card(GOOD_CARD)), (20, Card(BAD_CARD))],
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
    Life {
        name: "given back, in two parts",
        acts: &[
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
    Life {
        name: "given back, and the refund fails later",
        acts: &[
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
    Life {
        name: "given back long after the end",
        acts: &[
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
    Life {
        name: "from month to year",
        acts: &[(0, Start), (1, Card(GOOD_CARD)), (10, Yearly)],
        events: &["Trial started", "Trial converted", "Subscription changed"],
        money: 13_200,
    },
    Life {
        name: "from month to year during the trial",
        acts: &[(0, Start), (1, Yearly), (2, Card(GOOD_CARD))],
        events: &["Trial started", "Subscription changed", "Trial converted"],
        money: 12_000,
    },
    Life {
        name: "canceled and renewed in the portal, which bills flexibly",
        acts: &[
            (0, Start),
            (1, CancelThere),
            (2, Resume),
            (2, Card(GOOD_CARD)),
            (5, CancelThere),
            (6, RenewThere),
            (10, CancelThere),
        ],
        events: PORTAL,
        money: 1_200,
    },
    Life {
        name: "canceled and renewed in the portal, which bills in the classic way",
        acts: &[
            (0, StartClassic),
            (1, CancelThere),
            (2, Resume),
            (2, Card(GOOD_CARD)),
            (5, CancelThere),
            (6, RenewThere),
            (10, CancelThere),
        ],
        events: PORTAL,
        money: 1_200,
    },
    Life {
        name: "back after a trial, and paying at once",
        acts: &[(0, Start), (10, StartPaying), (20, Yearly)],
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
