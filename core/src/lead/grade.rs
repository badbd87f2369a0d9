//! Grades: bands of scores, and what to do next with each.
//!
//! **What it does** cuts scores into half-open bands, which leave no gap and do not overlap: with A from
//! 85 on, 84.5 is B.
//! **When it fires** where a score names it.
//! **Example** `deploy/rules/leads/abc.toml`.
//! **Settings** [`Grade`].

use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::{Place, Wrong};
use crate::money::exact::Exact;
use crate::task::Title;

/// A document of kind `grade`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Upturn grade")]
pub struct Grade {
    /// Its identity, stable over its versions.
    pub id: Box<str>,
    /// `grade`.
    pub kind: GradeKind,
    /// What it is, for people.
    pub title: Title,
    /// The id of the route that says who gets which grade.
    pub route: Box<str>,
    /// The id of the SLA with the clock of each grade. Default: the rules' own due times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sla: Option<Box<str>>,
    /// The bands, the highest first.
    pub band: Vec<Band>,
    /// What to do next, by grade and by what came of it last.
    pub next: Vec<Next>,
}

/// The kind of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GradeKind {
    /// A grade.
    Grade,
}

/// A band of scores.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The grade: `A`.
    pub grade: Box<str>,
    /// The lowest score of the band; the last band has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Exact>,
    /// The score that the band ends before; the first band has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<Exact>,
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Next {
    /// With this grade.
    pub grade: Box<str>,
    /// After this outcome, or result of a contact. Default: in all other cases.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<str>>,
    /// In English.
    pub en: String,
    /// In Simplified Chinese.
    pub zh: String,
}

/// The longest name of a grade, in bytes.
const NAME_MAX: usize = 16;

impl Grade {
    /// Returns the grade of `score`.
    pub fn of(&self, score: Decimal) -> &str {
        let reaches = |band: &&Band| band.from.is_none_or(|from| from.0 <= score);
        let found = self.band.iter().find(reaches).or(self.band.last());
        found.map_or("", |band| &band.grade)
    }

    /// Returns whether `grade` is one of its grades.
    pub fn has(&self, grade: &str) -> bool {
        self.band.iter().any(|band| &*band.grade == grade)
    }

    /// Returns what to do next with `grade`, where `last` is what came of it last.
    pub fn next(&self, grade: &str, last: Option<&str>) -> Option<&Next> {
        let mut of_grade = self.next.iter().filter(|next| &*next.grade == grade);
        let is_after = |next: &&Next| next.after.is_some() && next.after.as_deref() == last;
        of_grade.clone().find(is_after).or_else(|| of_grade.find(|next| next.after.is_none()))
    }

    /// Returns what is wrong with it by itself.
    pub(super) fn faults(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if self.band.is_empty() {
            wrong.push(Wrong::new(Place::Key("band"), "empty-list", "it has no band", "add one"));
        }
        for (index, band) in self.band.iter().enumerate() {
            let above = index.checked_sub(1).and_then(|above| self.band.get(above));
            let found = [
                band.fault_of_name(self.band.get(..index).unwrap_or_default()),
                band.fault_below(above),
                band.fault_of_end(index + 1 == self.band.len()),
            ];
            let place = Place::Table("band", index);
            let found = found.into_iter().flatten();
            wrong.extend(found.map(|(code, message)| {
                let cure = "let each 'below' be the 'from' of the band before; the first band has no \
                            'below', the last no 'from'";
                Wrong::new(place, code, message, cure)
            }));
        }
        wrong.extend(self.faults_of_next());
        wrong
    }

    fn faults_of_next(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (index, next) in self.next.iter().enumerate() {
            let mut tell = |code, message: String, cure: &str| {
                wrong.push(Wrong::new(Place::Table("next", index), code, message, cure));
            };
            if !self.has(&next.grade) {
                tell(
                    "unknown-value",
                    format!("there is no grade '{}'", next.grade),
                    "name a band's",
                );
            }
            let is_same = |one: &Next| one.grade == next.grade && one.after == next.after;
            if self.next.iter().take(index).any(is_same) {
                tell("twice", "the same case stands before".to_owned(), "keep one of them");
            }
        }
        for (index, band) in self.band.iter().enumerate() {
            if self.next(&band.grade, None).is_none() {
                let message = format!("nothing says what to do next with '{}'", band.grade);
                let cure = "add a [[next]] for it without 'after'";
                wrong.push(Wrong::new(Place::Table("band", index), "no-next", message, cure));
            }
        }
        wrong
    }
}

impl Band {
    fn fault_of_name(&self, others: &[Self]) -> Option<(&'static str, String)> {
        let name = &self.grade;
        if !(1..=NAME_MAX).contains(&name.len()) || name.chars().any(char::is_whitespace) {
            return Some((
                "bad-name",
                format!("'{name}' is no name of 1 to {NAME_MAX} characters"),
            ));
        }
        let is_twice = others.iter().any(|other| other.grade == *name);
        is_twice.then(|| ("twice", format!("'{name}' has two bands")))
    }

    fn fault_below(&self, above: Option<&Self>) -> Option<(&'static str, String)> {
        let (grade, from) = match (above, self.below) {
            (None, None) => return None,
            (None, Some(below)) => {
                return Some(("gap", format!("scores from {below} on have no grade")));
            }
            (Some(above), _) => (&self.grade, above.from?),
        };
        match self.below {
            None => Some(("overlap", format!("'{grade}' reaches into the bands above it"))),
            Some(below) if below < from => {
                Some(("gap", format!("scores from {below} to below {from} have no grade")))
            }
            Some(below) if from < below => {
                Some(("overlap", format!("scores from {from} to below {below} have two grades")))
            }
            Some(_) => None,
        }
    }

    fn fault_of_end(&self, is_last: bool) -> Option<(&'static str, String)> {
        let grade = &self.grade;
        match (self.from, self.below) {
            (Some(from), _) if is_last => {
                Some(("gap", format!("scores below {from} have no grade")))
            }
            (None, _) if !is_last => {
                Some(("overlap", format!("'{grade}' leaves nothing for the bands below it")))
            }
            (Some(from), Some(below)) if below <= from => {
                Some(("gap", format!("'{grade}' holds no score: {below} is not above {from}")))
            }
            (Some(_) | None, _) => None,
        }
    }
}

/// Returns the JSON Schema of the document, as text that ends with a line break.
pub fn schema() -> String {
    format!("{:#}\n", schemars::schema_for!(Grade).to_value())
}
