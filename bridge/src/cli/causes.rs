//! An error with all its causes, in one line for people.

use std::error::Error;

/// Returns what `error` says, then what its causes say.
///
/// Some libraries repeat the cause in the text; it is not said twice.
pub(crate) fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let said = cause.to_string();
        if !text.contains(&said) {
            text.push_str(": ");
            text.push_str(&said);
        }
        source = cause.source();
    }
    text
}
