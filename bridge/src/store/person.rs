//! People who may sign in.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{DateTime, Utc};

use super::column::Column;
use super::error::StoreError;
use super::{Store, Tx};
use crate::auth::person::{Person, Profile, Substitute};
use crate::web::language::Language;

/// Somebody to be let in.
#[derive(Clone)]
pub(crate) struct NewPerson {
    /// What they sign in with.
    pub(crate) id: String,
    /// What is said about them.
    pub(crate) profile: Profile,
    /// The hash of the password, with its salt and parameters.
    pub(crate) password_hash: String,
    /// Whether the password is one to be changed at the first sign-in.
    pub(crate) is_given: bool,
    /// When they are added.
    pub(crate) created_at: DateTime<Utc>,
}

impl fmt::Debug for NewPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPerson").field("id", &self.id).finish_non_exhaustive()
    }
}

/// What a password is compared with.
#[derive(Clone, sqlx::FromRow)]
pub(crate) struct Credentials {
    /// The hash of the password.
    pub(crate) password_hash: String,
    disabled_at: Option<i64>,
}

impl Credentials {
    /// Returns whether who has the password may come in.
    pub(crate) fn is_enabled(&self) -> bool {
        self.disabled_at.is_none()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").finish_non_exhaustive()
    }
}

/// Stores `new` unless the id is taken; returns whether it was free.
pub(crate) async fn create(tx: &mut Tx, new: &NewPerson) -> Result<bool, StoreError> {
    const SQL: &str = "
        INSERT INTO app_user (name, password_hash, language, created_at, display_name, email,
            roles, regions, teams, superior, substitute, substitute_from_at, substitute_until_at,
            password_given_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
        ON CONFLICT (name) DO NOTHING";

    let row = Written::of(&new.profile)?;
    let created_at = new.created_at.timestamp_millis();
    let created = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(&new.id)
        .bind(&new.password_hash)
        .bind(row.language)
        .bind(created_at)
        .bind(row.name)
        .bind(row.email)
        .bind(row.roles)
        .bind(row.regions)
        .bind(row.teams)
        .bind(row.superior)
        .bind(row.substitute)
        .bind(row.from_at)
        .bind(row.until_at)
        .bind(new.is_given.then_some(created_at))
        .execute(db)
        .await?
        .rows_affected());
    Ok(created == 1)
}

/// Says `profile` about `id`, if they are as `revision` had them; returns whether they were.
pub(crate) async fn change(
    tx: &mut Tx,
    id: &str,
    revision: u64,
    profile: &Profile,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE app_user SET language = $3, display_name = $4, email = $5, roles = $6, regions = $7,
            teams = $8, superior = $9, substitute = $10, substitute_from_at = $11,
            substitute_until_at = $12, revision = revision + 1
        WHERE name = $1 AND revision = $2";

    let row = Written::of(profile)?;
    let changed = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id)
        .bind(i64::try_from(revision).unwrap_or(i64::MAX))
        .bind(row.language)
        .bind(row.name)
        .bind(row.email)
        .bind(row.roles)
        .bind(row.regions)
        .bind(row.teams)
        .bind(row.superior)
        .bind(row.substitute)
        .bind(row.from_at)
        .bind(row.until_at)
        .execute(db)
        .await?
        .rows_affected());
    Ok(changed == 1)
}

/// Keeps `id` out since `at`, or lets them in again; ends their sessions. Returns whether that is
/// another state than before.
pub(crate) async fn set_disabled(
    tx: &mut Tx,
    id: &str,
    at: Option<DateTime<Utc>>,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE app_user SET disabled_at = $2, revision = revision + 1
        WHERE name = $1 AND CASE WHEN disabled_at IS NULL THEN 1 ELSE 0 END = $3";

    let changed = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id)
        .bind(at.map(|at| at.timestamp_millis()))
        .bind(i64::from(at.is_some()))
        .execute(db)
        .await?
        .rows_affected());
    end_sessions(tx, id).await?;
    Ok(changed == 1)
}

/// Gives `id` another password and ends the sessions begun with the old one; `given_at` is when
/// somebody else chose it, if somebody did. Returns whether there is such a person.
pub(crate) async fn set_password(
    tx: &mut Tx,
    id: &str,
    password_hash: &str,
    given_at: Option<DateTime<Utc>>,
) -> Result<bool, StoreError> {
    const SQL: &str = "
        UPDATE app_user SET password_hash = $2, password_given_at = $3, revision = revision + 1
        WHERE name = $1";

    let changed = on_backend!(tx.connection(), db => sqlx::query(SQL)
        .bind(id)
        .bind(password_hash)
        .bind(given_at.map(|at| at.timestamp_millis()))
        .execute(db)
        .await?
        .rows_affected());
    end_sessions(tx, id).await?;
    Ok(changed == 1)
}

