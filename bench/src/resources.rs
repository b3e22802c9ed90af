//! CPU time and memory of processes, from `/proc`. Systems without `/proc` have no figures.

use std::collections::HashMap;
use std::fs;

/// The kernel's unit of CPU time in `/proc/<pid>/stat` (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// Fields of `/proc/<pid>/stat`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ProcessStat {
    parent: u32,
    /// User and system time so far in s.
    own_secs: f64,
    /// The same of its ended children.
    children_secs: f64,
}

/// Returns the CPU time of a running process so far in s; 0 when it has ended.
pub(crate) fn cpu_secs(process: u32) -> f64 {
    read_stat(process).map_or(0.0, |stat| stat.own_secs)
}

/// Returns the CPU time in s of a running process and of all its descendants, including those that have ended.
pub(crate) fn cpu_secs_of_tree(root: u32) -> f64 {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let stats: HashMap<u32, ProcessStat> = processes
        .filter_map(|process| Some((process, read_stat(process)?)))
        .collect();
    sum_tree(&stats, root)
}

/// Returns the main process of the Postgres server that `backend` belongs to, if it runs on this machine.
pub(crate) fn postgres_server(backend: u32) -> Option<u32> {
    let name = fs::read_to_string(format!("/proc/{backend}/comm")).ok()?;
    (name.trim() == "postgres").then_some(read_stat(backend)?.parent)
}

/// CPU time of the whole machine, all cores together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MachineCpu {
    /// Time of running processes and of the kernel in s.
    pub busy_secs: f64,
    /// The same and idle time in s.
    pub total_secs: f64,
}

impl MachineCpu {
    /// The time since an earlier value.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            busy_secs: self.busy_secs - before.busy_secs,
            total_secs: self.total_secs - before.total_secs,
        }
    }

    /// The share of busy time, 0 to 1.
    pub(crate) fn busy_share(self) -> f64 {
        self.busy_secs / self.total_secs
    }
}

/// Returns the CPU time of the machine since its start.
pub(crate) fn machine_cpu() -> Option<MachineCpu> {
    parse_machine(&fs::read_to_string("/proc/stat").ok()?)
}

/// Reads the first line: user, nice, system, idle, iowait, irq, softirq and steal time.
fn parse_machine(stat: &str) -> Option<MachineCpu> {
    let fields = stat
        .lines()
        .next()?
        .strip_prefix("cpu ")?
        .split_whitespace()
        .take(8);
    let secs: Vec<f64> = fields
        .map(|ticks| Some(ticks.parse::<f64>().ok()? / TICKS_PER_SECOND))
        .collect::<Option<_>>()?;
    let idle_secs = secs.get(3)? + secs.get(4)?;
    let total_secs: f64 = secs.iter().sum();
    Some(MachineCpu {
        busy_secs: total_secs - idle_secs,
        total_secs,
    })
}

/// Returns the resident memory of a running process in KiB.
pub(crate) fn resident_kib(process: u32) -> Option<u64> {
    read_status_kib(process, "VmRSS:")
}

/// Returns the largest resident memory that a running process had so far, in KiB.
pub(crate) fn peak_kib(process: u32) -> Option<u64> {
    read_status_kib(process, "VmHWM:")
}

fn sum_tree(stats: &HashMap<u32, ProcessStat>, root: u32) -> f64 {
    let Some(stat) = stats.get(&root) else {
        return 0.0;
    };
    let children = stats
        .iter()
        .filter(|(process, stat)| stat.parent == root && **process != root)
        .map(|(process, _)| sum_tree(stats, *process));
    stat.own_secs + stat.children_secs + children.sum::<f64>()
}

fn read_stat(process: u32) -> Option<ProcessStat> {
    parse_stat(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)
}

/// Reads the fields after the program's name, which is in parentheses and may contain spaces.
fn parse_stat(stat: &str) -> Option<ProcessStat> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let secs = |index: usize| Some(fields.get(index)?.parse::<f64>().ok()? / TICKS_PER_SECOND);
    Some(ProcessStat {
        parent: fields.get(1)?.parse().ok()?,
        own_secs: secs(11)? + secs(12)?,
        children_secs: secs(13)? + secs(14)?,
    })
}

fn read_status_kib(process: u32, field: &str) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_does_not_shift_the_fields() {
        let line = "42 (a (b) c) S 7 42 42 0 -1 4194560 1 2 3 4 150 50 30 20 20 0 1 0";
        let expected = ProcessStat {
            parent: 7,
            own_secs: 2.0,
            children_secs: 0.5,
        };
        assert_eq!(parse_stat(line), Some(expected));
        assert_eq!(parse_stat("42 (cut"), None);
    }

    #[test]
    fn waiting_for_a_disk_is_idle_time() {
        let machine = parse_machine("cpu  100 0 100 500 100 0 0 200 50 0\ncpu0 1 2 3\n").unwrap();
        assert_eq!((machine.busy_secs, machine.total_secs), (4.0, 10.0));
        assert_eq!(parse_machine("intr 1 2 3"), None);
    }

    #[test]
    fn a_tree_has_running_and_ended_descendants_and_no_other_process() {
        let stat = |parent, own_secs, children_secs| ProcessStat {
            parent,
            own_secs,
            children_secs,
        };
        let stats = HashMap::from([
            (1, stat(0, 100.0, 100.0)),
            (10, stat(1, 1.0, 0.5)),
            (11, stat(10, 2.0, 0.0)),
            (12, stat(11, 4.0, 0.0)),
            (20, stat(1, 8.0, 0.0)),
        ]);
        assert!((sum_tree(&stats, 10) - 7.5).abs() < f64::EPSILON);
        assert!(sum_tree(&stats, 99).abs() < f64::EPSILON);
    }
}
