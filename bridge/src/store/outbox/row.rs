//! A claimed letter, as the database has it.

use super::super::column::Column;
use super::super::error::StoreError;
use super::{Letter, column};

/// Where bodies stand.
pub(in crate::store) const BODY: Column = column("body");

/// A claimed letter, as the database has it.
#[derive(Debug, sqlx::FromRow)]
pub(in crate::store) struct Row {
    id: i64,
    key: String,
    kind: String,
    pub(super) subject: String,
    body: String,
    language: String,
    recipient: Option<String>,
    attempts: i64,
    begun: i64,
    claimed_until: i64,
}

impl Row {
    pub(super) fn into_letter(self, remote: Option<String>) -> Result<Letter, StoreError> {
        let count = |name, value: i64| {
            u32::try_from(value).map_err(|_| column(name).inconsistent("an impossible count"))
        };
        Ok(Letter {
            id: self.id,
            key: self.key,
            kind: self.kind,
            subject: self.subject,
            body: BODY.json(&self.body)?,
            language: self.language,
            recipient: self.recipient,
            attempts: count("attempts", self.attempts)?,
            begun: count("begun", self.begun)?,
            claimed_until: column("claimed_until").time(self.claimed_until)?,
            remote,
        })
    }
}
