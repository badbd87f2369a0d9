//! Whether forecasts have become worse, by a test whose false alarms are known.
//!
//! Looks are periods that do not overlap, in their order. Each gives a number that is about standard
//! normal as long as nothing changes, and the sums of what exceeds [`ALLOWED`] are watched (Page,
//! *Continuous inspection schemes*, Biometrika 41, 1954). After an alarm the sums begin anew.

/// Standard deviations that a look may be off without being counted.
const ALLOWED: f64 = 0.5;

/// The sum at which there is an alarm.
pub const LIMIT: f64 = 3.0;

/// Looks between two false alarms, on average, where one direction is watched, and where both are.
/// A test draws them.
pub const LOOKS_ONE_WAY: u32 = 118;
/// See [`LOOKS_ONE_WAY`].
pub const LOOKS_BOTH_WAYS: u32 = 59;

/// Variance that has to come together before wins are compared with what was said: below it a sum of
/// wins is not like a normal one.
const VARIANCE_MIN: f64 = 5.0;

/// Looks that show what is usual, before any is judged by it.
const USUAL_MIN: usize = 5;

/// What the looks so far come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Drift {
    /// How many looks were judged.
    pub looks: usize,
    /// Where the sum upwards stands; an alarm at [`LIMIT`].
    pub up: f64,
    /// The same downwards; 0 where that is not watched.
    pub down: f64,
    /// The looks that raised an alarm, counted from 0 of all that were given, ascending.
    pub alarms: Vec<usize>,
}

impl Drift {
    fn take(&mut self, at: usize, deviation: f64, both_ways: bool) {
        self.looks += 1;
        self.up = (self.up + deviation - ALLOWED).max(0.0);
        if both_ways {
            self.down = (self.down - deviation - ALLOWED).max(0.0);
        }
        if LIMIT <= self.up.max(self.down) {
            self.alarms.push(at);
            (self.up, self.down) = (0.0, 0.0);
        }
    }
}

/// Watches whether more or fewer deals are won than was said: of each look the sum of probabilities,
/// the sum of their variances `p (1 − p)`, and the wins. Looks with little variance are put together.
pub fn of_wins(looks: &[(f64, f64, u64)]) -> Drift {
    let mut drift = Drift::default();
    let (mut missed, mut variance) = (0.0, 0.0);
    for (at, (expected, of_look, won)) in looks.iter().enumerate() {
        missed += *won as f64 - expected;
        variance += of_look;
        if VARIANCE_MIN <= variance {
            drift.take(at, missed / variance.sqrt(), true);
            (missed, variance) = (0.0, 0.0);
        }
    }
    drift
}

/// Returns the variance of the number of wins, where each of `probabilities` is one.
pub fn variance(probabilities: impl Iterator<Item = f64>) -> f64 {
    probabilities.map(|p| p * (1.0 - p)).sum()
}

/// Watches whether `losses`, one a look, become larger than they were before.
///
/// What is usual is learnt on the way, so nothing has to be known of how losses scatter: each is
/// compared with mean and deviation of those before it (Hawkins, *Self-starting CUSUM charts for location
/// and scale*, The Statistician 36, 1987).
pub fn of_losses(losses: &[f64]) -> Drift {
    let mut drift = Drift::default();
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    for (at, loss) in losses.iter().enumerate() {
        if USUAL_MIN <= at && 0.0 < squares {
            let deviation = f64::sqrt(squares / (count - 1.0));
            let student = (loss - mean) / deviation * f64::sqrt(count / (count + 1.0));
            drift.take(at, normal(student, count - 1.0), false);
        }
        count += 1.0;
        let off: f64 = loss - mean;
        mean += off / count;
        squares += off * (loss - mean);
    }
    drift
}

/// Returns the standard normal value that is as far out as `student`, one of Student's distribution.
///
/// Wallace, *Bounds on normal approximations to Student's and the chi-square distributions*, Annals of
/// Mathematical Statistics 30 (1959).
fn normal(student: f64, freedom: f64) -> f64 {
    let size = (freedom * libm::log1p(student * student / freedom)).sqrt();
    size.copysign(student) * (8.0 * freedom + 1.0) / (8.0 * freedom + 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, the same in every run.
    struct Dice(u64);

    impl Dice {
        fn even(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            ((self.0 >> 33) as f64 + 0.5) / f64::from(1_u32 << 31)
        }

        fn normal(&mut self) -> f64 {
            (-2.0 * self.even().ln()).sqrt() * (std::f64::consts::TAU * self.even()).cos()
        }
    }

    /// Looks until the first alarm, on average.
    fn run_length(runs: u32, mut first: impl FnMut() -> usize) -> f64 {
        (0..runs).map(|_| first() as f64 + 1.0).sum::<f64>() / f64::from(runs)
    }

    #[test]
    fn false_alarms_are_as_rare_as_is_said() {
        let mut dice = Dice(7);
        for (both_ways, expected) in [(false, LOOKS_ONE_WAY), (true, LOOKS_BOTH_WAYS)] {
            let found = run_length(2_000, || {
                let mut drift = Drift::default();
                (0..100_000)
                    .find(|at| {
                        drift.take(*at, dice.normal(), both_ways);
                        !drift.alarms.is_empty()
                    })
                    .unwrap()
            });
            let off = found / f64::from(expected) - 1.0;
            assert!(off.abs() < 0.1, "both ways {both_ways}: {found} looks");
        }
    }

    #[test]
    fn that_holds_for_wins_and_for_losses_of_unknown_scatter() {
        let mut dice = Dice(11);
        let wins: Vec<(f64, f64, u64)> = (0..30_000)
            .map(|_| (30.0, 21.0, (0..100).filter(|_| dice.even() < 0.3).count() as u64))
            .collect();
        let found = 30_000.0 / of_wins(&wins).alarms.len() as f64;
        assert!((45.0..80.0).contains(&found), "wins: {found} looks");

        let found = run_length(400, || {
            let losses: Vec<f64> = (0..2_000).map(|_| 5.0 + 0.7 * dice.normal()).collect();
            of_losses(&losses).alarms.first().copied().unwrap_or(2_000)
        });
        assert!((90.0..160.0).contains(&found), "losses: {found} looks");
    }

    #[test]
    fn what_changes_is_found_soon() {
        let mut dice = Dice(3);
        let found = run_length(200, || {
            let wins: Vec<(f64, f64, u64)> = (0..200)
                .map(|_| (30.0, 21.0, (0..100).filter(|_| dice.even() < 0.2).count() as u64))
                .collect();
            of_wins(&wins).alarms.first().copied().unwrap_or(200)
        });
        assert!(found < 3.0, "30 % said, 20 % won: {found} looks");

        let found = run_length(200, || {
            let losses: Vec<f64> =
                (0..200).map(|at| if at < 24 { 5.0 } else { 6.5 } + 0.7 * dice.normal()).collect();
            let alarms = of_losses(&losses).alarms;
            alarms.into_iter().find(|at| 24 <= *at).unwrap_or(200) - 24
        });
        assert!(found < 6.0, "two deviations worse: {found} looks");
    }

    #[test]
    fn little_is_no_reason_for_an_alarm() {
        assert_eq!(of_wins(&[]), Drift::default());
        assert_eq!(of_wins(&[(0.5, 0.25, 1), (0.5, 0.25, 0)]).looks, 0);
        assert_eq!(of_losses(&[1.0, 9.0, 1.0]).looks, 0);
        assert_eq!(of_losses(&[1.0; 50]).alarms, Vec::<usize>::new(), "nothing ever scattered");
    }
}
