//! The report of the scale measurement: figures of each phase with the limiting resource, and the comparison at the end.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{LoadSamples, STEPS, ScaleSettings, ScaleStep};
use crate::compare::Quantile;
use crate::limit_check::LimitCheck;
use crate::resources::MachineCpu;

/// The share of the machine's CPU from which it is the limit.
const CPU_LIMIT: f64 = 0.9;
/// Statements that wait for the same thing, on average, from which it is the limit.
const WAITS_LIMIT: f64 = 1.0;

/// The figures of a phase.
#[derive(Clone, Debug)]
pub struct PhaseFigures {
    /// What happened at its start.
    pub step: ScaleStep,
    /// Servers that run.
    pub servers: usize,
    /// Its duration.
    pub duration: Duration,
    /// CPU time by process.
    pub cpu_secs: BTreeMap<String, f64>,
    /// CPU time of the whole machine.
    pub machine: Option<MachineCpu>,
    /// What statements in Postgres waited for, over all samples, one a second.
    pub waits: BTreeMap<String, i64>,
    /// The requests.
    pub samples: LoadSamples,
}

impl PhaseFigures {
    /// Requests without the expected answer.
    fn errors(&self) -> usize {
        self.samples.kinds.values().map(|kind| kind.errors).sum()
    }

    /// What limits the rate of a load that waits for its answers.
    fn limiting_resource(&self) -> String {
        let busy = self.machine.map_or(0.0, |machine| machine.busy_share());
        let waits = self.waits.iter().filter(|(wait, _)| !wait.starts_with("running"));
        let most_waited = waits.max_by_key(|(_, number)| **number);
        let samples = self.duration.as_secs_f64().max(1.0);
        match most_waited {
            _ if busy >= CPU_LIMIT => {
                let most = self.cpu_secs.iter().max_by(|one, other| one.1.total_cmp(other.1));
                let most = most.map_or("no process", |(name, _)| name.as_str());
                format!(
                    "CPU of this machine ({:.0} % in use), most of it by {most}",
                    busy * 100.0
                )
            }
            Some((wait, number)) if *number as f64 / samples >= WAITS_LIMIT => {
                format!("Postgres, {wait}")
            }
            _ => format!(
                "the load, which waits for its answers ({:.0} % of the CPU in use)",
                busy * 100.0
            ),
        }
    }
}

/// What was acknowledged, and what the database and the collector have.
#[derive(Clone, Debug, Default)]
pub struct ExactnessCheck {
    /// Voters with an accepted vote.
    pub voters: usize,
    /// Voters in the app's result.
    pub counted: usize,
    /// Choices in the app's result; one per voter.
    pub chosen: usize,
    /// Voters whose stored vote is not their last accepted one.
    pub outdated: usize,
    /// Open pages that show the last vote.
    pub pages_up_to_date: usize,
    /// Accepted webhooks.
    pub webhooks: usize,
    /// Applied webhooks.
    pub applied: usize,
    /// Trials that were completed at Stripe.
    pub trials: usize,
    /// `Trial started` events at the collector.
    pub trial_events: usize,
    /// Sign-ups that were answered.
    pub sign_ups: usize,
    /// Owners of the polls.
    pub owners: usize,
    /// Accounts: those of the sign-ups, of the polls' owners, and of sign-ups whose answer was lost.
    pub accounts: usize,
    /// Events that the outbox has sent.
    pub sent: usize,
    /// Events at the collector after deduplication.
    pub accepted: usize,
    /// Missing, doubled, changed and unplanned events of accounts, panics, and requests that failed after the last phase.
    pub violations: Vec<String>,
}

/// The settings and the result of a measurement.
#[derive(Clone, Debug)]
pub struct ScaleReport {
    /// The settings of the run.
    pub settings: ScaleSettings,
    /// In the order of [`STEPS`].
    pub phases: Vec<PhaseFigures>,
    /// The comparison at the end.
    pub check: ExactnessCheck,
}

impl ScaleReport {
    /// Whether no vote, webhook, trial or event was lost or doubled, each open page is up to date, and no request failed but
    /// for those at the killed server.
    pub fn holds(&self) -> bool {
        self.checks().iter().all(|check| check.is_met)
    }

