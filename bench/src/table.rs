//! Formats a comparison as a text table.

use std::fmt;

use crate::compare::{Comparison, Difference, PairedComparison, Quad, Quantile, compare, paired};

/// A comparison with its title; `Display` prints it.
#[derive(Clone, Debug)]
pub struct ComparisonTable {
    title: String,
    comparisons: Vec<Comparison>,
    paired: PairedComparison,
}

impl ComparisonTable {
    /// Computes the figures from the samples.
    pub fn new(title: String, quads: &[Quad]) -> Self {
        let comparisons = Quantile::ALL.map(|quantile| compare(quads, quantile)).to_vec();
        Self {
            title,
            comparisons,
            paired: paired(quads),
        }
    }

    /// The median difference in pairs, in percent.
    pub const fn percent_in_pairs(&self) -> f64 {
        self.paired.relative_percent.measured
    }
}

impl fmt::Display for ComparisonTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.title)?;
        writeln!(
            f,
            "             without        with   difference                  (95 % of resamplings)   noise"
        )?;
        for comparison in &self.comparisons {
            let Comparison {
                quantile,
                with,
                without,
                absolute_us,
                relative_percent,
                noise_percent,
            } = comparison;
            write!(f, "  {quantile}    {without:8.0} µs {with:8.0} µs ")?;
            write_difference(f, absolute_us, relative_percent, *noise_percent)?;
        }
        let PairedComparison {
            absolute_us,
            relative_percent,
            noise_percent,
        } = &self.paired;
        write!(f, "  in pairs                         ")?;
        write_difference(f, absolute_us, relative_percent, *noise_percent)
    }
}

fn write_difference(
    f: &mut fmt::Formatter<'_>,
    absolute_us: &Difference,
    relative_percent: &Difference,
    noise_percent: f64,
) -> fmt::Result {
    let Difference { measured, low, high } = relative_percent;
    let interval = format!("({low:+.2} … {high:+.2})");
    writeln!(
        f,
        "{:+8.0} µs  {measured:+7.2} %  {interval:>27}  {noise_percent:+7.2} %",
        absolute_us.measured
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_prints_its_difference() {
        let block = |base: f64| (0..10).map(|sample| base + f64::from(sample)).collect::<Vec<_>>();
        let quad = Quad {
            with: [block(1_100.0), block(1_100.0)],
            without: [block(1_000.0), block(1_000.0)],
        };
        let text = ComparisonTable::new("a title".into(), &vec![quad; 8]).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (5, "a title"), "{text}");
        for (line, name) in lines[2..].iter().zip(["p50", "p99", "in pairs"]) {
            assert!(line.trim_start().starts_with(name), "{text}");
            assert!(line.contains("+100 µs") && line.ends_with("+0.00 %"), "{text}");
        }
    }
}
