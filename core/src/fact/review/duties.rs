//! Duties beside those in force: any change of what is known.

use super::standing::{self, Standing};
use crate::fact::duty::{Charge, Measure};

/// Adds to `reasons` what is strange in the duties `new` beside `last`.
pub(super) fn compare(new: &[&Measure], last: &[&Measure], reasons: &mut Vec<String>) {
    standing::compare("duties", &all(new), &all(last), reasons);
}

fn all(measures: &[&Measure]) -> Standing {
    measures
        .iter()
        .map(|measure| (subject(measure), format!("{} {}", charge(&measure.charge), measure.valid)))
        .collect()
}

/// Returns what a measure is of, whenever it holds and whatever its number is.
fn subject(measure: &Measure) -> String {
    let parts = [
        Some(measure.destination.as_str()),
        Some(&measure.commodity),
        Some(measure.kind.as_str()),
        Some(&measure.name),
        Some(&measure.origin.code),
        measure.additional_code.as_ref().map(|code| &*code.code),
        measure.order_number.as_deref(),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn charge(charge: &Charge) -> String {
    match charge {
        Charge::Duty(expression) => expression.to_string(),
        Charge::Unit(unit) => unit.to_string(),
        Charge::Nothing => "no charge".to_owned(),
        Charge::Unread { written, .. } => written.clone(),
    }
}
