//! What would be other if one set of facts took the place of another.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use schemars::JsonSchema;
use serde::Serialize;
use upturn_core::fact::Fact;

/// How many changes are told at most.
pub(crate) const CHANGES_MAX: usize = 100;

/// One thing that would be other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "FactChange")]
pub(crate) struct Change {
    /// What: a pair of currencies, a rule, a code.
    pub(crate) what: String,
    /// What holds; absent where it is new.
    pub(crate) before: Option<String>,
    /// What would hold; absent where it would be gone.
    pub(crate) after: Option<String>,
}

/// Returns what would be other if `new` took the place of `last`, at most [`CHANGES_MAX`] things, and
/// how many there are. Of rates only the newest of each pair is looked at.
pub(crate) fn changes(new: &[Fact], last: &[Fact]) -> (Vec<Change>, usize) {
    let (new, last) = (told(new), told(last));
    let mut changes = Vec::new();
    for (what, (_, after)) in &new {
        let before = last.get(what).map(|(_, before)| before);
        if before != Some(after) {
            let (before, after) = (before.cloned(), Some(after.clone()));
            changes.push(Change { what: what.clone(), before, after });
        }
    }
    let gone = last.iter().filter(|(what, _)| !new.contains_key(*what));
    changes.extend(gone.map(|(what, (_, before))| Change {
        what: what.clone(),
        before: Some(before.clone()),
        after: None,
    }));
    let count = changes.len();
    changes.truncate(CHANGES_MAX);
    (changes, count)
}

/// Returns what facts are about, and what they say of it.
fn told(facts: &[Fact]) -> BTreeMap<String, (NaiveDate, String)> {
    let mut told: BTreeMap<String, (NaiveDate, String)> = BTreeMap::new();
    for fact in facts {
        let (what, on, says) = say(fact);
        let newest = told.entry(what).or_insert_with(|| (on, says.clone()));
        if newest.0 <= on {
            *newest = (on, says);
        }
    }
    told
}

fn say(fact: &Fact) -> (String, NaiveDate, String) {
    let none = NaiveDate::MIN;
    if let Fact::Rate(rate) = fact {
        let what = format!("{}/{}", rate.base, rate.quote);
        return (what, rate.date, format!("{} ({})", rate.value, rate.date));
    }
    if let Fact::Tax(tax) = fact {
        let says = format!("{} %", tax.percent.normalize());
        return (format!("{} {}", tax.rule, tax.valid), none, says);
    }
    if let Fact::Goods(goods) = fact {
        return (goods.code.clone(), none, goods.description.clone());
    }
    let mut says = serde_json::to_value(fact).unwrap_or_default();
    let rule = says.get("rule").and_then(|rule| rule.as_str()).map(str::to_owned);
    if let Some(members) = says.as_object_mut() {
        members.remove("source");
    }
    let says = says.to_string();
    (rule.unwrap_or_else(|| says.clone()), none, says)
}

#[cfg(test)]
mod tests {
    use upturn_connectors::feed;

    use super::*;

    fn rates(usd: &str, more: &str) -> Vec<Fact> {
        let document = format!("Date, USD, {more}\n20 November 2026, {usd}, 1\n");
        let document = document.replace(", ,", ",");
        let kind = feed::kind("ecb").unwrap();
        (kind.parse)(&serde_json::json!({}), document.as_bytes()).unwrap()
    }

    #[test]
    fn what_is_other_new_or_gone_is_told() {
        let (new, last) = (rates("1.2", "CNY"), rates("1.1", "JPY"));
        let (changes, count) = changes(&new, &last);
        let told: Vec<_> = changes
            .iter()
            .map(|one| (&*one.what, one.before.is_some(), one.after.is_some()))
            .collect();
        assert_eq!(count, 3);
        assert_eq!(
            told,
            [("EUR/CNY", false, true), ("EUR/USD", true, true), ("EUR/JPY", true, false)]
        );
    }
}
