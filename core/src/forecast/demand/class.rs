//! Kinds of demand: how often there is any, and how much the sizes differ.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Periods between demands above which demand is called sparse.
const INTERVAL_SPARSE: f64 = 1.32;

/// Squared coefficient of variation of the sizes above which they are called uneven.
const VARIATION_UNEVEN: f64 = 0.49;

/// A kind of demand, by the scheme of Syntetos, Boylan and Croston, *On the categorization of
/// demand patterns*, Journal of the Operational Research Society 56 (2005).
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Often, in like sizes.
    Smooth,
    /// Often, in unlike sizes.
    Erratic,
    /// Now and then, in like sizes.
    Intermittent,
    /// Now and then, in unlike sizes.
    Lumpy,
}

impl Class {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Smooth, Self::Erratic, Self::Intermittent, Self::Lumpy];

    /// Returns the kind of `history`; without any demand it is intermittent.
    pub fn of(history: &[f64]) -> Self {
        let (mut demands, mut sum, mut squares) = (0.0, 0.0, 0.0);
        for size in history.iter().filter(|size| 0.0 < **size) {
            demands += 1.0;
            sum += size;
            squares += size * size;
        }
        let mean = sum / demands;
        let variation = squares / demands / (mean * mean) - 1.0;
        let is_sparse = demands * INTERVAL_SPARSE < history.len() as f64;
        match (is_sparse, VARIATION_UNEVEN < variation) {
            (false, false) => Self::Smooth,
            (false, true) => Self::Erratic,
            (true, false) => Self::Intermittent,
            (true, true) => Self::Lumpy,
        }
    }

    /// Returns its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Smooth => "smooth",
            Self::Erratic => "erratic",
            Self::Intermittent => "intermittent",
            Self::Lumpy => "lumpy",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn demand_is_named_by_interval_and_size() {
        let cases: [(&[f64], Class); 5] = [
            (&[3.0, 4.0, 3.0, 5.0], Class::Smooth),
            (&[1.0, 9.0, 1.0, 1.0], Class::Erratic),
            (&[0.0, 2.0, 0.0, 2.0], Class::Intermittent),
            (&[0.0, 1.0, 0.0, 0.0, 20.0, 0.0, 1.0], Class::Lumpy),
            (&[0.0, 0.0], Class::Intermittent),
        ];
        for (history, expected) in cases {
            assert_eq!(Class::of(history), expected, "{history:?}");
        }
    }
}