    fn checks(&self) -> Vec<LimitCheck> {
        let failed: usize = self
            .phases
            .iter()
            .filter(|phase| phase.step != ScaleStep::Kill)
            .map(PhaseFigures::errors)
            .sum();
        let (check, live, phases) = (&self.check, self.settings.live, self.phases.len());
        let least_accounts = check.sign_ups + check.owners;
        let equal = |name: &str, found: usize, expected: usize| LimitCheck {
            figure: format!("{name}: {found} of {expected}"),
            is_met: found == expected,
        };
        let none = |name: &str, found: usize| LimitCheck {
            figure: format!("{name}: {found} (at most 0)"),
            is_met: found == 0,
        };
        vec![
            equal("phases", phases, STEPS.len()),
            none("failed requests, but for those of the kill", failed),
            equal("voters with a counted vote", check.counted, check.voters),
            equal("choices of voters", check.chosen, check.voters),
            none("votes that are not the voter's last", check.outdated),
            LimitCheck {
                figure: format!("streams with the last vote: {} of {live}", check.pages_up_to_date),
                is_met: u32::try_from(check.pages_up_to_date) == Ok(live),
            },
            equal("applied webhooks", check.applied, check.webhooks),
            equal("trials with their event", check.trial_events, check.trials),
            LimitCheck {
                figure: format!(
                    "accounts: {} (at least {least_accounts}, of sign-ups and owners)",
                    check.accounts
                ),
                is_met: check.accounts >= least_accounts,
            },
            equal("events at the collector", check.accepted, check.sent),
            none("violations", check.violations.len()),
        ]
    }
}

impl fmt::Display for ScaleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ScaleSettings {
            minutes,
            users,
            voters,
            polls,
            sign_ups_per_second,
            live,
        } = &self.settings;
        writeln!(
            f,
            "scale on Postgres behind nginx: {minutes} min, {users} users without pauses as {voters} voters on {polls} polls, \
             {sign_ups_per_second} sign-ups a second, {live} event streams"
        )?;
        for phase in &self.phases {
            write_phase(f, phase)?;
        }
        for violation in &self.check.violations {
            writeln!(f, "  {violation}")?;
        }
        let checks: Vec<String> = self.checks().iter().map(LimitCheck::to_string).collect();
        write!(f, "{}", checks.join("\n"))
    }
}

fn write_phase(f: &mut fmt::Formatter<'_>, phase: &PhaseFigures) -> fmt::Result {
    let step = match phase.step {
        ScaleStep::First => "",
        ScaleStep::Add => ", one added",
        ScaleStep::Kill => ", one killed",
    };
    let secs = phase.duration.as_secs_f64();
    let kinds = &phase.samples.kinds;
    let answered: usize = kinds.values().map(|kind| kind.durations_us.len()).sum();
    writeln!(
        f,
        "  {} servers{step}: {:.0} requests/s in {secs:.0} s, {} failed, {} streams ended",
        phase.servers,
        answered as f64 / secs,
        phase.errors(),
        phase.samples.closed_streams
    )?;
    for (kind, samples) in kinds {
        let [p50, p99] = Quantile::ALL.map(|quantile| quantile.of(samples.durations_us.clone()) / 1e3);
        writeln!(
            f,
            "    {kind:<15} {:8.1} /s   p50 {p50:8.1} ms   p99 {p99:8.1} ms   {} failed",
            samples.durations_us.len() as f64 / secs,
            samples.errors
        )?;
    }
    let shares: Vec<String> = phase
        .cpu_secs
        .iter()
        .map(|(name, cpu_secs)| format!("{name} {:.0} %", 100.0 * cpu_secs / secs))
        .collect();
    writeln!(f, "    CPU of one core: {}", shares.join(", "))?;
    let samples = secs.max(1.0);
    let waits: Vec<String> = phase
        .waits
        .iter()
        .map(|(wait, number)| format!("{wait} {:.1}", *number as f64 / samples))
        .collect();
    writeln!(f, "    statements in Postgres, on average: {}", waits.join(", "))?;
    writeln!(f, "    limit: {}", phase.limiting_resource())?;
    for message in &phase.samples.messages {
        writeln!(f, "    failed: {message}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phase(busy_secs: f64, waits: &[(&str, i64)]) -> PhaseFigures {
        PhaseFigures {
            step: ScaleStep::Add,
            servers: 2,
            duration: Duration::from_secs(10),
            cpu_secs: BTreeMap::from([("Postgres".to_owned(), 4.0), ("server 1".to_owned(), 9.0)]),
            machine: Some(MachineCpu {
                busy_secs,
                total_secs: 20.0,
            }),
            waits: waits
                .iter()
                .map(|(wait, number)| ((*wait).to_owned(), *number))
                .collect(),
            samples: LoadSamples::default(),
        }
    }

    #[test]
    fn the_limit_is_the_cpu_then_what_postgres_waits_for_then_the_load() {
        let cpu = "CPU of this machine (95 % in use), most of it by server 1";
        let load = "the load, which waits for its answers (40 % of the CPU in use)";
        let rows = [
            (19.0, [("Lock:tuple", 90), ("running", 0)], cpu),
            (8.0, [("Lock:tuple", 20), ("running", 90)], "Postgres, Lock:tuple"),
            (8.0, [("Lock:tuple", 9), ("running", 90)], load),
        ];
        for (busy_secs, waits, expected) in rows {
            assert_eq!(phase(busy_secs, &waits).limiting_resource(), expected);
        }
    }
}
