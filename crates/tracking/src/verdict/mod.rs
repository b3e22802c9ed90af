//! The verdict on a person's story: is it one story, and is it told right?
//!
//! A pure function of the events, as Amplitude gives them back, and of the facts, as the database has them. Each rule is
//! named and answers for itself: it holds, something about it is out of the ordinary and the facts explain it, or it is
//! broken. What is explained or broken names the event and says why. A story is *clean* when nothing is broken.
//!
//! The order in which events arrived means nothing here: the same events in any order get the same verdict.

mod case;
mod causes;
mod consent;
mod devices;
mod duplicates;
mod facts;
mod handoffs;
mod ledger;
mod owners;
mod people;
mod plan;
mod presence;
mod sessions;

use serde::{Deserialize, Serialize};

use crate::received::ReceivedEvent;
use case::Case;

pub use facts::{ConsentChange, Ended, Facts, NotedHandoff, Payment, Refund, Scripted, Undelivered, Way};

/// What a story is held to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// All events lead to one user.
    #[serde(rename = "one person")]
    OnePerson,
    /// A present event of the server's lies in a session that the browser is part of.
    #[serde(rename = "present events inside a browser session")]
    PresentInSession,
    /// An event says less of its browser than it could only where nobody knew more.
    #[serde(rename = "stitched as far as known")]
    StitchedAsKnown,
    /// A system event has no device and no session.
    #[serde(rename = "system events without device and session")]
    SystemWithoutIds,
    /// No session is stretched past the timeout by a server event.
    #[serde(rename = "no stretched session")]
    NoStretchedSession,
    /// Nothing is counted twice.
    #[serde(rename = "no duplicates")]
    NoDuplicates,
    /// Every device is a browser of this person.
    #[serde(rename = "no orphan or phantom devices")]
    NoStrayDevices,
    /// What leads to an event comes before it.
    #[serde(rename = "causal order")]
    CausalOrder,
    /// Client names come from the browser, server names from the server.
    #[serde(rename = "one owner per event")]
    OneOwner,
    /// Revenue events say what Stripe has collected and given back.
    #[serde(rename = "revenue equals ledger")]
    RevenueEqualsLedger,
    /// Each event is as the tracking plan has it.
    #[serde(rename = "plan valid")]
    PlanValid,
    /// Nothing happened after tracking was refused.
    #[serde(rename = "no event after consent was denied")]
    NothingWithoutConsent,
}

/// How a rule stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// As it should be.
    Holds,
    /// Out of the ordinary, for a reason that the facts know.
    Explained,
    /// Wrong.
    Broken,
}

impl Standing {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Explained => "explained",
            Self::Broken => "broken",
        }
    }
}

/// One thing that is out of the ordinary.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// [`Standing::Explained`] or [`Standing::Broken`].
    pub standing: Standing,
    /// The event; `None`: one that should be there and is not.
    pub event: Option<EventName>,
    /// Why, in a sentence.
    pub reason: String,
}

/// Which event a finding is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventName {
    /// When, in ms since the epoch.
    pub time_ms: i64,
    /// Amplitude's ID of the stored event.
    pub uuid: String,
    /// Insert ID.
    pub insert_id: Option<String>,
    /// The event's name.
    pub name: String,
}

impl EventName {
    pub(crate) fn of(event: &ReceivedEvent) -> Self {
        Self {
            time_ms: event.time_ms,
            uuid: event.uuid.clone(),
            insert_id: event.insert_id.clone(),
            name: event.name.clone(),
        }
    }
}

/// What a rule says of a story.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The rule.
    pub rule: Rule,
    /// The worst of its findings; without one it holds.
    pub standing: Standing,
    /// How many events (or payments) it looked at.
    pub checked: usize,
    /// What is out of the ordinary, the oldest event first.
    pub findings: Vec<Finding>,
}

/// All rules' answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Nothing is broken.
    pub clean: bool,
    /// How many events it is about.
    pub events: usize,
    /// Of the first of these moments to the last, in ms since the epoch.
    pub span_ms: Option<(i64, i64)>,
    /// In the order of [`Rule`].
    pub rulings: Vec<Ruling>,
}

impl Verdict {
    /// The rules that stand so.
    pub fn rules(&self, standing: Standing) -> Vec<Rule> {
        let so = self.rulings.iter().filter(|ruling| ruling.standing == standing);
        so.map(|ruling| ruling.rule).collect()
    }

    /// How many rules stand how, in a sentence.
    pub fn in_words(&self) -> String {
        let rules = |standing| match self.rules(standing).len() {
            1 => "1 rule".to_owned(),
            count => format!("{count} rules"),
        };
        match (
            self.rules(Standing::Broken).len(),
            self.rules(Standing::Explained).len(),
        ) {
            (0, 0) => "Every rule holds.".to_owned(),
            (0, _) => format!(
                "Every rule holds; what {} found is explained.",
                rules(Standing::Explained)
            ),
            (1, _) => "1 rule is broken.".to_owned(),
            _ => format!("{} are broken.", rules(Standing::Broken)),
        }
    }
}

