//! The facts of sets that were read, kept for a while so that a set is read once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;
use upturn_connectors::feed;
use upturn_core::fact::Fact;

use super::saved::name_source;
use super::stored::StoredError;
use crate::store::Store;
use crate::store::feed_set::{self, Set};

/// How many bytes of facts are kept at most, as far as they are counted.
const BYTES_MAX: usize = 64 << 20;

/// Facts of sets, those that were asked for last.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shelf {
    kept: Arc<Mutex<Kept>>,
}

/// A set by its feed, which its facts name, and by all else that they depend on.
type Key = (String, String);

#[derive(Debug, Default)]
struct Kept {
    leaves: BTreeMap<Key, Leaf>,
    bytes: usize,
    /// How often something was asked for.
    asked: u64,
}

#[derive(Debug)]
struct Leaf {
    facts: Arc<Vec<Fact>>,
    bytes: usize,
    /// At which question it was wanted last.
    wanted: u64,
}

impl Shelf {
    /// Returns the facts of the sets in force of the kinds that are wanted, each with its feed, those that
    /// came into force later later.
    pub(crate) async fn in_force(
        &self,
        store: &Store,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(String, Arc<Vec<Fact>>)>, StoredError> {
        let told = self.sets_in_force(store, is_wanted).await?;
        Ok(told.into_iter().map(|(set, facts)| (set.feed, facts)).collect())
    }

    /// Returns the same with the sets themselves.
    pub(crate) async fn sets_in_force(
        &self,
        store: &Store,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(Set, Arc<Vec<Fact>>)>, StoredError> {
        let mut active = feed_set::active(store).await?;
        active.retain(|set| is_wanted(&set.kind));
        // One that was held is older than its coming into force.
        active.sort_by_key(|set| (set.active_at, set.id));
        let mut told = Vec::with_capacity(active.len());
        for set in active {
            let facts = self.facts_of(store, &set).await?;
            told.push((set, facts));
        }
        Ok(told)
    }

    /// Returns the facts of `set`, in the order of its documents, each naming its feed.
    pub(crate) async fn facts_of(
        &self,
        store: &Store,
        set: &Set,
    ) -> Result<Arc<Vec<Fact>>, StoredError> {
        let key = (set.feed.clone(), set.digest.clone());
        if let Some(facts) = self.with(|kept| kept.find(&key)) {
            return Ok(facts);
        }
        let unknown = || StoredError::Kind { set: set.id, kind: set.kind.clone() };
        let kind = feed::kind(&set.kind).ok_or_else(unknown)?;
        let settings: Value = serde_json::from_str(&set.settings).unwrap_or_default();
        let documents = feed_set::documents(store, set.id).await?;
        let (id, name) = (set.id, set.feed.clone());
        let read = tokio::task::spawn_blocking(move || {
            let mut facts = Vec::new();
            let mut bytes = 0;
            for document in &documents {
                bytes += document.bytes.len();
                let mut read = (kind.parse)(&settings, &document.bytes)?;
                if facts.is_empty() {
                    // A large document is not moved.
                    facts = read;
                } else {
                    facts.append(&mut read);
                }
            }
            name_source(&mut facts, &name);
            Ok((facts, bytes))
        });
        let read = read.await.map_err(|_gone| StoredError::Cut(id))?;
        let (facts, bytes) = read.map_err(|error| StoredError::Document { set: id, error })?;
        let bytes = size(bytes, &facts);
        let facts = Arc::new(facts);
        self.with(|kept| kept.put(key, Arc::clone(&facts), bytes));
        Ok(facts)
    }

    /// Keeps `facts`, which were just read from the one document of a set, of so many bytes.
    pub(crate) fn keep(&self, (feed, digest): (String, String), facts: Vec<Fact>, bytes: usize) {
        let bytes = size(bytes, &facts);
        self.with(|kept| kept.put((feed, digest), Arc::new(facts), bytes));
    }

    fn with<T>(&self, work: impl FnOnce(&mut Kept) -> T) -> T {
        // Whoever panicked here left at worst a leaf out of the count.
        work(&mut self.kept.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Returns about how large `facts` are, read from so many bytes: what a fact holds beside itself is of
/// the size of what it was read from.
fn size(bytes: usize, facts: &[Fact]) -> usize {
    bytes.saturating_add(facts.len().saturating_mul(size_of::<Fact>()))
}

impl Kept {
    fn find(&mut self, key: &Key) -> Option<Arc<Vec<Fact>>> {
        self.asked += 1;
        let leaf = self.leaves.get_mut(key)?;
        leaf.wanted = self.asked;
        Some(Arc::clone(&leaf.facts))
    }

    /// Keeps facts, in the place of those that were not wanted for longest. What is larger than all
    /// that may be kept is not.
    fn put(&mut self, key: Key, facts: Arc<Vec<Fact>>, bytes: usize) {
        if BYTES_MAX < bytes {
            return;
        }
        let leaf = Leaf { facts, bytes, wanted: self.asked };
        self.bytes += bytes;
        if let Some(old) = self.leaves.insert(key, leaf) {
            self.bytes -= old.bytes;
        }
        while BYTES_MAX < self.bytes {
            let oldest = self.leaves.iter().min_by_key(|(_, leaf)| leaf.wanted);
            let Some(key) = oldest.map(|(key, _)| key.clone()) else { break };
            self.bytes -= self.leaves.remove(&key).map_or(0, |leaf| leaf.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_wanted_for_longest_makes_room() {
        let mut kept = Kept::default();
        let key = |name: &str| (name.to_owned(), "1".to_owned());
        let put = |kept: &mut Kept, name: &str, bytes| {
            kept.asked += 1;
            kept.put(key(name), Arc::default(), bytes);
        };
        put(&mut kept, "a", BYTES_MAX / 2);
        put(&mut kept, "b", BYTES_MAX / 4);
        assert!(kept.find(&key("a")).is_some());
        put(&mut kept, "c", BYTES_MAX / 2);
        assert!(kept.find(&key("a")).is_some() && kept.find(&key("b")).is_none());
        put(&mut kept, "a", BYTES_MAX / 8);
        put(&mut kept, "huge", BYTES_MAX + 1);
        assert_eq!((kept.leaves.len(), kept.bytes), (2, BYTES_MAX / 8 + BYTES_MAX / 2));
    }
}
