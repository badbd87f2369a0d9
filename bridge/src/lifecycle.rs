//! The life of rules, as the log tells it: which versions were in force, since when and until when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use upturn_core::catalogue::Catalogue;
use upturn_core::decode::Format;
use upturn_core::rule::{Stage, parse};
use upturn_core::task::Title;

use crate::runtime::reading::LoggedRule;
use crate::store::error::StoreError;
use crate::store::log::{self, Kind};
use crate::store::{self, Store};

/// How many switches of rules are read; what is older is told as since the oldest of them.
const SWITCHES_MAX: u32 = 10_000;

/// A stretch of the log during which a version of a rule stood among the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Term {
    /// The rule's id.
    pub(crate) rule: String,
    /// The version.
    pub(crate) version: String,
    /// Log time of the switch that brought it.
    pub(crate) since_at: DateTime<Utc>,
    /// Log time of the switch that took it away; `None` while it stands.
    pub(crate) until_at: Option<DateTime<Utc>>,
}

/// What a document says about its rule.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Summary {
    /// The stage; `None` where this program does not understand the document any more.
    pub(crate) stage: Option<Stage>,
    /// What it is about.
    pub(crate) title: Title,
    /// The document.
    pub(crate) document: String,
}

/// A version of a rule that stands, and what its document says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standing {
    /// Since when.
    pub(crate) term: Term,
    /// What it says.
    pub(crate) summary: Summary,
}

/// Returns the terms of all rules, or of `rule` alone, in the order in which they began.
pub(crate) async fn terms(store: &Store, rule: Option<&str>) -> Result<Vec<Term>, StoreError> {
    let switches = log::newest(store, Kind::Rules, SWITCHES_MAX).await?;
    let mut terms: Vec<Term> = Vec::new();
    // Places in `terms` of what stands.
    let mut standing: BTreeMap<(String, String), usize> = BTreeMap::new();
    for switch in switches {
        let set: Vec<LoggedRule> = log::parsed(&switch.body)?;
        let set = set.into_iter().filter(|logged| rule.is_none_or(|rule| logged.rule == rule));
        let set: BTreeSet<(String, String)> = set.map(|l| (l.rule, l.version)).collect();
        standing.retain(|version, at| {
            let stays = set.contains(version);
            if let Some(term) = terms.get_mut(*at).filter(|_| !stays) {
                term.until_at = Some(switch.received_at);
            }
            stays
        });
        for (rule, version) in set {
            let key = (rule.clone(), version.clone());
            standing.entry(key).or_insert_with(|| {
                let since_at = switch.received_at;
                terms.push(Term { rule, version, since_at, until_at: None });
                terms.len() - 1
            });
        }
    }
    Ok(terms)
}

/// Returns all rules that stand, by id.
pub(crate) async fn standing(store: &Store) -> Result<Vec<Standing>, StoreError> {
    let mut found = Vec::new();
    for term in terms(store, None).await? {
        if term.until_at.is_none() {
            let summary = summary(store, &term.rule, &term.version).await?;
            found.push(Standing { term, summary });
        }
    }
    found.sort_by(|one, other| {
        let key = |s: &Standing| (s.term.rule.clone(), s.summary.stage, s.term.version.clone());
        key(one).cmp(&key(other))
    });
    Ok(found)
}

/// Returns what the document of a version says.
pub(crate) async fn summary(
    store: &Store,
    rule: &str,
    version: &str,
) -> Result<Summary, StoreError> {
    let document = store::rule::document(store, rule, version).await?;
    // What a rule may name was checked when it came into force.
    let catalogue = Catalogue::of(&[Format::Native, Format::Ocpp16]);
    let (rule, _) = parse::parse(&document, &catalogue);
    let (stage, title) = rule.map(|rule| (rule.stage, rule.title)).unzip();
    Ok(Summary { stage, title: title.unwrap_or_default(), document })
}

/// Returns the word for a stage, as documents write it.
pub(crate) fn stage_word(stage: Option<Stage>) -> &'static str {
    match stage {
        Some(Stage::Draft) => "draft",
        Some(Stage::Shadow) => "shadow",
        Some(Stage::Live) => "live",
        Some(Stage::Retired) => "retired",
        None => "unknown",
    }
}
