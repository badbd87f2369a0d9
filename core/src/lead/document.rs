//! Reads documents of leads: each kind by its keys, with line and column where one is wrong.

use serde::Deserialize;
use toml::Spanned;

use super::grade::Grade;
use super::route::Route;
use super::score::Score;
use super::sla::Sla;
use crate::compliance::document::{found, read, states_kind, table};
use crate::rule::finding::Finding;

/// A document of some kind.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// What points are given for.
    Score(Score),
    /// Bands of scores.
    Grade(Grade),
    /// Who gets which lead.
    Route(Route),
    /// By when.
    Sla(Sla),
}

/// The kinds that can be read.
const KINDS: &[&str] = &["score", "grade", "route", "sla"];

#[derive(Deserialize)]
struct Head {
    kind: Spanned<String>,
}

/// Something that is wrong with a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) place: Place,
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) cure: String,
}

/// Where something is in a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// At a key of the top, or at a table of that name.
    Key(&'static str),
    /// At the so many-th table of that name.
    Table(&'static str, usize),
}

impl Wrong {
    pub(super) fn new(
        place: Place,
        code: &'static str,
        message: impl Into<String>,
        cure: impl Into<String>,
    ) -> Self {
        Self { place, code, message: message.into(), cure: cure.into() }
    }

    /// Returns it as a finding in `text`.
    pub(super) fn in_text(self, text: &str) -> Vec<Finding> {
        let span = match self.place {
            Place::Table(name, index) => table(text, name, index),
            Place::Key(key) => {
                let is_key = |line: &str| {
                    let rest = line.trim_start_matches(['[', ' ']).strip_prefix(key);
                    rest.is_some_and(|rest| rest.trim_start().starts_with(['=', ']']))
                };
                let mut start = 0;
                let found = text.split_inclusive('\n').find_map(|line| {
                    let at = start;
                    start += line.len();
                    is_key(line).then_some(at..at + line.trim_end().len())
                });
                found.unwrap_or(0..0)
            }
        };
        found(text, span, self.code, self.message, self.cure)
    }
}

/// Tells whether `text` says that it is such a document, sound or not.
pub fn is_one(text: &str) -> bool {
    states_kind(text, KINDS)
}

/// Reads a document; fails with what is wrong, at least one finding.
pub fn parse(text: &str) -> Result<Document, Vec<Finding>> {
    let head: Head = read(text)?;
    let (document, wrong) = match &**head.kind.get_ref() {
        "score" => {
            let score: Score = read(text)?;
            let wrong = score.faults();
            (Document::Score(score), wrong)
        }
        "grade" => {
            let grade: Grade = read(text)?;
            let wrong = grade.faults();
            (Document::Grade(grade), wrong)
        }
        "route" => {
            let route: Route = read(text)?;
            let wrong = route.faults();
            (Document::Route(route), wrong)
        }
        "sla" => {
            let sla: Sla = read(text)?;
            let wrong = sla.faults();
            (Document::Sla(sla), wrong)
        }
        other => {
            let message = format!("'{other}' is no kind of lead document");
            let cure = format!("use one of: {}", KINDS.join(", "));
            return Err(found(text, head.kind.span(), "unknown-value", message, cure));
        }
    };
    if wrong.is_empty() {
        return Ok(document);
    }
    Err(wrong.into_iter().flat_map(|wrong| wrong.in_text(text)).collect())
}

impl Document {
    /// Returns the word of its kind.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Score(_) => "score",
            Self::Grade(_) => "grade",
            Self::Route(_) => "route",
            Self::Sla(_) => "sla",
        }
    }

    /// Returns its id.
    pub fn id(&self) -> &str {
        match self {
            Self::Score(score) => &score.id,
            Self::Grade(grade) => &grade.id,
            Self::Route(route) => &route.id,
            Self::Sla(sla) => &sla.id,
        }
    }
}
