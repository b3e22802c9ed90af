//! What a run came to, as text.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::plan::Moment;
use super::{Broken, Deliveries, Settings};
use crate::database;

/// Settings, figures, and whatever is wrong.
#[derive(Clone, Debug)]
pub struct Report {
    /// What was run.
    pub settings: Settings,
    /// What happened.
    pub figures: Figures,
    /// Promises that were not kept; empty is what it should be.
    pub broken: Vec<Broken>,
}

/// What happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Names of the events of the person who met no kill, as they happened.
    pub story: Vec<String>,
    /// People, that one included.
    pub people: usize,
    /// How often the app was killed at which moment.
    pub kills: BTreeMap<&'static str, usize>,
    /// Forms that were posted again because no answer came.
    pub posted_again: usize,
    /// Events of Stripe's.
    pub webhooks: usize,
    /// Revenue of all people in the collector, in minor units; the verdict compares it with Stripe's, person by person.
    pub revenue: i64,
    /// Arrivals at the collector.
    pub deliveries: Deliveries,
    /// Until everybody had canceled, kills included.
    pub driven: Duration,
    /// From then until all was settled.
    pub settling: Duration,
}

impl Figures {
    pub(super) fn killed_at(&mut self, moment: Moment) {
        let name = match moment {
            Moment::Checkout => "as Checkout was asked for",
            Moment::Completed => "as Stripe's page was completed",
            Moment::Webhook => "at a webhook",
            Moment::Asking => "as a worker asked Stripe",
            Moment::Change => "as a change was asked for",
            Moment::Sending(_) => "as the dispatcher sent",
        };
        *self.kills.entry(name).or_default() += 1;
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            settings,
            figures,
            broken,
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
            "  people      {}, each: {}",
            figures.people,
            figures.story.join(" → ")
        )?;
        writeln!(
            f,
            "  app         killed {} times: {kills}",
            figures.kills.values().sum::<usize>()
        )?;
        writeln!(f, "  forms       {} posted again", figures.posted_again)?;
        writeln!(f, "  webhooks    {} events of Stripe's", figures.webhooks)?;
        writeln!(
            f,
            "  deliveries  {} arrivals of {} events, {} of them repeats of what it had",
            deliveries.arrivals, deliveries.events, deliveries.repeats
        )?;
        writeln!(f, "  revenue     {} minor units", figures.revenue)?;
        writeln!(
            f,
            "  seconds     {:.1} driving, {:.1} until all was settled",
            figures.driven.as_secs_f64(),
            figures.settling.as_secs_f64()
        )?;
        for broken in broken {
            writeln!(f, "  BROKEN      {broken}")?;
        }
        let verdict = match broken.len() {
            0 => "every promise was kept".to_owned(),
            broken => format!("{broken} broken promises"),
        };
        write!(f, "  verdict     {verdict}")
    }
}
