//! What a set says on each thing, beside what the set in force says.

use std::collections::{BTreeMap, BTreeSet};

use super::NAMED_MAX;

/// How much of what is said a reason quotes, in characters.
const QUOTE_MAX: usize = 80;

/// What is said, by what it is said of.
#[derive(Debug, Default)]
pub(super) struct Standing(BTreeMap<String, BTreeSet<String>>);

impl FromIterator<(String, String)> for Standing {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(said: I) -> Self {
        let mut standing = Self::default();
        for (subject, words) in said {
            standing.0.entry(subject).or_default().insert(words);
        }
        standing
    }
}

/// Adds to `reasons` what `last` has and `new` has not, and what `new` says otherwise; things are
/// called `things`.
pub(super) fn compare(things: &str, new: &Standing, last: &Standing, reasons: &mut Vec<String>) {
    let gone: Vec<&String> =
        last.0.keys().filter(|subject| !new.0.contains_key(*subject)).collect();
    if !gone.is_empty() {
        let named: Vec<&str> = gone.iter().take(NAMED_MAX).map(|subject| &***subject).collect();
        let (count, all) = (gone.len(), last.0.len());
        reasons.push(format!("{things} are gone ({count} of {all}): {}", named.join(", ")));
    }
    let changed = new.0.iter().filter_map(|(subject, says)| {
        let said = last.0.get(subject).filter(|said| *said != says)?;
        // What both say explains nothing.
        let (was, is) = (only(said, says), only(says, said));
        Some(format!("{subject}: was {was}, is {is}"))
    });
    let mut count = 0;
    for change in changed {
        count += 1;
        if count <= NAMED_MAX {
            reasons.push(change);
        }
    }
    if NAMED_MAX < count {
        reasons.push(format!("{things} have changed ({count} of {})", last.0.len()));
    }
}

/// Returns what is in `these` and not in `others`.
fn only(these: &BTreeSet<String>, others: &BTreeSet<String>) -> String {
    let only: Vec<&str> = these.difference(others).map(|words| &**words).collect();
    if only.is_empty() {
        return "not there".to_owned();
    }
    let mut text: String = only.join("; ");
    if let Some((end, _)) = text.char_indices().nth(QUOTE_MAX) {
        text.truncate(end);
        text.push('…');
    }
    text
}
