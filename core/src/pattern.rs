//! Patterns: the shapes of occurrences that rules wait for.

pub mod consecutive;

/// One of the shapes, with its settings.
#[derive(Clone, Debug)]
pub enum Pattern {
    /// N events in a row with none of another kind between them.
    Consecutive(consecutive::Config),
}
