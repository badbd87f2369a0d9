//! The chain of the trail: each entry's digest covers the entry and the digest before it, and the
//! head tells the last one. Whoever changes, takes out or cuts off entries breaks it, unless they
//! rewrite all of it from there; against that, a head that was noted elsewhere helps.

use std::fmt;
use std::str::FromStr;

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::super::column::Column;
use super::super::error::StoreError;
use super::super::{Store, Tx};
use crate::hex::hex;

/// How many entries are read at once.
const CHUNK: i64 = 1_000;

/// What of an entry its digest covers, as the columns hold it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link<'a> {
    pub(super) at: i64,
    pub(super) actor: &'a str,
    pub(super) action: &'a str,
    pub(super) subject: &'a str,
    pub(super) detail: &'a str,
}

impl Link<'_> {
    /// Returns the digest of this entry behind the one with the digest `before`.
    pub(super) fn digest(&self, before: &str) -> String {
        // A JSON list keeps the parts apart, whatever they hold.
        let parts = json!([before, self.at, self.actor, self.action, self.subject, self.detail]);
        hex(&Sha256::digest(parts.to_string().as_bytes()))
    }
}

/// Where the chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// How many entries it has.
    pub(crate) entries: u64,
    /// The digest of the last one; empty where there is none.
    pub(crate) digest: String,
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.entries, self.digest)
    }
}

/// A text that names no head.
#[derive(Debug, thiserror::Error)]
#[error("this is no head; write what `upturn audit verify` printed")]
pub(crate) struct NoHead;

impl FromStr for Head {
    type Err = NoHead;

    fn from_str(text: &str) -> Result<Self, NoHead> {
        let (entries, digest) = text.split_once(':').ok_or(NoHead)?;
        let entries = entries.parse().map_err(|_| NoHead)?;
        Ok(Self { entries, digest: digest.to_owned() })
    }
}

/// What became of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is as it was written.
    Whole(Head),
    /// The entry with this number was changed, put in, or stands behind one that was taken out.
    Broken(i64),
    /// Entries behind the last one were cut off: the head knows of so many, and so many are there.
    Cut {
        /// What the head says.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// The chain is sound in itself, but it never was what was noted elsewhere.
    Rewritten,
}

/// Takes the turn to write the next entry; returns the digest of the last one.
pub(super) async fn take_head(tx: &mut Tx) -> Result<String, StoreError> {
    // Writing first makes others wait until the end of this transaction, so that the chain has no
    // forks.
    const SQL: &str = "
        UPDATE audit_head SET entries = entries + 1 WHERE id = 1 RETURNING digest";

    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(SQL).fetch_one(db).await?))
}

/// Says which entry is the last one.
pub(super) async fn move_head(tx: &mut Tx, digest: &str) -> Result<(), StoreError> {
    const SQL: &str = "UPDATE audit_head SET digest = $1 WHERE id = 1";

    on_backend!(tx.connection(), db => sqlx::query(SQL).bind(digest).execute(db).await.map(drop)?);
    Ok(())
}

/// Returns where the trail ends.
pub(crate) async fn head(store: &Store) -> Result<Head, StoreError> {
    const SQL: &str = "SELECT entries, digest FROM audit_head WHERE id = 1";

    let (entries, digest): (i64, String) =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_one(db).await?);
    Ok(Head { entries: Column("audit_head", "entries").count(entries)?, digest })
}

/// Reads the whole trail; `noted` is a head that was noted elsewhere.
pub(crate) async fn verify(store: &Store, noted: Option<&Head>) -> Result<Verdict, StoreError> {
    const HEAD: &str = "SELECT entries, digest FROM audit_head WHERE id = 1";

    // One moment of all of it, though others write.
    let mut tx = store.begin_reading().await?;
    let (entries, digest): (i64, String) =
        on_backend!(tx.connection(), db => sqlx::query_as(HEAD).fetch_one(db).await?);
    let entries = Column("audit_head", "entries").count(entries)?;
    let (mut last, mut before, mut found) = (0, String::new(), 0);
    let mut is_noted = noted.is_none_or(|noted| noted.entries == 0);
    'trail: loop {
        let rows = chunk(&mut tx, last).await?;
        if rows.is_empty() {
            break;
        }
        for row in &rows {
            last = row.id;
            let is_old = row.digest.is_none() && found == 0;
            if is_old {
                continue;
            }
            // What came after the head that was read is not its business.
            if found == entries {
                break 'trail;
            }
            let expected = row.link().digest(&before);
            if row.digest.as_deref() != Some(&*expected) {
                return Ok(Verdict::Broken(row.id));
            }
            found += 1;
            is_noted |= noted.is_some_and(|n| n.entries == found && n.digest == expected);
            before = expected;
        }
    }
    Ok(match () {
        () if found != entries || before != digest => Verdict::Cut { expected: entries, found },
        () if !is_noted => Verdict::Rewritten,
        () => Verdict::Whole(Head { entries, digest }),
    })
}

