//! Reads scopes: what occurrences are counted by, and what makes one incident of many.

use super::super::Scope;
use super::super::finding::Fault;
use super::super::reader::{Item, Notes};
use super::{choose, note_remarks, read_word};
use crate::catalogue::Catalogue;
use crate::condition;

/// What `per` can be, besides an attribute.
pub(super) const SCOPES: &[&str] = &["device", "channel", "site", "account", "contact", ATTRIBUTE];
/// What `group_by` can be, besides an attribute.
pub(super) const GROUPS: &[&str] = &["site", "account", ATTRIBUTE];
/// How messages name an attribute.
const ATTRIBUTE: &str = "event.NAME";

/// Returns the scope that `text` names: one of `words`, or an attribute that events of the kinds
/// should have.
pub(super) fn read(
    text: &Item<&str>,
    words: &[&'static str],
    (kinds, catalogue): (&[&str], &Catalogue),
    notes: &mut Notes<'_>,
) -> Option<Scope> {
    if let Some(attribute) = text.value.strip_prefix("event.") {
        return read_attribute(text, attribute, (kinds, catalogue), notes);
    }
    let place = choose(text, words, &[], notes)?;
    match *words.get(place)? {
        "device" => Some(Scope::Device),
        "channel" => Some(Scope::Channel),
        "site" => Some(Scope::Site),
        "account" => Some(Scope::Account),
        "contact" => Some(Scope::Contact),
        _ => None,
    }
}

fn read_attribute(
    text: &Item<&str>,
    attribute: &str,
    (kinds, catalogue): (&[&str], &Catalogue),
    notes: &mut Notes<'_>,
) -> Option<Scope> {
    let is_part = Catalogue::event_parts().iter().any(|part| part.name == attribute);
    if is_part || attribute.contains('.') {
        let message = format!("'{}' is no attribute of events", text.value);
        let cure = match attribute {
            "device" | "channel" => format!("write \"{attribute}\""),
            _ => "name an attribute: event.id_tag".to_owned(),
        };
        notes.error(text.span.clone(), Fault::new("unknown-value", message, cure));
        return None;
    }
    let word = read_word(&Item { value: attribute, span: text.span.clone() }, notes)?;
    let mut remarks = condition::check_attribute(word, catalogue, kinds);
    let prefix = text.value.len() - word.len();
    for remark in &mut remarks {
        remark.span = prefix + remark.span.start..prefix + remark.span.end;
    }
    note_remarks(text, remarks, notes);
    Some(Scope::Attribute(word.into()))
}
