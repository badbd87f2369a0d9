//! Tokens that programs sign in with. Only their hashes are stored.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};
use crate::auth::rights::TokenScope;

/// How exactly it is written down when a token was last used.
const USED_EVERY: TimeDelta = TimeDelta::minutes(1);

/// What a program signs in with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiToken {
    /// What it is called where it is shown; no secret.
    pub(crate) id: String,
    /// Whose.
    pub(crate) person: String,
    /// What it is for, in its owner's words.
    pub(crate) label: String,
    /// What it may be used for.
    pub(crate) scopes: BTreeSet<TokenScope>,
    /// When it was made.
    pub(crate) created_at: DateTime<Utc>,
    /// When it ends.
    pub(crate) expires_at: DateTime<Utc>,
    /// When it was last used, to a minute.
    pub(crate) last_used_at: Option<DateTime<Utc>>,
    /// When it was revoked.
    pub(crate) revoked_at: Option<DateTime<Utc>>,
}

impl ApiToken {
    /// Returns whether it lets anybody in at `now`.
    pub(crate) fn is_valid(&self, now: DateTime<Utc>) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}

/// Stores `token`, of which the program keeps what `hash` is the hash of.
pub(crate) async fn create(tx: &mut Tx, token: &ApiToken, hash: &str) -> Result<(), StoreError> {
    const SQL: &str = "
        INSERT INTO api_token (id, token_hash, user_name, label, scopes, created_at, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)";

    let scopes = SCOPES.write_json(&token.scopes)?;
    on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(&token.id)
        .bind(hash)
        .bind(&token.person)
        .bind(&token.label)
        .bind(scopes)
        .bind(token.created_at.timestamp_millis())
        .bind(token.expires_at.timestamp_millis())
        .execute(db)
        .await
        .map(drop)?);
    Ok(())
}

/// Returns the token behind `hash` if it lets somebody in at `now`, and writes down that it was
/// used.
pub(crate) async fn take(
    store: &Store,
    hash: &str,
    now: DateTime<Utc>,
) -> Result<Option<ApiToken>, StoreError> {
    const SQL: &str = "
        SELECT id, user_name, label, scopes, created_at, expires_at, last_used_at, revoked_at
        FROM api_token WHERE token_hash = $1";
    const USED: &str = "UPDATE api_token SET last_used_at = $2 WHERE id = $1";

    let row: Option<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(hash)
        .fetch_optional(db)
        .await?);
    let token = row.map(ApiToken::try_from).transpose()?;
    let Some(token) = token.filter(|token| token.is_valid(now)) else { return Ok(None) };
    if token.last_used_at.is_none_or(|used| used + USED_EVERY <= now) {
        on_backend!(store.writer(), db => sqlx::query(USED)
            .bind(&token.id)
            .bind(now.timestamp_millis())
            .execute(db)
            .await
            .map(drop)?);
    }
    Ok(Some(token))
}

/// Returns the tokens of `person`, or of everybody, the newest first.
pub(crate) async fn all(store: &Store, person: Option<&str>) -> Result<Vec<ApiToken>, StoreError> {
    const SQL: &str = "
        SELECT id, user_name, label, scopes, created_at, expires_at, last_used_at, revoked_at
        FROM api_token WHERE $1 = '' OR user_name = $1 ORDER BY created_at DESC, id";

    let rows: Vec<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(person.unwrap_or_default())
        .fetch_all(db)
        .await?);
    rows.into_iter().map(ApiToken::try_from).collect()
}

/// Revokes the token `id`, of `person` where one is named; returns whose it is if it was valid so
/// far.
pub(crate) async fn revoke(
    tx: &mut Tx,
    id: &str,
    person: Option<&str>,
    now: DateTime<Utc>,
) -> Result<Option<String>, StoreError> {
    const SQL: &str = "
        UPDATE api_token SET revoked_at = $3
        WHERE id = $1 AND ($2 = '' OR user_name = $2) AND revoked_at IS NULL
        RETURNING user_name";

    if id.contains('\0') {
        return Ok(None);
    }
    Ok(on_backend!(tx.connection(), db => sqlx::query_scalar(SQL)
        .bind(id)
        .bind(person.unwrap_or_default())
        .bind(now.timestamp_millis())
        .fetch_optional(db)
        .await?))
}

const SCOPES: Column = Column("api_token", "scopes");

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    user_name: String,
    label: String,
    scopes: String,
    created_at: i64,
    expires_at: i64,
    last_used_at: Option<i64>,
    revoked_at: Option<i64>,
}

impl TryFrom<Row> for ApiToken {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let column = |name| Column("api_token", name);
        Ok(Self {
            id: row.id,
            person: row.user_name,
            label: row.label,
            scopes: SCOPES.json(&row.scopes)?,
            created_at: column("created_at").time(row.created_at)?,
            expires_at: column("expires_at").time(row.expires_at)?,
            last_used_at: column("last_used_at").time_if_any(row.last_used_at)?,
            revoked_at: column("revoked_at").time_if_any(row.revoked_at)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::person;
    use super::super::testing::{self, at, each_backend};
    use super::*;

    fn token(id: &str, owner: &str, minutes: i64) -> ApiToken {
        ApiToken {
            id: id.to_owned(),
            person: owner.to_owned(),
            label: "import".to_owned(),
            scopes: [TokenScope::Read, TokenScope::Events].into(),
            created_at: at(0),
            expires_at: at(minutes),
            last_used_at: None,
            revoked_at: None,
        }
    }

    #[tokio::test]
    async fn a_token_is_good_until_it_ends_or_is_revoked() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            for id in ["lin", "zoe"] {
                person::create(&mut tx, &testing::person(id)).await.unwrap();
            }
            create(&mut tx, &token("a", "lin", 60), "hash-a").await.unwrap();
            create(&mut tx, &token("b", "zoe", 60), "hash-b").await.unwrap();
            tx.commit().await.unwrap();

            let found = take(store, "hash-a", at(1)).await.unwrap().unwrap();
            assert_eq!((&*found.person, found.last_used_at), ("lin", None));
            let again = take(store, "hash-a", at(2)).await.unwrap().unwrap();
            assert_eq!((again.last_used_at, again.scopes), (Some(at(1)), found.scopes));
            assert_eq!(take(store, "hash-a", at(60)).await.unwrap(), None, "over");
            assert_eq!(take(store, "a", at(1)).await.unwrap(), None, "the id is no token");

            let mut tx = store.begin().await.unwrap();
            assert_eq!(revoke(&mut tx, "b", Some("lin"), at(3)).await.unwrap(), None, "not hers");
            let revoked = revoke(&mut tx, "b", None, at(3)).await.unwrap();
            assert_eq!(revoked.as_deref(), Some("zoe"));
            assert_eq!(revoke(&mut tx, "b", None, at(4)).await.unwrap(), None, "already");
            tx.commit().await.unwrap();
            assert_eq!(take(store, "hash-b", at(3)).await.unwrap(), None);
            assert_eq!(all(store, None).await.unwrap().len(), 2);
            let of_zoe = all(store, Some("zoe")).await.unwrap();
            assert_eq!(of_zoe[0].revoked_at, Some(at(3)));
        })
        .await;
    }
}