impl Rule {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 12] = [
        Self::OnePerson,
        Self::PresentInSession,
        Self::StitchedAsKnown,
        Self::SystemWithoutIds,
        Self::NoStretchedSession,
        Self::NoDuplicates,
        Self::NoStrayDevices,
        Self::CausalOrder,
        Self::OneOwner,
        Self::RevenueEqualsLedger,
        Self::PlanValid,
        Self::NothingWithoutConsent,
    ];

    /// What it is called: the same words as in JSON.
    pub const fn title(self) -> &'static str {
        match self {
            Self::OnePerson => "one person",
            Self::PresentInSession => "present events inside a browser session",
            Self::StitchedAsKnown => "stitched as far as known",
            Self::SystemWithoutIds => "system events without device and session",
            Self::NoStretchedSession => "no stretched session",
            Self::NoDuplicates => "no duplicates",
            Self::NoStrayDevices => "no orphan or phantom devices",
            Self::CausalOrder => "causal order",
            Self::OneOwner => "one owner per event",
            Self::RevenueEqualsLedger => "revenue equals ledger",
            Self::PlanValid => "plan valid",
            Self::NothingWithoutConsent => "no event after consent was denied",
        }
    }

    /// What it asks, for somebody who reads it for the first time.
    pub const fn asks(self) -> &'static str {
        match self {
            Self::OnePerson => "Do all events lead to one user?",
            Self::PresentInSession => "Does what somebody did lie in the session in which they did it?",
            Self::StitchedAsKnown => "Does an event leave out its browser only where nobody knew it?",
            Self::SystemWithoutIds => "Does what happened by itself leave devices and sessions alone?",
            Self::NoStretchedSession => "Does every session end where the visit ended?",
            Self::NoDuplicates => "Is every event counted once?",
            Self::NoStrayDevices => "Is every device a browser of this person?",
            Self::CausalOrder => "Does what leads to an event come before it?",
            Self::OneOwner => "Does each event come from the side that owns it?",
            Self::RevenueEqualsLedger => "Do revenue events say what Stripe has collected?",
            Self::PlanValid => "Is each event as the tracking plan has it?",
            Self::NothingWithoutConsent => "Is there silence where tracking was refused?",
        }
    }

    fn judge(self) -> fn(&Case<'_>) -> Report {
        match self {
            Self::OnePerson => people::one_person,
            Self::PresentInSession => presence::present_in_session,
            Self::StitchedAsKnown => handoffs::stitched_as_known,
            Self::SystemWithoutIds => presence::system_without_ids,
            Self::NoStretchedSession => sessions::no_stretched_session,
            Self::NoDuplicates => duplicates::no_duplicates,
            Self::NoStrayDevices => devices::no_stray_devices,
            Self::CausalOrder => causes::causal_order,
            Self::OneOwner => owners::one_owner,
            Self::RevenueEqualsLedger => ledger::revenue_equals_ledger,
            Self::PlanValid => plan::plan_valid,
            Self::NothingWithoutConsent => consent::nothing_without_consent,
        }
    }
}

/// What a rule has seen so far.
#[derive(Default)]
struct Report {
    checked: usize,
    findings: Vec<Finding>,
}

impl Report {
    fn explained(&mut self, event: &ReceivedEvent, reason: impl Into<String>) {
        self.find(Standing::Explained, Some(event), reason.into());
    }

    fn broken(&mut self, event: &ReceivedEvent, reason: impl Into<String>) {
        self.find(Standing::Broken, Some(event), reason.into());
    }

    fn find(&mut self, standing: Standing, event: Option<&ReceivedEvent>, reason: String) {
        self.findings.push(Finding {
            standing,
            event: event.map(EventName::of),
            reason,
        });
    }

    fn into_ruling(mut self, rule: Rule) -> Ruling {
        // By moment; what has no event comes last.
        self.findings.sort_by(|one, other| {
            let place = |finding: &Finding| {
                (
                    finding.event.is_none(),
                    finding.event.clone(),
                    finding.reason.clone(),
                )
            };
            place(one).cmp(&place(other))
        });
        let worst = self.findings.iter().map(|finding| finding.standing).max();
        Ruling {
            rule,
            standing: worst.unwrap_or(Standing::Holds),
            checked: self.checked,
            findings: self.findings,
        }
    }
}

/// Holds a person's events to every rule.
pub fn verdict(events: &[ReceivedEvent], facts: &Facts) -> Verdict {
    let case = Case::new(events, facts);
    let rulings: Vec<Ruling> = Rule::ALL
        .into_iter()
        .map(|rule| rule.judge()(&case).into_ruling(rule))
        .collect();
    let moments = || events.iter().map(|event| event.time_ms);
    Verdict {
        clean: rulings.iter().all(|ruling| ruling.standing != Standing::Broken),
        events: events.len(),
        span_ms: moments().min().zip(moments().max()),
        rulings,
    }
}
