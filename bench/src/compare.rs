//! Compares two variants that were measured in alternating blocks, with the uncertainty of the difference. Pure.
//!
//! The speed of a machine changes during a measurement. So the variants alternate in quads of short blocks `A B B A`:
//! slow drift affects both equally. Two figures show how much of a difference is chance: the interval over resampled
//! quads, and the difference between the first and the second `B` blocks, which do the same work.

use std::fmt;

use fastrand::Rng;

/// Number of resamplings.
const RESAMPLINGS: usize = 1_000;
/// Fixed, so that the same samples give the same figures.
const SEED: u64 = 1;

/// Four blocks of samples in the order in which they were measured: with, without, without, with. All samples are in µs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quad {
    /// Blocks with the measured feature.
    pub with: [Vec<f64>; 2],
    /// Blocks without it.
    pub without: [Vec<f64>; 2],
}

/// A quantile of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantile {
    /// The median.
    P50,
    /// The 99th percentile.
    P99,
}

impl Quantile {
    /// Both quantiles.
    pub const ALL: [Self; 2] = [Self::P50, Self::P99];

    fn fraction(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P99 => 0.99,
        }
    }

    /// Returns the quantile by nearest rank; NaN without samples.
    pub fn of(self, mut samples: Vec<f64>) -> f64 {
        if samples.is_empty() {
            return f64::NAN;
        }
        let rank = (self.fraction() * samples.len() as f64).ceil() as usize;
        let index = rank.clamp(1, samples.len()) - 1;
        *samples.select_nth_unstable_by(index, f64::total_cmp).1
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P50 => "p50",
            Self::P99 => "p99",
        })
    }
}

/// A difference and the interval that holds 95 % of the resamplings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// The difference over all quads.
    pub measured: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// One quantile of both variants.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// The quantile.
    pub quantile: Quantile,
    /// With the feature, in µs.
    pub with: f64,
    /// Without the feature, in µs.
    pub without: f64,
    /// In µs.
    pub absolute_us: Difference,
    /// In % of `without`.
    pub relative_percent: Difference,
    /// The difference between the first and the second blocks without the feature, in %: chance alone.
    pub noise_percent: f64,
}

/// The median difference within one quad. It stays stable when the load of the machine changes over minutes and widens
/// the distributions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedComparison {
    /// In µs.
    pub absolute_us: Difference,
    /// In %.
    pub relative_percent: Difference,
    /// The median difference between the two blocks without the feature, in %.
    pub noise_percent: f64,
}

/// Compares one quantile of both variants.
pub fn compare(quads: &[Quad], quantile: Quantile) -> Comparison {
    let of = |quads: &[&Quad]| {
        let with = pool(quads.iter().flat_map(|quad| &quad.with));
        let without = pool(quads.iter().flat_map(|quad| &quad.without));
        (quantile.of(with), quantile.of(without))
    };
    let half = |index: usize| quantile.of(pool(quads.iter().map(|quad| &quad.without[index])));
    let (with, without) = of(&quads.iter().collect::<Vec<_>>());
    Comparison {
        quantile,
        with,
        without,
        absolute_us: difference(quads, |quads| minus(of(quads))),
        relative_percent: difference(quads, |quads| percent(of(quads))),
        noise_percent: percent((half(0), half(1))),
    }
}

/// Compares the medians within each quad, and returns the median of these differences.
pub fn paired(quads: &[Quad]) -> PairedComparison {
    let of = |quad: &Quad| {
        (
            Quantile::P50.of(pool(&quad.with)),
            Quantile::P50.of(pool(&quad.without)),
        )
    };
    let same = |quad: &Quad| {
        (
            Quantile::P50.of(quad.without[0].clone()),
            Quantile::P50.of(quad.without[1].clone()),
        )
    };
    let median = |quads: &[&Quad], of: &dyn Fn(&Quad) -> f64| {
        Quantile::P50.of(quads.iter().map(|quad| of(quad)).collect())
    };
    PairedComparison {
        absolute_us: difference(quads, |quads| median(quads, &|quad| minus(of(quad)))),
        relative_percent: difference(quads, |quads| median(quads, &|quad| percent(of(quad)))),
        noise_percent: median(&quads.iter().collect::<Vec<_>>(), &|quad| percent(same(quad))),
    }
}

