//! Clauses: what a contract must say, and words it must not, by a list that operations keep.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::task::Title;

/// What is looked for in contracts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Clauses {
    /// What must be in it, each by one of its phrases.
    pub must: Vec<Phrases>,
    /// What must not: words that promise nothing.
    pub vague: Vec<Phrases>,
}

/// Phrases that stand for one thing.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Phrases {
    /// Its name: `breach-liability`.
    pub id: String,
    /// The phrases, in any language; capitals and small letters are the same.
    pub any: Vec<String>,
    /// What to write.
    pub cure: Title,
}

/// Something that is wrong with a contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ClauseFinding {
    /// `clause-missing` or `clause-vague`.
    pub code: &'static str,
    /// Which phrases.
    pub id: String,
    /// The line, counted from 1, and the words as they stand there; of what is missing there is none.
    pub place: Option<(usize, String)>,
    /// What to write.
    pub cure: Title,
}

impl std::fmt::Display for ClauseFinding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let cure = self.cure.en.as_deref().or(self.cure.zh.as_deref()).unwrap_or_default();
        match &self.place {
            Some((line, words)) => write!(f, "line {line} says '{words}': {cure}"),
            None => write!(f, "'{}' is missing: {cure}", self.id),
        }
    }
}

impl Clauses {
    /// Returns what is wrong with the contract `text`, in the order of the list.
    pub fn check(&self, text: &str) -> Vec<ClauseFinding> {
        let lines: Vec<String> = text.lines().map(str::to_lowercase).collect();
        // A phrase may go over the end of a line.
        let whole = lines.join(" ");
        let mut findings = Vec::new();
        for phrases in &self.must {
            if !phrases.any.iter().any(|phrase| whole.contains(&phrase.to_lowercase())) {
                let (id, cure) = (phrases.id.clone(), phrases.cure.clone());
                findings.push(ClauseFinding { code: "clause-missing", id, place: None, cure });
            }
        }
        for phrases in &self.vague {
            for phrase in &phrases.any {
                let wanted = phrase.to_lowercase();
                for (index, line) in lines.iter().enumerate() {
                    if line.contains(&wanted) {
                        findings.push(ClauseFinding {
                            code: "clause-vague",
                            id: phrases.id.clone(),
                            place: Some((index + 1, phrase.clone())),
                            cure: phrases.cure.clone(),
                        });
                    }
                }
            }
        }
        findings
    }
}
