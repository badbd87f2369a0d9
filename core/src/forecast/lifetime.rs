//! What a customer will still buy: how often, and for how much a time.

pub mod purchases;
pub mod spend;

/// What is known of one customer's purchases, with times in one unit, such as weeks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Customer {
    repeats: u32,
    last_at: f64,
    age: f64,
}

/// Why what is said of a customer cannot be.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum CustomerError {
    /// Times that do not follow each other.
    #[error("a last purchase at {last_at} and an age of {age}; it needs 0 <= last purchase <= age")]
    Times {
        /// Time from the first purchase to the last.
        last_at: f64,
        /// Time from the first purchase until now.
        age: f64,
    },
    /// A last purchase that is the first one, or is not, against the number of repeats.
    #[error(
        "{0} repeats do not go with that last purchase: it is at 0 if there is none, else later"
    )]
    Repeats(u32),
}

/// Why nothing was fitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FitError {
    /// Too few who came again.
    #[error("{0} customers came again; it takes {REPEATING_MIN} to say something about others")]
    TooFew(usize),
}

/// The fewest customers with repeats that a model is fitted to.
pub const REPEATING_MIN: usize = 10;

impl Customer {
    /// Returns a customer who bought `repeats` times after the first time, for the last time
    /// `last_at` after it, and is known for `age` since it.
    pub fn new(repeats: u32, last_at: f64, age: f64) -> Result<Self, CustomerError> {
        if !(age.is_finite() && 0.0 <= last_at && last_at <= age) {
            return Err(CustomerError::Times { last_at, age });
        }
        if (repeats == 0) != (last_at <= 0.0) {
            return Err(CustomerError::Repeats(repeats));
        }
        Ok(Self { repeats, last_at, age })
    }

    /// Returns how often they came again.
    pub fn repeats(&self) -> u32 {
        self.repeats
    }
}
