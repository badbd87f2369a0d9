//! Puts rules in force: each version is written down with its place in the log.

use sha2::{Digest as _, Sha256};
use upturn_core::engine::ActiveRule;

use crate::clock::Clock;
use crate::hex::hex;
use crate::rules::LoadedRule;
use crate::store::error::StoreError;
use crate::store::rule::Activation;
use crate::store::{self, Store};

/// Writes down the versions of `rules` that are new, and returns all with the place since which
/// each rule, in whatever version, has been in force.
pub(super) async fn activate(
    store: &Store,
    clock: &dyn Clock,
    rules: &[LoadedRule],
) -> Result<Vec<ActiveRule>, StoreError> {
    let next = store::cursor::read(store).await? + 1;
    let mut tx = store.begin().await?;
    let mut active = Vec::with_capacity(rules.len());
    for loaded in rules {
        let version = hex(&Sha256::digest(loaded.text.as_bytes()));
        let activation = Activation {
            rule: &loaded.rule.id,
            version_hash: &version,
            document: &loaded.text,
            at: clock.now(),
            position: next,
        };
        let since = store::rule::activate(&mut tx, activation).await?;
        active.push(ActiveRule { rule: loaded.rule.clone(), since });
    }
    tx.commit().await?;
    Ok(active)
}
