//! Two ways of doing the same, measured in turns, and how sure the difference is. Pure.
//!
//! A machine's mood changes while it measures. So the two ways take turns in quads `A B B A` of short blocks: whatever
//! drifts slowly meets both alike. How far chance alone carries is told in two ways: by the interval that resampled
//! quads give, and by comparing the first `B`s with the second ones, between which there is no difference to find.

use std::fmt;

use fastrand::Rng;

/// How often the quads are resampled.
const RESAMPLINGS: usize = 1_000;
/// The same figures for the same samples.
const SEED: u64 = 1;

/// Four blocks of samples in the order in which they were taken: with, without, without, with.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Quad {
    /// With what is being measured; in µs, as everything here.
    pub with: [Vec<f64>; 2],
    /// Without it.
    pub without: [Vec<f64>; 2],
}

/// Which value of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantile {
    /// The median.
    P50,
    /// One in a hundred is slower.
    P99,
}

impl Quantile {
    /// Both.
    pub const ALL: [Self; 2] = [Self::P50, Self::P99];

    fn part(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P99 => 0.99,
        }
    }

    /// By nearest rank; NaN without samples.
    pub fn of(self, mut samples: Vec<f64>) -> f64 {
        if samples.is_empty() {
            return f64::NAN;
        }
        let rank = (self.part() * samples.len() as f64).ceil() as usize;
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

/// A difference and the interval in which 95 of 100 resamplings lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// As measured.
    pub measured: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// One quantile of both ways.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    /// Which.
    pub quantile: Quantile,
    /// With it, in µs.
    pub with: f64,
    /// Without it, in µs.
    pub without: f64,
    /// In µs.
    pub absolute: Difference,
    /// In % of `without`.
    pub relative: Difference,
    /// The same between blocks that do the same, in %: what chance makes of nothing.
    pub noise: f64,
}

/// The typical difference within one quad: what is left when a machine that is busy for minutes, and then is not, has
/// made the distributions wide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Paired {
    /// In µs.
    pub absolute: Difference,
    /// In %.
    pub relative: Difference,
    /// The same between blocks that do the same, in %.
    pub noise: f64,
}

/// Compares one quantile of both ways.
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
        absolute: difference(quads, |quads| minus(of(quads))),
        relative: difference(quads, |quads| percent(of(quads))),
        noise: percent((half(0), half(1))),
    }
}

/// Compares the medians of each quad by themselves, and takes the median of what comes out.
pub fn paired(quads: &[Quad]) -> Paired {
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
    Paired {
        absolute: difference(quads, |quads| median(quads, &|quad| minus(of(quad)))),
        relative: difference(quads, |quads| median(quads, &|quad| percent(of(quad)))),
        noise: median(&quads.iter().collect::<Vec<_>>(), &|quad| percent(same(quad))),
    }
}

/// What `of` says of all quads, and the interval in which it lies for 95 of 100 resamplings.
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
        // Drifts from quad to quad, as machines do.
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
    fn a_difference_is_found_and_none_is_not() {
        for quantile in Quantile::ALL {
            let slower = compare(&quads(1.1), quantile);
            assert!((slower.relative.measured - 10.0).abs() < 0.01, "{slower:?}");
            assert!(
                slower.relative.low > 5.0 && slower.relative.high < 15.0,
                "{slower:?}"
            );
            assert!(slower.absolute.measured > 100.0, "{slower:?}");
            assert!(slower.noise.abs() < f64::EPSILON, "{slower:?}");

            let same = compare(&quads(1.0), quantile);
            assert!(same.relative.measured.abs() < f64::EPSILON, "{same:?}");
            assert!(same.relative.low <= 0.0 && same.relative.high >= 0.0, "{same:?}");
        }
    }

    #[test]
    fn blocks_that_do_the_same_and_differ_are_noise() {
        let mut quads = quads(1.0);
        for quad in &mut quads {
            quad.without[0].iter_mut().for_each(|sample| *sample *= 1.03);
        }
        let noisy = compare(&quads, Quantile::P50);
        assert!((noisy.noise - 3.0).abs() < 0.5, "{noisy:?}");
    }

    #[test]
    fn within_a_quad_a_busy_machine_is_the_same_for_both() {
        let mut quads = quads(1.1);
        for (index, quad) in quads.iter_mut().enumerate() {
            let mood = [1.0, 7.0, 2.0][index % 3];
            quad.with
                .iter_mut()
                .chain(&mut quad.without)
                .flatten()
                .for_each(|sample| *sample *= mood);
        }
        let paired = paired(&quads);
        assert!((paired.relative.measured - 10.0).abs() < 0.01, "{paired:?}");
        assert!(
            (paired.relative.high - paired.relative.low).abs() < 0.01,
            "{paired:?}"
        );
        assert!(paired.noise.abs() < f64::EPSILON, "{paired:?}");
    }

    #[test]
    fn without_samples_there_is_no_figure() {
        assert!(paired(&[]).relative.measured.is_nan());
        assert!(compare(&[], Quantile::P50).relative.measured.is_nan());
    }
}
