//! Routes: which event of a task's life is told to which destination, and when.

use super::About;
use super::document::{LetterLanguage, Occurrence, OnlyDocument};
use super::timing::Timing;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Its id.
    pub(crate) id: String,
    /// What is told.
    pub(crate) on: Vec<Occurrence>,
    /// The destination's id.
    pub(crate) to: String,
    /// Which tasks.
    pub(crate) only: OnlyDocument,
    /// When.
    pub(crate) timing: Timing,
    /// The language of whoever has none.
    pub(crate) language: LetterLanguage,
}

impl Route {
    /// Returns the way of a letter that goes to a destination at once, whatever the routes say.
    pub(crate) fn straight_to(destination: &str) -> Self {
        Self {
            id: String::new(),
            on: Vec::new(),
            to: destination.to_owned(),
            only: OnlyDocument::default(),
            timing: Timing::default(),
            language: LetterLanguage::En,
        }
    }

    /// Returns whether it wants a letter about this.
    pub(crate) fn takes(&self, about: &About<'_>) -> bool {
        let fits = |list: &[String], word: &str| list.is_empty() || list.iter().any(|w| w == word);
        self.on.contains(&about.occurrence)
            && fits(&self.only.rules, about.rule)
            && fits(&self.only.kinds, about.kind)
            && fits(&self.only.owners, about.owner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rules, kinds and owners.
    type Lists = [&'static [&'static str]; 3];

    #[test]
    fn takes_what_fits_every_list_that_says_something() {
        let about = About {
            occurrence: Occurrence::TaskCreated,
            rule: "charger-care",
            kind: "care",
            owner: "pool:ev",
        };
        let list = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let cases: [(&str, Lists, bool); 6] = [
            ("no lists", [&[], &[], &[]], true),
            ("its rule", [&["other", "charger-care"], &[], &[]], true),
            ("another rule", [&["other"], &[], &[]], false),
            ("its kind, another's owner", [&[], &["care"], &["anna"]], false),
            ("its owner", [&[], &[], &["pool:ev"]], true),
            ("all three", [&["charger-care"], &["care"], &["pool:ev"]], true),
        ];
        for (case, [rules, kinds, owners], expected) in cases {
            let route = Route {
                id: "r".to_owned(),
                on: vec![Occurrence::TaskCreated],
                to: "crm".to_owned(),
                only: OnlyDocument { rules: list(rules), kinds: list(kinds), owners: list(owners) },
                timing: Timing::default(),
                language: LetterLanguage::En,
            };
            assert_eq!(route.takes(&about), expected, "case: {case}");
            let done = About { occurrence: Occurrence::TaskDone, ..about };
            assert!(!route.takes(&done), "case: {case}, another event");
        }
    }
}