async fn end_sessions(tx: &mut Tx, id: &str) -> Result<(), StoreError> {
    const SQL: &str = "DELETE FROM session WHERE user_name = $1";

    on_backend!(tx.connection(), db => sqlx::query(SQL).bind(id).execute(db).await.map(drop)?);
    Ok(())
}

/// Returns everybody, by id.
pub(crate) async fn all(store: &Store) -> Result<Vec<Person>, StoreError> {
    const SQL: &str = "
        SELECT name, language, created_at, display_name, email, roles, regions, teams, superior,
            substitute, substitute_from_at, substitute_until_at, disabled_at, password_given_at,
            revision
        FROM app_user ORDER BY name";

    let rows: Vec<Row> =
        on_backend!(store.reader(), db => sqlx::query_as(SQL).fetch_all(db).await?);
    rows.into_iter().map(Person::try_from).collect()
}

/// Returns the person with `id`.
pub(crate) async fn find(store: &Store, id: &str) -> Result<Option<Person>, StoreError> {
    const SQL: &str = "
        SELECT name, language, created_at, display_name, email, roles, regions, teams, superior,
            substitute, substitute_from_at, substitute_until_at, disabled_at, password_given_at,
            revision
        FROM app_user WHERE name = $1";

    // PostgreSQL refuses such a text even to compare with, and an address can hold one.
    if id.contains('\0') {
        return Ok(None);
    }
    let row: Option<Row> = on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(id)
        .fetch_optional(db)
        .await?);
    row.map(Person::try_from).transpose()
}

/// Returns what the password of `id` is compared with.
pub(crate) async fn credentials(
    store: &Store,
    id: &str,
) -> Result<Option<Credentials>, StoreError> {
    const SQL: &str = "SELECT password_hash, disabled_at FROM app_user WHERE name = $1";

    if id.contains('\0') {
        return Ok(None);
    }
    Ok(on_backend!(store.reader(), db => sqlx::query_as(SQL)
        .bind(id)
        .fetch_optional(db)
        .await?))
}

/// Returns whether anybody may sign in.
pub(crate) async fn any_exists(store: &Store) -> Result<bool, StoreError> {
    const SQL: &str = "SELECT count(*) FROM (SELECT 1 FROM app_user LIMIT 1) AS found";

    let count: i64 =
        on_backend!(store.reader(), db => sqlx::query_scalar(SQL).fetch_one(db).await?);
    Ok(count != 0)
}

/// A profile as columns.
struct Written<'p> {
    name: &'p str,
    email: Option<&'p str>,
    language: Option<&'static str>,
    roles: String,
    regions: String,
    teams: String,
    superior: Option<&'p str>,
    substitute: Option<&'p str>,
    from_at: Option<i64>,
    until_at: Option<i64>,
}

impl<'p> Written<'p> {
    fn of(profile: &'p Profile) -> Result<Self, StoreError> {
        let substitute = profile.substitute.as_ref();
        let millis = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_millis());
        Ok(Self {
            name: &profile.name,
            email: profile.email.as_deref(),
            language: profile.language.map(Language::tag),
            roles: ROLES.write_json(&profile.roles)?,
            regions: REGIONS.write_json(&profile.regions)?,
            teams: TEAMS.write_json(&profile.teams)?,
            superior: profile.superior.as_deref(),
            substitute: substitute.map(|substitute| substitute.id.as_str()),
            from_at: substitute.and_then(|substitute| millis(substitute.from)),
            until_at: substitute.and_then(|substitute| millis(substitute.until)),
        })
    }
}

const ROLES: Column = Column("app_user", "roles");
const REGIONS: Column = Column("app_user", "regions");
const TEAMS: Column = Column("app_user", "teams");

#[derive(sqlx::FromRow)]
struct Row {
    name: String,
    language: Option<String>,
    created_at: i64,
    display_name: String,
    email: Option<String>,
    roles: String,
    regions: String,
    teams: String,
    superior: Option<String>,
    substitute: Option<String>,
    substitute_from_at: Option<i64>,
    substitute_until_at: Option<i64>,
    disabled_at: Option<i64>,
    password_given_at: Option<i64>,
    revision: i64,
}

