//! The documents of rules, by version. Which are in force stands in the log.

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};

/// A version of a rule.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Version<'a> {
    /// The rule's id.
    pub(crate) rule: &'a str,
    /// The hash of the document.
    pub(crate) hash: &'a str,
    /// The document.
    pub(crate) document: &'a str,
}

/// Keeps the document of a version.
pub(crate) async fn keep(tx: &mut Tx, version: Version<'_>) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO rule_version (rule_id, version_hash, document) VALUES ($1, $2, $3)
        ON CONFLICT (rule_id, version_hash) DO NOTHING";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(version.rule)
        .bind(version.hash)
        .bind(version.document)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns the document of a version that stands in the log.
pub(crate) async fn document(
    store: &Store,
    rule: &str,
    version: &str,
) -> Result<String, StoreError> {
    let found = find_document(store, rule, version).await?;
    found.ok_or_else(|| Column("rule_version", "version_hash").inconsistent("a missing version"))
}

/// Returns the document of a version, if it is known.
pub(crate) async fn find_document(
    store: &Store,
    rule: &str,
    version: &str,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "
        SELECT document FROM rule_version WHERE rule_id = $1 AND version_hash = $2";

    Ok(on_backend!(store.reader(), db => {
        sqlx::query_scalar(SQL).bind(rule).bind(version).fetch_optional(db).await?
    }))
}

/// Returns rule, version and document of every version there ever was.
pub(crate) async fn documents(store: &Store) -> Result<Vec<(String, String, String)>, StoreError> {
    const SQL: &str = "SELECT rule_id, version_hash, document FROM rule_version";

    Ok(on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?))
}

#[cfg(test)]
mod tests {
    use super::super::testing::each_backend;
    use super::*;

    #[tokio::test]
    async fn a_version_keeps_its_document() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            let document = "id = \"care\"\n# 规则";
            keep(&mut tx, Version { rule: "care", hash: "v1", document }).await.unwrap();
            keep(&mut tx, Version { rule: "care", hash: "v1", document: "" }).await.unwrap();
            tx.commit().await.unwrap();
            assert_eq!(super::document(store, "care", "v1").await.unwrap(), document);
            assert!(super::document(store, "care", "v2").await.is_err());
        })
        .await;
    }
}
