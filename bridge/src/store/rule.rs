//! The versions of rules, and since which place in the log each has been in force.

use chrono::{DateTime, Utc};
use upturn_core::event::Position;
use upturn_core::id::RuleId;

use super::Tx;
use super::column::Column;
use super::error::StoreError;

/// A version of a rule that comes into force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Activation<'a> {
    /// The rule.
    pub(crate) rule: &'a RuleId,
    /// The hash of its document.
    pub(crate) version_hash: &'a str,
    /// Its document.
    pub(crate) document: &'a str,
    /// Log time.
    pub(crate) at: DateTime<Utc>,
    /// The last place in the log that came before it.
    pub(crate) position: Position,
}

/// Records `activation`, unless that version is in force already; returns the position at which
/// the rule, in whatever version, first came into force.
pub(crate) async fn activate(
    tx: &mut Tx,
    activation: Activation<'_>,
) -> Result<Position, StoreError> {
    let rule = activation.rule.as_str();
    if find_version_in_force(tx, rule).await?.as_deref() != Some(activation.version_hash) {
        keep_document(tx, &activation).await?;
        record(tx, &activation).await?;
    }
    first_position(tx, rule).await
}

const POSITION: Column = Column("rule_activation", "position");

async fn find_version_in_force(tx: &mut Tx, rule: &str) -> Result<Option<String>, StoreError> {
    const SQL: &str = "
        SELECT version_hash FROM rule_activation
        WHERE rule_id = $1 ORDER BY position DESC LIMIT 1";

    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(rule)
        .fetch_optional(db)
        .await?))
}

async fn keep_document(tx: &mut Tx, activation: &Activation<'_>) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO rule_version (rule_id, version_hash, document)
        VALUES ($1, $2, $3)
        ON CONFLICT (rule_id, version_hash) DO NOTHING";

    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(activation.rule.as_str())
        .bind(activation.version_hash)
        .bind(activation.document)
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

async fn record(tx: &mut Tx, activation: &Activation<'_>) -> Result<(), StoreError> {
    // Of two versions at one place, none of the log was folded with the first.
    const SQL: &str = "
        INSERT INTO rule_activation (rule_id, position, version_hash, activated_at)
        VALUES ($1, $2, $3, $4)
        ON CONFLICT (rule_id, position) DO UPDATE
        SET version_hash = excluded.version_hash, activated_at = excluded.activated_at";

    let position = POSITION.write_position(activation.position)?;
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(activation.rule.as_str())
        .bind(position)
        .bind(activation.version_hash)
        .bind(activation.at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

async fn first_position(tx: &mut Tx, rule: &str) -> Result<Position, StoreError> {
    const SQL: &str = "SELECT min(position) FROM rule_activation WHERE rule_id = $1";

    let first: Option<i64> = on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(rule)
        .fetch_one(db)
        .await?);
    POSITION.position(first.ok_or_else(|| POSITION.inconsistent("no row"))?)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{at, each_backend};
    use super::*;

    #[tokio::test]
    async fn returns_where_a_rule_first_came_into_force_whatever_its_version() {
        each_backend(async |store| {
            let cases = [
                ("a new rule", "care", "v1", 10, 10),
                ("the same version again", "care", "v1", 20, 10),
                ("another version", "care", "v2", 30, 10),
                ("back to the first", "care", "v1", 40, 10),
                ("two at one place", "care", "v3", 40, 10),
                ("another rule", "other", "v1", 50, 50),
                ("at the beginning of the log", "early", "v1", 0, 0),
            ];
            for (case, rule, version_hash, position, expected) in cases {
                let rule = RuleId::new(rule).unwrap();
                let (document, at) = ("id = \"care\"\n# 规则", at(0));
                let mut tx = store.begin().await.unwrap();
                let activation = Activation { rule: &rule, version_hash, document, at, position };
                assert_eq!(activate(&mut tx, activation).await.unwrap(), expected, "case: {case}");
                let in_force = find_version_in_force(&mut tx, rule.as_str()).await.unwrap();
                assert_eq!(in_force.as_deref(), Some(version_hash), "case: {case}");
                tx.commit().await.unwrap();
            }
        })
        .await;
    }
}
