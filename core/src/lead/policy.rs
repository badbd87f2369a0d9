//! All documents of leads that are in force together, and what one task is judged by.

use std::sync::Arc;

use super::Named;
use super::document::{Document, Place, Wrong};
use super::grade::Grade;
use super::route::Route;
use super::score::Score;
use super::sla::Sla;
use crate::rule::finding::Finding;

/// A sound document, its version and its text.
#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    /// What it says.
    pub document: Document,
    /// The short hash of its text.
    pub version: Box<str>,
    /// Its text.
    pub text: Arc<str>,
}

/// All documents; each names only others that are there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Policy {
    written: Vec<Written>,
}

/// What a task is judged by.
#[derive(Clone, Copy, Debug)]
pub struct Scheme<'p> {
    /// What points are given for.
    pub score: &'p Score,
    /// What grade they make.
    pub grade: &'p Grade,
    /// Who gets it.
    pub route: &'p Route,
    /// By when, if the grade names one.
    pub sla: Option<&'p Sla>,
}

impl Policy {
    /// Returns the policy of `written`, or what is wrong between them, each with the place of its document.
    pub fn new(written: Vec<Written>) -> Result<Self, Vec<(usize, Finding)>> {
        let policy = Self { written };
        let mut findings = Vec::new();
        for (at, one) in policy.written.iter().enumerate() {
            let wrong = policy.faults_of(at, &one.document).into_iter();
            findings.extend(wrong.flat_map(|w| w.in_text(&one.text)).map(|found| (at, found)));
        }
        if findings.is_empty() { Ok(policy) } else { Err(findings) }
    }

    /// Returns whether there is nothing to judge by.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Returns all documents.
    pub fn written(&self) -> &[Written] {
        &self.written
    }

    /// Returns what the tasks of `rule` are judged by, if anything: the score that names the rule, else the
    /// one that names none.
    pub fn scheme_for(&self, rule: &str) -> Option<Scheme<'_>> {
        let scores = || self.scores().map(|(_, score)| score);
        let score = scores()
            .find(|score| score.rules.iter().any(|one| &**one == rule))
            .or_else(|| scores().find(|score| score.rules.is_empty()))?;
        let grade = self.grade(&score.grade)?;
        let sla = grade.sla.as_deref().and_then(|id| self.sla(id));
        Some(Scheme { score, grade, route: self.route(&grade.route)?, sla })
    }

    /// Returns the versions of the documents of `scheme`.
    pub fn names(&self, scheme: &Scheme<'_>) -> Vec<Named> {
        let wanted = [
            ("score", Some(&scheme.score.id)),
            ("grade", Some(&scheme.grade.id)),
            ("route", Some(&scheme.route.id)),
            ("sla", scheme.sla.map(|sla| &sla.id)),
        ];
        let find = |(kind, id): (&str, Option<&Box<str>>)| {
            let is_it = |one: &&Written| {
                one.document.kind() == kind && id.is_some_and(|id| one.document.id() == &**id)
            };
            let found = self.written.iter().find(is_it)?;
            Some(Named { kind: kind.into(), id: id?.clone(), version: found.version.clone() })
        };
        wanted.into_iter().filter_map(find).collect()
    }

    fn scores(&self) -> impl Iterator<Item = (usize, &Score)> {
        self.written.iter().enumerate().filter_map(|(at, one)| match &one.document {
            Document::Score(score) => Some((at, score)),
            Document::Grade(_) | Document::Route(_) | Document::Sla(_) => None,
        })
    }

    fn grade(&self, id: &str) -> Option<&Grade> {
        self.written.iter().find_map(|one| match &one.document {
            Document::Grade(grade) if &*grade.id == id => Some(grade),
            Document::Score(_) | Document::Grade(_) | Document::Route(_) | Document::Sla(_) => None,
        })
    }

    fn route(&self, id: &str) -> Option<&Route> {
        self.written.iter().find_map(|one| match &one.document {
            Document::Route(route) if &*route.id == id => Some(route),
            Document::Score(_) | Document::Grade(_) | Document::Route(_) | Document::Sla(_) => None,
        })
    }

    fn sla(&self, id: &str) -> Option<&Sla> {
        self.written.iter().find_map(|one| match &one.document {
            Document::Sla(sla) if &*sla.id == id => Some(sla),
            Document::Score(_) | Document::Grade(_) | Document::Route(_) | Document::Sla(_) => None,
        })
    }

    /// Returns what is wrong with the document at that place because of the others.
    fn faults_of(&self, at: usize, document: &Document) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let mut tell = |place, code, message: String, cure: &str| {
            wrong.push(Wrong::new(place, code, message, cure));
        };
        let before = self.written.iter().take(at);
        let is_same = |one: &Written| one.document.id() == document.id();
        if before.clone().any(is_same) {
            let message = format!("'{}' is the id of another document too", document.id());
            tell(Place::Key("id"), "duplicate-id", message, "give one of them another id");
        }
        match document {
            Document::Score(score) => {
                if self.grade(&score.grade).is_none() {
                    let message = format!("there is no grade '{}'", score.grade);
                    tell(Place::Key("grade"), "unknown-value", message, "add it to the folder");
                }
                let mut others = self.scores().filter(|(other, _)| *other < at);
                let shares = |other: &Score| {
                    let of_all = other.rules.is_empty() && score.rules.is_empty();
                    of_all || other.rules.iter().any(|rule| score.rules.contains(rule))
                };
                if let Some((_, other)) = others.find(|(_, other)| shares(other)) {
                    let message = format!("'{}' is for some of the same rules", other.id);
                    let cure = "let each rule be named by one score, and one score name none";
                    tell(Place::Key("rules"), "overlap", message, cure);
                }
            }
            Document::Grade(grade) => {
                let Some(route) = self.route(&grade.route) else {
                    let message = format!("there is no route '{}'", grade.route);
                    tell(Place::Key("route"), "unknown-value", message, "add it to the folder");
                    return wrong;
                };
                for (index, band) in grade.band.iter().enumerate() {
                    let takes = |line: &super::route::Line| {
                        line.grade.is_empty() || line.grade.contains(&band.grade)
                    };
                    if !route.line.iter().any(takes) {
                        let message = format!("no line of '{}' takes '{}'", route.id, band.grade);
                        let cure = "add a [[line]] for it";
                        tell(Place::Table("band", index), "no-line", message, cure);
                    }
                }
                let Some(id) = &grade.sla else { return wrong };
                let Some(sla) = self.sla(id) else {
                    let message = format!("there is no sla '{id}'");
                    tell(Place::Key("sla"), "unknown-value", message, "add it to the folder");
                    return wrong;
                };
                for clock in sla.clock.iter().filter(|clock| !grade.has(&clock.grade)) {
                    let message = format!("'{id}' has a clock for '{}'", clock.grade);
                    let cure = "add the band, or take the clock away";
                    tell(Place::Key("sla"), "unknown-value", message, cure);
                }
            }
            Document::Route(_) | Document::Sla(_) => {}
        }
        wrong
    }
}
