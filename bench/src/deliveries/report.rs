//! The report of the outbox measurement, and its limits.

use std::fmt;
use std::time::Duration;

use super::DeliveriesSettings;
use crate::database;
use crate::limit_check::LimitCheck;

/// The least events per second to a collector that answers at once.
const MIN_PER_SECOND: f64 = 20_000.0;
/// The same to a collector with a delay.
const MIN_DELAYED_PER_SECOND: f64 = 5_000.0;
/// The most CPU time of the sending process for one event, in ms, without a delay.
const MAX_CPU_MS: f64 = 0.05;
/// The most resident memory of the sending process, in MiB, without a delay.
const MAX_PEAK_MIB: f64 = 60.0;

/// The delivery of all events to one collector.
#[derive(Clone, Debug, Default)]
pub struct DeliveryPass {
    /// Time to write the events to the outbox.
    pub writing: Duration,
    /// From the start of the sending process until all events were settled.
    pub sending: Duration,
    /// CPU time of the sending process.
    pub cpu_secs: f64,
    /// The largest resident memory of the sending process.
    pub peak_kib: Option<u64>,
    /// Events in the state `sent`.
    pub sent: i64,
    /// Events that the collector received.
    pub received: usize,
    /// Insert IDs that the collector received.
    pub distinct: usize,
    /// Requests that the collector received.
    pub requests: usize,
    /// Time of the bare client for the same requests.
    pub bare_client: Duration,
}

/// The settings and the result of a measurement.
#[derive(Clone, Debug)]
pub struct DeliveriesReport {
    /// The settings of the run.
    pub settings: DeliveriesSettings,
    /// To a collector that answers at once.
    pub at_once: DeliveryPass,
    /// To a collector that answers after the delay.
    pub delayed: DeliveryPass,
    /// Commits of one row, one after another.
    pub commits_per_second: f64,
    /// Whether a commit waits for the disk.
    pub is_durable: bool,
}

impl DeliveriesReport {
    /// Whether each event was delivered once and settled, and the limits of both passes hold.
    pub fn holds(&self) -> bool {
        self.checks().iter().all(|check| check.is_met)
    }

    fn checks(&self) -> Vec<LimitCheck> {
        let rate = |name: &str, pass: &DeliveryPass, least: f64| {
            let per_second = self.per_second(pass.sending);
            LimitCheck {
                figure: format!("{name}: {per_second:.0} events/s (at least {least})"),
                is_met: per_second >= least,
            }
        };
        let cpu_ms = self.cpu_ms(&self.at_once);
        let mut checks = vec![
            self.completeness("at once", &self.at_once),
            self.completeness("delayed", &self.delayed),
            rate("at once", &self.at_once, MIN_PER_SECOND),
            rate("delayed", &self.delayed, MIN_DELAYED_PER_SECOND),
            LimitCheck {
                figure: format!("at once: {cpu_ms:.4} ms CPU an event (at most {MAX_CPU_MS})"),
                is_met: cpu_ms <= MAX_CPU_MS,
            },
        ];
        if let Some(mib) = peak_mib(&self.at_once) {
            checks.push(LimitCheck {
                figure: format!("at once: {mib:.1} MiB (at most {MAX_PEAK_MIB})"),
                is_met: mib <= MAX_PEAK_MIB,
            });
        }
        checks
    }

    /// Whether each event arrived once and is settled.
    fn completeness(&self, name: &str, pass: &DeliveryPass) -> LimitCheck {
        let events = self.settings.events;
        LimitCheck {
            figure: format!(
                "{name}: {} of {events} insert IDs received, in {} events; {} settled",
                pass.distinct, pass.received, pass.sent
            ),
            is_met: pass.distinct == events
                && pass.received == events
                && usize::try_from(pass.sent) == Ok(events),
        }
    }

    fn per_second(&self, duration: Duration) -> f64 {
        self.settings.events as f64 / duration.as_secs_f64()
    }

    fn cpu_ms(&self, pass: &DeliveryPass) -> f64 {
        pass.cpu_secs * 1e3 / self.settings.events as f64
    }

    fn write_pass(&self, f: &mut fmt::Formatter<'_>, pass: &DeliveryPass) -> fmt::Result {
        writeln!(
            f,
            "    sent             {:8.0} /s   in {:.2} s, {} requests",
            self.per_second(pass.sending),
            pass.sending.as_secs_f64(),
            pass.requests
        )?;
        writeln!(
            f,
            "    sending process  {:8.4} ms CPU an event",
            self.cpu_ms(pass)
        )?;
        match peak_mib(pass) {
            Some(mib) => writeln!(f, "                     {mib:8.1} MiB at most")?,
            None => writeln!(f, "                     memory is not available on this system")?,
        }
        writeln!(
            f,
            "    bare client      {:8.0} /s for the same requests",
            self.per_second(pass.bare_client)
        )?;
        writeln!(f, "    written before   {:8.0} /s", self.per_second(pass.writing))
    }
}

fn peak_mib(pass: &DeliveryPass) -> Option<f64> {
    pass.peak_kib.map(|kib| kib as f64 / 1024.0)
}

impl fmt::Display for DeliveriesReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let DeliveriesSettings {
            engine,
            events,
            users,
            delay,
        } = &self.settings;
        writeln!(
            f,
            "outbox on {}: {events} events of {users} users to a bare collector",
            database::name(*engine)
        )?;
        writeln!(f, "  the collector answers at once")?;
        self.write_pass(f, &self.at_once)?;
        writeln!(f, "  the collector answers after {} ms", delay.as_millis())?;
        self.write_pass(f, &self.delayed)?;
        let durability = if self.is_durable { "" } else { ", not synced" };
        write!(
            f,
            "  bare commits of one row, sequential{durability}   {:.0} /s",
            self.commits_per_second
        )?;
        self.checks().iter().try_for_each(|check| write!(f, "\n{check}"))
    }
}