/// Returns `of` over all quads, and the interval that holds 95 % of its values over the resamplings.
fn difference(quads: &[Quad], of: impl Fn(&[&Quad]) -> f64) -> Difference {
    let all: Vec<&Quad> = quads.iter().collect();
    let measured = of(&all);
    if quads.is_empty() {
        return Difference {
            measured,
            low: measured,
            high: measured,
        };
    }
    let mut rng = Rng::with_seed(SEED);
    let mut resampled: Vec<f64> = (0..RESAMPLINGS)
        .map(|_| {
            of(&(0..quads.len())
                .map(|_| &quads[rng.usize(..quads.len())])
                .collect::<Vec<_>>())
        })
        .collect();
    resampled.sort_unstable_by(f64::total_cmp);
    let at = |thousandth: usize| resampled[RESAMPLINGS * thousandth / 1_000];
    Difference {
        measured,
        low: at(25),
        high: at(975),
    }
}

fn pool<'a>(blocks: impl IntoIterator<Item = &'a Vec<f64>>) -> Vec<f64> {
    blocks.into_iter().flatten().copied().collect()
}

fn minus((with, without): (f64, f64)) -> f64 {
    with - without
}

fn percent((with, without): (f64, f64)) -> f64 {
    (with / without - 1.0) * 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quads(factor: f64) -> Vec<Quad> {
        // Each quad is slower than the one before.
        let block = |quad: usize, scale: f64| {
            (1..=25)
                .map(|sample| scale * (1_000.0 + (quad * 10 + sample) as f64))
                .collect::<Vec<_>>()
        };
        (0..40)
            .map(|quad| Quad {
                with: [block(quad, factor), block(quad, factor)],
                without: [block(quad, 1.0), block(quad, 1.0)],
            })
            .collect()
    }

    #[test]
    fn quantiles_are_samples() {
        let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
        assert_eq!(Quantile::P50.of(hundred.clone()), 50.0);
        assert_eq!(Quantile::P99.of(hundred), 99.0);
        assert_eq!(Quantile::P99.of(vec![7.0]), 7.0);
        assert!(Quantile::P50.of(Vec::new()).is_nan());
    }

    #[test]
    fn only_a_real_difference_is_found() {
        for quantile in Quantile::ALL {
            let slower = compare(&quads(1.1), quantile);
            assert!(
                (slower.relative_percent.measured - 10.0).abs() < 0.01,
                "{slower:?}"
            );
            assert!(
                slower.relative_percent.low > 5.0 && slower.relative_percent.high < 15.0,
                "{slower:?}"
            );
            assert!(slower.absolute_us.measured > 100.0, "{slower:?}");
            assert!(slower.noise_percent.abs() < f64::EPSILON, "{slower:?}");

            let same = compare(&quads(1.0), quantile);
            assert!(same.relative_percent.measured.abs() < f64::EPSILON, "{same:?}");
            assert!(
                same.relative_percent.low <= 0.0 && same.relative_percent.high >= 0.0,
                "{same:?}"
            );
        }
    }

    #[test]
    fn a_difference_between_blocks_of_the_same_work_is_noise() {
        let mut quads = quads(1.0);
        for quad in &mut quads {
            quad.without[0].iter_mut().for_each(|sample| *sample *= 1.03);
        }
        let noisy = compare(&quads, Quantile::P50);
        assert!((noisy.noise_percent - 3.0).abs() < 0.5, "{noisy:?}");
    }

    #[test]
    fn slowdowns_that_affect_whole_quads_do_not_change_the_paired_difference() {
        let mut quads = quads(1.1);
        for (index, quad) in quads.iter_mut().enumerate() {
            let slowdown = [1.0, 7.0, 2.0][index % 3];
            quad.with
                .iter_mut()
                .chain(&mut quad.without)
                .flatten()
                .for_each(|sample| *sample *= slowdown);
        }
        let paired = paired(&quads);
        assert!(
            (paired.relative_percent.measured - 10.0).abs() < 0.01,
            "{paired:?}"
        );
        assert!(
            (paired.relative_percent.high - paired.relative_percent.low).abs() < 0.01,
            "{paired:?}"
        );
        assert!(paired.noise_percent.abs() < f64::EPSILON, "{paired:?}");
    }

    #[test]
    fn without_samples_the_figures_are_not_numbers() {
        assert!(paired(&[]).relative_percent.measured.is_nan());
        assert!(compare(&[], Quantile::P50).relative_percent.measured.is_nan());
    }
}