impl TryFrom<Row> for Person {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let time = |column, at| Column("app_user", column).time_if_any(at);
        let regions: BTreeSet<String> = REGIONS.json(&row.regions)?;
        let substitute = match row.substitute {
            None => None,
            Some(id) => Some(Substitute {
                id,
                from: time("substitute_from_at", row.substitute_from_at)?,
                until: time("substitute_until_at", row.substitute_until_at)?,
            }),
        };
        Ok(Self {
            id: row.name,
            profile: Profile {
                name: row.display_name,
                email: row.email,
                language: row.language.as_deref().and_then(Language::find),
                roles: ROLES.json(&row.roles)?,
                regions,
                teams: TEAMS.json(&row.teams)?,
                superior: row.superior,
                substitute,
            },
            created_at: Column("app_user", "created_at").time(row.created_at)?,
            disabled_at: time("disabled_at", row.disabled_at)?,
            password_given_at: time("password_given_at", row.password_given_at)?,
            revision: Column("app_user", "revision").count(row.revision)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::session::{self, Session};
    use super::super::testing::{at, each_backend, person};
    use super::*;
    use crate::auth::role::Role;

    #[tokio::test]
    async fn an_id_belongs_to_the_first_who_takes_it() {
        each_backend(async |store| {
            assert!(!any_exists(store).await.unwrap());
            let mut tx = store.begin().await.unwrap();
            let lin = NewPerson {
                profile: Profile {
                    name: "林".into(),
                    email: Some("lin@example.org".into()),
                    language: Some(Language::ZhCn),
                    roles: [Role::Sales, Role::SalesManager].into(),
                    regions: ["east".into()].into(),
                    teams: ["顾问".into(), "b".into()].into(),
                    superior: Some("zoe".into()),
                    substitute: Some(Substitute {
                        id: "zoe".into(),
                        from: Some(at(1)),
                        until: None,
                    }),
                },
                is_given: true,
                ..person("lin")
            };
            assert!(create(&mut tx, &lin).await.unwrap());
            assert!(!create(&mut tx, &person("lin")).await.unwrap());
            assert!(create(&mut tx, &person("Zoë")).await.unwrap());
            tx.commit().await.unwrap();
            assert!(any_exists(store).await.unwrap());

            let found = find(store, "lin").await.unwrap().unwrap();
            assert_eq!(found.profile, lin.profile);
            assert_eq!((found.revision, found.password_given_at), (1, Some(at(0))));
            assert!(!format!("{lin:?}").contains("argon2id"), "hashes are not for logs");
            assert_eq!(find(store, "zoë").await.unwrap(), None);
            assert_eq!(find(store, "a\0b").await.unwrap(), None);
            let ids: Vec<_> = all(store).await.unwrap().into_iter().map(|p| p.id).collect();
            assert_eq!(ids, ["Zoë", "lin"]);
        })
        .await;
    }

    #[tokio::test]
    async fn a_change_is_made_to_what_was_read_and_to_nothing_else() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            create(&mut tx, &person("lin")).await.unwrap();
            let profile = Profile { name: "Lin".into(), ..Profile::default() };
            assert!(change(&mut tx, "lin", 1, &profile).await.unwrap());
            assert!(!change(&mut tx, "lin", 1, &Profile::default()).await.unwrap());
            tx.commit().await.unwrap();
            let found = find(store, "lin").await.unwrap().unwrap();
            assert_eq!((found.profile, found.revision), (profile, 2));
        })
        .await;
    }

    #[tokio::test]
    async fn a_new_password_and_being_kept_out_end_the_sessions() {
        each_backend(async |store| {
            let mut tx = store.begin().await.unwrap();
            for id in ["lin", "zoe", "wu"] {
                create(&mut tx, &person(id)).await.unwrap();
            }
            tx.commit().await.unwrap();
            for id in ["lin", "zoe", "wu"] {
                let stay = Session { user: id.to_owned(), created_at: at(0), expires_at: at(60) };
                session::create(store, id, &stay).await.unwrap();
            }
            let mut tx = store.begin().await.unwrap();
            assert!(set_password(&mut tx, "lin", "$argon2id$2", Some(at(1))).await.unwrap());
            assert!(!set_password(&mut tx, "nobody", "$argon2id$2", None).await.unwrap());
            assert!(set_disabled(&mut tx, "wu", Some(at(2))).await.unwrap());
            assert!(!set_disabled(&mut tx, "wu", Some(at(3))).await.unwrap(), "already");
            tx.commit().await.unwrap();

            let stored = credentials(store, "lin").await.unwrap().unwrap();
            assert_eq!(stored.password_hash, "$argon2id$2");
            assert!(stored.is_enabled());
            let wu = credentials(store, "wu").await.unwrap().unwrap();
            assert!(!wu.is_enabled());
            let mut found = Vec::new();
            for id in ["lin", "zoe", "wu"] {
                found.push(session::find(store, id, at(1)).await.unwrap().is_some());
            }
            assert_eq!(found, [false, true, false]);

            let mut tx = store.begin().await.unwrap();
            assert!(set_disabled(&mut tx, "wu", None).await.unwrap());
            tx.commit().await.unwrap();
            assert!(find(store, "wu").await.unwrap().unwrap().is_enabled());
        })
        .await;
    }
}
