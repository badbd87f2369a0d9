//! The nomenclature of goods: what codes of customs tariffs stand for, and a search in it.

use std::collections::BTreeMap;

use serde::Serialize;

/// An entry of the Harmonized System: chapter (2 digits), heading (4) or subheading (6).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Goods {
    /// Its code, digits alone: `901920`.
    pub code: String,
    /// What it is, in the source's words.
    pub description: String,
    /// The code above it; none for a chapter.
    pub parent: Option<String>,
    /// The section it is in, as a Roman number.
    pub section: String,
}

/// The entries by their codes.
#[derive(Clone, Debug, Default)]
pub struct Nomenclature {
    entries: BTreeMap<String, Goods>,
}

impl Nomenclature {
    /// Returns the nomenclature of `entries`; where two have one code, the last.
    pub fn of(entries: impl IntoIterator<Item = Goods>) -> Self {
        Self { entries: entries.into_iter().map(|goods| (goods.code.clone(), goods)).collect() }
    }

    /// Returns the entry `code`, or the nearest above it, since tariffs go on to 8 and 10 digits.
    /// Dots and blanks in a code are not minded.
    pub fn find(&self, code: &str) -> Option<&Goods> {
        let code = plain(code)?;
        (2..=code.len()).rev().find_map(|end| self.entries.get(code.get(..end)?))
    }

    /// Returns at most `max` entries that answer to `text`: those whose codes begin with it, if it is
    /// digits, else those whose descriptions have words that begin with each of its words; first those
    /// that have them whole, then the general before the special.
    pub fn search(&self, text: &str, max: usize) -> Vec<&Goods> {
        if let Some(code) = plain(text) {
            let from_here = self.entries.range(code.clone()..);
            let found = from_here.take_while(|(entry, _)| entry.starts_with(&*code));
            return found.map(|(_, goods)| goods).take(max).collect();
        }
        let wanted: Vec<String> = words(text).collect();
        if wanted.is_empty() {
            return Vec::new();
        }
        let mut found: Vec<_> = self
            .entries
            .values()
            .filter_map(|goods| Some((misses(&wanted, &goods.description)?, goods)))
            .collect();
        found.sort_by_key(|(misses, goods)| (*misses, goods.code.len(), &goods.code));
        found.into_iter().map(|(_, goods)| goods).take(max).collect()
    }
}

/// Returns `text` without dots and blanks if it is a code, which begins with two digits.
fn plain(text: &str) -> Option<String> {
    let is_code = |c: char| c.is_ascii_digit() || matches!(c, '.' | ' ');
    if !text.chars().all(is_code) {
        return None;
    }
    let code: String = text.chars().filter(char::is_ascii_digit).collect();
    (!code.is_empty()).then_some(code)
}

/// Returns how many of `wanted` only begin a word of `description`; none if one does not even that.
fn misses(wanted: &[String], description: &str) -> Option<usize> {
    let has: Vec<String> = words(description).collect();
    let mut misses = 0;
    for word in wanted {
        if has.contains(word) {
            continue;
        }
        has.iter().find(|candidate| candidate.starts_with(&**word))?;
        misses += 1;
    }
    Some(misses)
}

fn words(text: &str) -> impl Iterator<Item = String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nomenclature() -> Nomenclature {
        let entry = |(code, description): (&str, &str)| Goods {
            code: code.to_owned(),
            description: description.to_owned(),
            parent: None,
            section: "XVI".to_owned(),
        };
        Nomenclature::of(
            [
                ("85", "Electrical machinery"),
                ("8501", "Electric motors and generators (excluding generating sets)"),
                ("8504", "Electric transformers, static converters and inductors"),
                ("850440", "Electrical static converters"),
                ("850450", "Inductors, electrical"),
                ("901920", "Therapeutic respiration apparatus; artificial respiration"),
            ]
            .map(entry),
        )
    }

    #[test]
    fn codes_are_found_by_their_beginning_and_descriptions_by_words() {
        let nomenclature = nomenclature();
        let cases: [(&str, &[&str]); 9] = [
            ("8504", &["8504", "850440", "850450"]),
            ("85.04.4", &["850440"]),
            ("99", &[]),
            ("static converters", &["8504", "850440"]),
            ("STATIC, electrical", &["850440"]),
            ("electric", &["8501", "8504", "85", "850440", "850450"]),
            ("respir appar", &["901920"]),
            ("ventilator", &[]),
            (" ;", &[]),
        ];
        for (text, expected) in cases {
            let found: Vec<_> = nomenclature.search(text, 10).iter().map(|g| &*g.code).collect();
            assert_eq!(found, expected, "case: {text}");
        }
        assert_eq!(nomenclature.search("electric", 2).len(), 2);
    }

    #[test]
    fn a_longer_code_stands_below_the_nearest() {
        let nomenclature = nomenclature();
        let cases = [
            ("8504.40.90.10", Some("850440")),
            ("8504901000", Some("8504")),
            ("8599", Some("85")),
            ("0101", None),
            ("8", None),
            ("motor", None),
        ];
        for (code, expected) in cases {
            let found = nomenclature.find(code).map(|goods| &*goods.code);
            assert_eq!(found, expected, "case: {code}");
        }
    }
}
