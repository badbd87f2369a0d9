//! Other rules and another registry: both come into force in one commit, or neither.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use sha2::{Digest as _, Sha256};
use upturn_core::engine::ActiveRule;
use upturn_core::event::Position;
use upturn_core::input::Input;

use super::Runtime;
use super::fold::Fold;
use super::reading::{LoggedRegistry, LoggedRule};
use super::request::{Changes, RuleChange, StagedVersion, Wanted};
use super::wish::Logged;
use crate::hex::hex;
use crate::rules::LoadedRule;
use crate::store::audit::{self, NewEntry};
use crate::store::error::StoreError;
use crate::store::log::Kind;
use crate::store::rule::Version;
use crate::store::{self, Tx};

/// How many digits of a document's hash name its version: enough that no two of a rule are alike.
const VERSION_DIGITS: usize = 12;

/// Whom the trail of switches is about.
pub(crate) const SUBJECT: &str = "rules";

/// Returns the short hash that names the version of a document.
pub(crate) fn version_of(document: &str) -> String {
    let mut version = hex(&Sha256::digest(document.as_bytes()));
    version.truncate(VERSION_DIGITS);
    version
}

impl Runtime<'_> {
    /// Puts what is wanted in force, as far as it is not yet; returns what changed.
    pub(crate) async fn switch(
        &self,
        fold: &mut Fold,
        wanted: &Wanted,
    ) -> Result<Changes, StoreError> {
        let Wanted { rules: loaded, registry: folder, policy, actor } = wanted;
        let registry = self.compose(fold, folder).await?;
        let mut set: Vec<LoggedRule> = loaded.iter().map(logged).collect();
        set.sort_by(|one, other| (&one.rule, &one.version).cmp(&(&other.rule, &other.version)));
        let in_force: Vec<LoggedRule> = fold.rules.iter().map(logged_active).collect();
        let changes = Changes {
            registry: fold.registry.is_empty() || registry != *fold.engine.registry(),
            delivery: false,
            feeds: false,
            leads: false,
            policy: self.is_other(policy).await?,
            rules: changes(&fold.rules, loaded),
        };
        if !changes.registry && !changes.policy && set == in_force {
            return Ok(Changes::default());
        }

        let mut tx = self.store.begin().await?;
        let (mut inputs, mut digest) = (Vec::new(), None);
        if changes.registry {
            let document = json!(registry).to_string();
            let digest = &*digest.insert(hex(&Sha256::digest(document.as_bytes())));
            store::log::keep_registry(&mut tx, digest, &document).await?;
            let (at, action, detail) =
                (self.now(fold), "registry-switched", json!({"digest": digest}));
            let entry = NewEntry { at, actor, action, subject: SUBJECT, detail: &detail };
            audit::append(&mut tx, entry).await?;
            let body = json!(LoggedRegistry::Whole { digest: digest.clone() }).to_string();
            let input = Input::Registry(Arc::new(registry));
            inputs.push(Logged { kind: Kind::Registry, body, input });
        }
        if changes.policy {
            // A tick gives it a place of its own in the log.
            let tick = Logged { kind: Kind::Tick, body: "{}".to_owned(), input: Input::Tick };
            inputs.push(tick);
            let place = fold.cursor + u64::from(changes.registry) + 1;
            self.adopt(&mut tx, policy, (place, self.now(fold)), actor).await?;
        }
        let mut rules = None;
        if set != in_force {
            keep(&mut tx, loaded).await?;
            let place = 1 + u64::from(changes.registry) + u64::from(changes.policy);
            let next = self.active(fold, fold.cursor + place, (&set, loaded));
            let (at, detail) = (self.now(fold), json!(changes.rules));
            let (action, subject) = ("rules-switched", SUBJECT);
            audit::append(&mut tx, NewEntry { at, actor, action, subject, detail: &detail })
                .await?;
            let body = json!(set).to_string();
            inputs.push(Logged { kind: Kind::Rules, body, input: Input::Rules(next.clone()) });
            rules = Some(next);
        }
        self.commit_inputs(fold, tx, inputs).await?;
        if let Some(digest) = digest {
            fold.registry = digest;
        }
        if let Some(rules) = rules {
            fold.rules = rules;
        }
        Ok(changes)
    }

    /// Returns the rules of `set`; those that are in force already keep their since.
    fn active(
        &self,
        fold: &Fold,
        since: Position,
        (set, loaded): (&[LoggedRule], &[LoadedRule]),
    ) -> Vec<ActiveRule> {
        let since_at = self.now(fold);
        let find = |wanted: &LoggedRule| {
            if let Some(known) = wanted.find_in(&fold.rules) {
                return Some(known.clone());
            }
            let found = loaded.iter().find(|each| logged(each) == *wanted)?;
            let (rule, version) = (Arc::new(found.rule.clone()), wanted.version.as_str().into());
            Some(ActiveRule { rule, version, since, since_at })
        };
        set.iter().filter_map(find).collect()
    }
}

/// Keeps the documents of all versions.
async fn keep(tx: &mut Tx, loaded: &[LoadedRule]) -> Result<(), StoreError> {
    for LoadedRule { rule, text } in loaded {
        let (rule, hash) = (rule.id.as_str(), version_of(text));
        store::rule::keep(tx, Version { rule, hash: &hash, document: text }).await?;
    }
    Ok(())
}

/// Returns the rules whose versions differ, by id.
fn changes(old: &[ActiveRule], new: &[LoadedRule]) -> Vec<RuleChange> {
    let mut by_id: BTreeMap<&str, [Vec<StagedVersion>; 2]> = BTreeMap::new();
    for ActiveRule { rule, version, .. } in old {
        let [before, _] = by_id.entry(rule.id.as_str()).or_default();
        before.push(StagedVersion { version: version.to_string(), stage: rule.stage });
    }
    for LoadedRule { rule, text } in new {
        let [_, now] = by_id.entry(rule.id.as_str()).or_default();
        now.push(StagedVersion { version: version_of(text), stage: rule.stage });
    }
    let changed = by_id.into_iter().filter_map(|(id, [mut before, mut now])| {
        before.sort();
        now.sort();
        (before != now).then(|| RuleChange { id: id.to_owned(), before, now })
    });
    changed.collect()
}

fn logged(loaded: &LoadedRule) -> LoggedRule {
    LoggedRule { rule: loaded.rule.id.as_str().to_owned(), version: version_of(&loaded.text) }
}

fn logged_active(active: &ActiveRule) -> LoggedRule {
    LoggedRule { rule: active.rule.id.as_str().to_owned(), version: active.version.to_string() }
}
