//! A measurement's figures as text.

use std::fmt;

use crate::compare::{Comparison, Difference, Paired, Quad, Quantile, compare, paired};

/// What was measured, and what came out.
#[derive(Clone, Debug)]
pub struct Table {
    title: String,
    comparisons: Vec<Comparison>,
    paired: Paired,
}

impl Table {
    /// The figures of these samples.
    pub fn new(title: String, quads: &[Quad]) -> Self {
        let comparisons = Quantile::ALL.map(|quantile| compare(quads, quantile)).to_vec();
        Self {
            title,
            comparisons,
            paired: paired(quads),
        }
    }
}

impl fmt::Display for Table {
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
                absolute,
                relative,
                noise,
            } = comparison;
            write!(f, "  {quantile}    {without:8.0} µs {with:8.0} µs ")?;
            differences(f, absolute, relative, *noise)?;
        }
        let Paired {
            absolute,
            relative,
            noise,
        } = &self.paired;
        write!(f, "  in pairs                         ")?;
        differences(f, absolute, relative, *noise)
    }
}

fn differences(
    f: &mut fmt::Formatter<'_>,
    absolute: &Difference,
    relative: &Difference,
    noise: f64,
) -> fmt::Result {
    let Difference { measured, low, high } = relative;
    let interval = format!("({low:+.2} … {high:+.2})");
    writeln!(
        f,
        "{:+8.0} µs  {measured:+7.2} %  {interval:>27}  {noise:+7.2} %",
        absolute.measured
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_its_difference() {
        let block = |base: f64| (0..10).map(|sample| base + f64::from(sample)).collect::<Vec<_>>();
        let quad = Quad {
            with: [block(1_100.0), block(1_100.0)],
            without: [block(1_000.0), block(1_000.0)],
        };
        let text = Table::new("a thing".into(), &vec![quad; 8]).to_string();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (5, "a thing"), "{text}");
        for (line, name) in lines[2..].iter().zip(["p50", "p99", "in pairs"]) {
            assert!(line.trim_start().starts_with(name), "{text}");
            assert!(line.contains("+100 µs") && line.ends_with("+0.00 %"), "{text}");
        }
    }
}