async fn chunk(tx: &mut Tx, last: i64) -> Result<Vec<Row>, StoreError> {
    const SQL: &str = "
        SELECT id, at, actor, action, subject, detail, digest FROM audit
        WHERE id > $1 ORDER BY id LIMIT $2";

    Ok(on_backend!(tx.connection(), db => sqlx::query_as(SQL)
        .bind(last)
        .bind(CHUNK)
        .fetch_all(db)
        .await?))
}

#[derive(sqlx::FromRow)]
struct Row {
    id: i64,
    at: i64,
    actor: String,
    action: String,
    subject: String,
    detail: String,
    digest: Option<String>,
}

impl Row {
    fn link(&self) -> Link<'_> {
        Link {
            at: self.at,
            actor: &self.actor,
            action: &self.action,
            subject: &self.subject,
            detail: &self.detail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{at, each_backend, execute};
    use super::super::{NewEntry, append};
    use super::*;

    async fn write(store: &Store, count: i64) {
        for number in 0..count {
            let mut tx = store.begin().await.unwrap();
            let detail = json!({ "number": number });
            let (actor, action, subject) = ("lin", "rules-switched", "rules");
            let entry = NewEntry { at: at(number), actor, action, subject, detail: &detail };
            append(&mut tx, entry).await.unwrap();
            tx.commit().await.unwrap();
        }
    }

    async fn heads(store: &Store) -> Head {
        let verdict = verify(store, None).await.unwrap();
        let Verdict::Whole(head) = verdict else { panic!("{verdict:?}") };
        head
    }

    #[tokio::test]
    async fn names_the_entry_that_was_changed_and_sees_what_was_cut_off() {
        each_backend(async |store| {
            // What an older Upturn wrote has no digest, and is no break.
            let old = "INSERT INTO audit (at, actor, action, subject, detail)
                VALUES (0, 'x', 'y', 'z', '{}')";
            execute(store, old.to_owned()).await;
            assert_eq!(heads(store).await, Head { entries: 0, digest: String::new() });
            write(store, 3).await;
            let noted = heads(store).await;
            write(store, 2).await;
            let head = heads(store).await;
            assert_eq!(head.entries, 5);
            let whole = Verdict::Whole(head.clone());
            assert_eq!(verify(store, Some(&noted)).await.unwrap(), whole);
            let other = Head { entries: 3, digest: "0".repeat(64) };
            assert_eq!(verify(store, Some(&other)).await.unwrap(), Verdict::Rewritten);

            let cases = [
                (
                    "UPDATE audit SET actor = 'eve' WHERE id = 4",
                    "UPDATE audit SET actor = 'lin' WHERE id = 4",
                    Verdict::Broken(4),
                ),
                ("UPDATE audit SET digest = NULL WHERE id = 2", "", Verdict::Broken(3)),
            ];
            for (harm, cure, expected) in cases {
                execute(store, harm.to_owned()).await;
                assert_eq!(verify(store, None).await.unwrap(), expected, "case: {harm}");
                if !cure.is_empty() {
                    execute(store, cure.to_owned()).await;
                    assert_eq!(verify(store, None).await.unwrap(), whole, "case: {cure}");
                }
            }
        })
        .await;
        each_backend(async |store| {
            write(store, 4).await;
            execute(store, "DELETE FROM audit WHERE id > 2".to_owned()).await;
            let cut = Verdict::Cut { expected: 4, found: 2 };
            assert_eq!(verify(store, None).await.unwrap(), cut);
            execute(store, "DELETE FROM audit WHERE id = 1".to_owned()).await;
            assert_eq!(verify(store, None).await.unwrap(), Verdict::Broken(2));
        })
        .await;
    }

    #[tokio::test]
    async fn entries_that_are_written_at_once_make_one_chain() {
        each_backend(async |store| {
            let mut writers = tokio::task::JoinSet::new();
            for _ in 0..8 {
                let store = store.clone();
                writers.spawn(async move { write(&store, 5).await });
            }
            writers.join_all().await;
            assert_eq!(heads(store).await.entries, 40);
        })
        .await;
    }
}
