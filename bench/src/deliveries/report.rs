//! The report of the outbox measurement, and its limits.

use std::fmt;
use std::time::Duration;

use super::DeliveriesSettings;
use crate::database;

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
        let events = self.settings.events;
        let is_complete =
            |pass: &DeliveryPass| pass.received == events && usize::try_from(pass.sent) == Ok(events);
        is_complete(&self.at_once)
            && is_complete(&self.delayed)
            && self.per_second(self.at_once.sending) >= MIN_PER_SECOND
            && self.cpu_ms(&self.at_once) <= MAX_CPU_MS
            && peak_mib(&self.at_once).is_none_or(|mib| mib <= MAX_PEAK_MIB)
            && self.per_second(self.delayed.sending) >= MIN_DELAYED_PER_SECOND
    }

    fn per_second(&self, duration: Duration) -> f64 {
        self.settings.events as f64 / duration.as_secs_f64()
    }

    fn cpu_ms(&self, pass: &DeliveryPass) -> f64 {
        pass.cpu_secs * 1e3 / self.settings.events as f64
    }

    fn write_pass(&self, f: &mut fmt::Formatter<'_>, pass: &DeliveryPass, limits: [&str; 3]) -> fmt::Result {
        let [rate_limit, cpu_limit, peak_limit] = limits;
        writeln!(
            f,
            "    sent             {:8.0} /s {rate_limit}   in {:.2} s, {} requests",
            self.per_second(pass.sending),
            pass.sending.as_secs_f64(),
            pass.requests
        )?;
        writeln!(
            f,
            "    sending process  {:8.4} ms CPU an event {cpu_limit}",
            self.cpu_ms(pass)
        )?;
        match peak_mib(pass) {
            Some(mib) => writeln!(f, "                     {mib:8.1} MiB at most {peak_limit}")?,
            None => writeln!(f, "                     memory is not available on this system")?,
        }
        writeln!(
            f,
            "    bare client      {:8.0} /s for the same requests",
            self.per_second(pass.bare_client)
        )?;
        writeln!(f, "    written before   {:8.0} /s", self.per_second(pass.writing))?;
        writeln!(
            f,
            "    {} received, {} settled, of {}",
            pass.received, pass.sent, self.settings.events
        )
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
        self.write_pass(
            f,
            &self.at_once,
            [
                &format!("(limit {MIN_PER_SECOND})"),
                &format!("(limit {MAX_CPU_MS})"),
                &format!("(limit {MAX_PEAK_MIB})"),
            ],
        )?;
        writeln!(f, "  the collector answers after {} ms", delay.as_millis())?;
        self.write_pass(
            f,
            &self.delayed,
            [&format!("(limit {MIN_DELAYED_PER_SECOND})"), "", ""],
        )?;
        let durability = if self.is_durable { "" } else { ", not synced" };
        writeln!(
            f,
            "  bare commits of one row, sequential{durability}   {:.0} /s",
            self.commits_per_second
        )?;
        write!(f, "  {}", if self.holds() { "holds" } else { "BROKEN" })
    }
}
