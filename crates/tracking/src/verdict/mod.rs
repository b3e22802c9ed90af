//! The verdict on a user's timeline: whether the events of all sources form one consistent timeline.
//!
//! A pure function of the events that Amplitude returned and of the database's facts. Each rule holds, is explained (the
//! facts explain an irregularity) or is broken. A finding has the event and the reason. A timeline is *clean* if no rule is
//! broken.
//!
//! The verdict does not depend on the order of the events. This module does not fetch events or facts.

mod causes;
mod consent;
mod context;
mod devices;
mod duplicates;
mod event_index;
mod first_touch;
mod handoffs;
mod ledger;
mod owners;
mod people;
mod plan;
mod presence;
mod rule;
mod sessions;

use serde::{Deserialize, Serialize};

use crate::received::ReceivedEvent;
use event_index::EventIndex;

pub use rule::Rule;

pub use crate::facts::{
    ConsentChange, DisputeRecord, EndedSubscription, HandoffKind, NotedHandoff, PaymentRecord, RefundRecord,
    SdkSession, TimelineFacts, UndeliveredEvent,
};

/// The outcome of a rule or a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RuleOutcome {
    /// No irregularity.
    Holds,
    /// An irregularity that the facts explain.
    Explained,
    /// An irregularity without an explanation.
    Broken,
}

impl RuleOutcome {
    /// The value in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Explained => "explained",
            Self::Broken => "broken",
        }
    }
}

/// One irregularity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// [`RuleOutcome::Explained`] or [`RuleOutcome::Broken`].
    #[serde(rename = "standing")]
    pub outcome: RuleOutcome,
    /// The event; `None` if the finding is a missing event.
    pub event: Option<EventRef>,
    /// The reason, as a sentence.
    pub reason: String,
}

/// A reference to an event of the timeline.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EventRef {
    /// When it happened, in ms since the epoch.
    pub time_ms: i64,
    /// Amplitude's ID of the stored event.
    pub uuid: String,
    /// Insert ID.
    pub insert_id: Option<String>,
    /// The event's name.
    pub name: String,
}

impl EventRef {
    pub(crate) fn of(event: &ReceivedEvent) -> Self {
        Self {
            time_ms: event.time_ms,
            uuid: event.uuid.clone(),
            insert_id: event.insert_id.clone(),
            name: event.name.clone(),
        }
    }
}

/// The result of one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ruling {
    /// The rule.
    pub rule: Rule,
    /// The worst outcome of its findings; without findings it holds.
    #[serde(rename = "standing")]
    pub outcome: RuleOutcome,
    /// Number of events or payments that were checked.
    pub checked: usize,
    /// The irregularities, the oldest event first.
    pub findings: Vec<Finding>,
}

/// The results of all rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// Whether no rule is broken.
    pub clean: bool,
    /// Number of events.
    pub events: usize,
    /// Times of the first and of the last event, in ms since the epoch; `None` without events.
    pub span_ms: Option<(i64, i64)>,
    /// In the order of [`Rule`].
    pub rulings: Vec<Ruling>,
}

impl Verdict {
    /// The rules with this outcome.
    pub fn rules(&self, outcome: RuleOutcome) -> Vec<Rule> {
        let rulings = self.rulings.iter().filter(|ruling| ruling.outcome == outcome);
        rulings.map(|ruling| ruling.rule).collect()
    }

    /// A sentence with the number of explained or broken rules.
    pub fn summary(&self) -> String {
        let rules = |outcome| match self.rules(outcome).len() {
            1 => "1 rule".to_owned(),
            count => format!("{count} rules"),
        };
        match (
            self.rules(RuleOutcome::Broken).len(),
            self.rules(RuleOutcome::Explained).len(),
        ) {
            (0, 0) => "Every rule holds.".to_owned(),
            (0, _) => format!(
                "Every rule holds; the findings of {} are explained.",
                rules(RuleOutcome::Explained)
            ),
            (1, _) => "1 rule is broken.".to_owned(),
            _ => format!("{} are broken.", rules(RuleOutcome::Broken)),
        }
    }
}

/// The function that checks the rule.
const fn check_of(rule: Rule) -> fn(&EventIndex<'_>) -> RuleReport {
    match rule {
        Rule::OnePerson => people::one_person,
        Rule::PresentInSession => presence::present_in_session,
        Rule::StitchedAsKnown => handoffs::stitched_as_known,
        Rule::SystemWithoutIds => presence::system_without_ids,
        Rule::NoStretchedSession => sessions::no_stretched_session,
        Rule::NoDuplicates => duplicates::no_duplicates,
        Rule::NoStrayDevices => devices::no_stray_devices,
        Rule::CausalOrder => causes::causal_order,
        Rule::OneOwner => owners::one_owner,
        Rule::RevenueEqualsLedger => ledger::revenue_equals_ledger,
        Rule::PlanValid => plan::plan_valid,
        Rule::NothingWithoutConsent => consent::nothing_without_consent,
        Rule::ContextAsInBrowser => context::context_as_in_browser,
        Rule::OneFirstTouch => first_touch::one_first_touch,
    }
}

/// The findings of a rule while it runs.
#[derive(Default)]
struct RuleReport {
    checked: usize,
    findings: Vec<Finding>,
}

impl RuleReport {
    fn explained(&mut self, event: &ReceivedEvent, reason: impl Into<String>) {
        self.find(RuleOutcome::Explained, Some(event), reason.into());
    }

    fn broken(&mut self, event: &ReceivedEvent, reason: impl Into<String>) {
        self.find(RuleOutcome::Broken, Some(event), reason.into());
    }

    fn find(&mut self, outcome: RuleOutcome, event: Option<&ReceivedEvent>, reason: String) {
        self.findings.push(Finding {
            outcome,
            event: event.map(EventRef::of),
            reason,
        });
    }

    fn into_ruling(mut self, rule: Rule) -> Ruling {
        // By time; findings without an event are last.
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
        let worst = self.findings.iter().map(|finding| finding.outcome).max();
        Ruling {
            rule,
            outcome: worst.unwrap_or(RuleOutcome::Holds),
            checked: self.checked,
            findings: self.findings,
        }
    }
}

/// Checks a user's events against every rule.
pub fn verdict(events: &[ReceivedEvent], facts: &TimelineFacts) -> Verdict {
    let index = EventIndex::new(events, facts);
    let rulings: Vec<Ruling> = Rule::ALL
        .into_iter()
        .map(|rule| check_of(rule)(&index).into_ruling(rule))
        .collect();
    let times = || events.iter().map(|event| event.time_ms);
    Verdict {
        clean: rulings.iter().all(|ruling| ruling.outcome != RuleOutcome::Broken),
        events: events.len(),
        span_ms: times().min().zip(times().max()),
        rulings,
    }
}
