//! The report of a crash run of trials.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::TrialsSettings;
use super::plan::KillPoint;
use super::violation::TrialViolation;
use crate::crash::CrashFigures;
use crate::database;

/// Settings, figures and violations of a run.
#[derive(Clone, Debug)]
pub struct TrialsReport {
    /// The settings of the run.
    pub settings: TrialsSettings,
    /// The counts of the run.
    pub figures: TrialsFigures,
    /// The violations; empty when the run passed.
    pub violations: Vec<TrialViolation>,
}

/// Counts and durations of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrialsFigures {
    /// Event names of the reference user, who met no kill, in order of time.
    pub timeline: Vec<String>,
    /// Number of users, including the reference user.
    pub users: usize,
    /// Number of kills by kill point.
    pub kills: BTreeMap<&'static str, usize>,
    /// Forms that were posted again because the answer was lost.
    pub posted_again: usize,
    /// Events of the stand-in for Stripe.
    pub stripe_events: usize,
    /// Revenue of all users in the collector, in minor units. The checks compare it with Stripe's payments for each user.
    pub revenue_minor: i64,
    /// Arrivals at the collector.
    pub deliveries: CrashFigures,
    /// From the start to the last cancellation, including kills.
    pub driven: Duration,
    /// From then until webhooks and outbox were settled.
    pub settling: Duration,
}

impl TrialsFigures {
    /// Counts a kill.
    pub(super) fn count_kill(&mut self, point: KillPoint) {
        let name = match point {
            KillPoint::CheckoutCreation => "at the creation of a Checkout session",
            KillPoint::CheckoutCompletion => "at the completion of Stripe's page",
            KillPoint::Webhook => "at a webhook",
            KillPoint::SubscriptionRead => "at a worker's request to Stripe",
            KillPoint::SubscriptionChange => "at a change of a subscription",
            KillPoint::Delivery(_) => "at a delivery of the dispatcher",
        };
        *self.kills.entry(name).or_default() += 1;
    }
}

impl fmt::Display for TrialsReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            settings,
            figures,
            violations,
        } = self;
        let deliveries = &figures.deliveries;
        let kills = figures.kills.iter().map(|(at, times)| format!("{times} {at}"));
        let kills = kills.collect::<Vec<_>>().join(", ");
        writeln!(
            f,
            "crash run of trials on {}, seed {}",
            database::name(settings.engine),
            settings.seed
        )?;
        writeln!(
            f,
            "  users       {}, each: {}",
            figures.users,
            figures.timeline.join(" → ")
        )?;
        writeln!(
            f,
            "  app         killed {} times: {kills}",
            figures.kills.values().sum::<usize>()
        )?;
        writeln!(f, "  forms       {} posted again", figures.posted_again)?;
        writeln!(f, "  webhooks    {} events at Stripe", figures.stripe_events)?;
        writeln!(
            f,
            "  deliveries  {} arrivals of {} events, {} of them duplicates",
            deliveries.arrivals, deliveries.events, deliveries.duplicates
        )?;
        writeln!(f, "  revenue     {} minor units", figures.revenue_minor)?;
        writeln!(
            f,
            "  seconds     {:.1} with kills, {:.1} until all was settled",
            figures.driven.as_secs_f64(),
            figures.settling.as_secs_f64()
        )?;
        for violation in violations {
            writeln!(f, "  VIOLATION   {violation}")?;
        }
        let result = match violations.len() {
            0 => "no violations".to_owned(),
            number => format!("{number} violations"),
        };
        write!(f, "  result      {result}")
    }
}
