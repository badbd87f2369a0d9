//! Who was right: the machine or the person who overruled it, once it is known how it ended.
//!
//! A grade or a score is right where it puts a lead in the highest band and the customer was interested, or
//! in another band and the customer was not. Of two probabilities the nearer one to what happened is right;
//! at the same distance both are. Whether another owner would have done better nobody knows, so routes are
//! counted with how they ended, and neither side is right or wrong.

use rust_decimal::Decimal;

use super::grade::Grade;

/// Both sides, judged by how it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether the machine was right.
    pub machine: bool,
    /// Whether the person was.
    pub human: bool,
}

/// Judges two grades.
pub fn of_grades(bands: &Grade, (machine, human): (&str, &str), is_won: bool) -> Verdict {
    let is_right = |grade: &str| {
        let is_highest = bands.band.first().is_some_and(|band| &*band.grade == grade);
        is_highest == is_won
    };
    Verdict { machine: is_right(machine), human: is_right(human) }
}

/// Judges two scores, by their grades.
pub fn of_scores(bands: &Grade, (machine, human): (Decimal, Decimal), is_won: bool) -> Verdict {
    of_grades(bands, (bands.of(machine), bands.of(human)), is_won)
}

/// Judges two probabilities.
pub fn of_probabilities((machine, human): (Decimal, Decimal), is_won: bool) -> Verdict {
    let truth = if is_won { Decimal::ONE } else { Decimal::ZERO };
    let [machine, human] = [machine, human].map(|said| (said - truth).abs());
    Verdict { machine: machine <= human, human: human <= machine }
}
