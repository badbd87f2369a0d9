//! The tables a backup holds, described once for both databases.
//!
//! Left out are sessions, since whoever was logged in logs in again, rows of imports on their way, and the list of migrations,
//! which each database keeps for itself.

use serde::{Deserialize, Serialize};

/// The longest name of a table or column, as PostgreSQL has it.
const NAME_MAX: usize = 63;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// A whole number.
    Whole,
    /// A text.
    Text,
    /// Bytes, as hexadecimal digits in a backup.
    Bytes,
    /// Yes or no, 1 or 0 in a backup.
    Flag,
}

/// A column.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Table {
    /// Its name.
    #[serde(rename = "table")]
    pub(crate) name: String,
    /// Its columns; rows are ordered by the first of them, which its primary key begins with.
    pub(crate) columns: Vec<Column>,
    /// Whether the database numbers its rows, by the first column.
    pub(crate) numbered: bool,
}

impl Table {
    fn of(name: &str, columns: &str) -> Self {
        let columns = columns.split_ascii_whitespace().map(|column| {
            let (name, kind) = match column.split_once(':') {
                Some((name, "text")) => (name, Kind::Text),
                Some((name, "bytes")) => (name, Kind::Bytes),
                Some((name, _)) => (name, Kind::Flag),
                None => (column, Kind::Whole),
            };
            Column { name: name.to_owned(), kind }
        });
        Self { name: name.to_owned(), columns: columns.collect(), numbered: false }
    }

    fn numbered(self) -> Self {
        Self { numbered: true, ..self }
    }

    /// Returns whether every name is one that the schema could have: a statement is made of them,
    /// and a backup may be anybody's.
    pub(crate) fn is_sound(&self) -> bool {
        let is_name = |name: &str| {
            (1..=NAME_MAX).contains(&name.len())
                && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        is_name(&self.name)
            && !self.columns.is_empty()
            && self.columns.iter().all(|column| is_name(&column.name))
    }
}

/// Returns every table of the newest schema, those that others refer to first.
#[expect(clippy::too_many_lines, reason = "it is the list itself")]
pub(crate) fn tables() -> Vec<Table> {
    vec![
        Table::of("log_cursor", "id position epoch"),
        Table::of("retention", "id position horizon"),
        Table::of(
            "event",
            "position stated_at device:text id:text occurred_at received_at seq kind:text \
             channel:text source:text clock_suspect:flag attributes:text",
        ),
        Table::of("log_input", "position received_at kind:text body:text"),
        Table::of("rule_version", "rule_id:text version_hash:text document:text"),
        Table::of("registry_version", "digest:text document:text"),
        Table::of(
            "task",
            "id:text rule_id:text scope:text device:text account:text kind:text title:text \
             steps:text owner:text due_at created_at created_by first_at last_at episode:text \
             status:text revision updated_at rule_version:text stage:text progress:text \
             contradicted_at joined joined_at region:text started_at touched_at taken_at \
             contacted_at closed_at outcome:text snoozed_until checked:text \
             escalated contacted_late",
        ),
        Table::of(
            "task_evidence",
            "task_id:text ordinal event_id:text device:text channel:text kind:text occurred_at \
             attributes:text",
        ),
        Table::of(
            "dead_letter",
            "id received_at topic:text payload:bytes source:text code:text reason:text \
             digest:text times last_at",
        )
        .numbered(),
        Table::of("retained_state", "topic:text received_at payload:bytes"),
        Table::of("audit", "id at actor:text action:text subject:text detail:text digest:text")
            .numbered(),
        Table::of("task_history", "id task_id:text at actor:text action:text detail:text done_at")
            .numbered(),
        Table::of(
            "task_back_fill",
            "id task_id:text done_at told_at actor:text detail:text decided_at decided_by:text \
             approved",
        )
        .numbered(),
        Table::of("task_timer", "task_id:text kind:text at"),
        Table::of(
            "lead",
            "task_id:text score:text grade:text route:text score_now:text grade_now:text ranked \
             last:text frozen:text",
        ),
        Table::of(
            "override",
            "id subject_kind:text subject_id:text what:text value:text machine_value:text \
             reason:text actor:text at until ended_at ended_by:text",
        )
        .numbered(),
        Table::of(
            "task_deal",
            "task_id:text deal_id:text account:text product:text offer:text opened_at \
             opened_by:text contradicted_at",
        ),
        Table::of(
            "coupon_issue",
            "task_id:text code:text campaign:text contact:text value:text currency:text \
             expires_on:text month:text issued_at issued_by:text",
        ),
        Table::of(
            "booking",
            "task_id:text consultant:text starts_at ends_at booked_at booked_by:text",
        ),
        Table::of("audit_head", "id entries digest:text"),
        Table::of(
            "outbox",
            "id key:text kind:text subject:text body:text created_at next_at attempts sent_at \
             last_error:text destination:text state:text language:text recipient:text \
             digest:text begun claimed_until",
        )
        .numbered(),
        Table::of(
            "destination_state",
            "id:text failures open_until off_reason:text last_error:text failed_at worked_at",
        ),
        Table::of(
            "remote_record",
            "destination:text subject:text remote:text url:text heard:text heard_at asked_at",
        ),
        Table::of("inbound_delivery", "destination:text id:text received_at answer:text"),
        Table::of(
            "requirement",
            "id:text task_id:text kind:text priority:text text:text actor:text created_at",
        ),
        Table::of("record", "kind:text id:text document:text revision updated_at updated_by:text"),
        Table::of("registry_change", "kind:text id:text"),
        Table::of("idempotent_request", "actor:text key:text digest:text answer:text done_at"),
        Table::of("unknown_device", "device:text topic:text messages first_seen_at last_seen_at"),
        Table::of(
            "advice",
            "id:text key:text state:text revision decision:text figures:text document:text item:text \
             source:text place:text quantity ship_on:text arrive_on:text cover_until:text \
             replaces:text created_at updated_at actor:text reason:text snoozed_until packed:bytes",
        ),
        Table::of("advice_plan", "id revision as_of planned_at document:text"),
        Table::of("record_mark", "id changes"),
        Table::of(
            "app_user",
            "name:text password_hash:text language:text created_at display_name:text email:text \
             roles:text regions:text teams:text superior:text substitute:text substitute_from_at \
             substitute_until_at disabled_at password_given_at revision",
        ),
        Table::of(
            "api_token",
            "id:text token_hash:text user_name:text label:text scopes:text created_at expires_at \
             last_used_at revoked_at",
        ),
        Table::of("feed_state", "feed:text failures retry_at checked_at paused_by:text paused_at"),
        Table::of(
            "feed_run",
            "id feed:text slot missed cause:text actor:text wanted_at started_at ended_at \
             outcome:text sentence:text facts",
        )
        .numbered(),
        Table::of(
            "feed_set",
            "id feed:text run_id fetched_at digest:text kind:text settings:text state:text \
             reasons:text validators:text configured_by:text facts decided_by:text decided_at \
             active_position active_at",
        )
        .numbered(),
        Table::of("feed_document", "set_id ordinal address:text packed:bytes"),
        Table::of("named_secret", "name:text key_id:text sealed:bytes set_by:text set_at"),
        Table::of("policy_version", "digest:text position at actor:text document:text"),
        Table::of("policy_confirmation", "digest:text person:text at"),
        Table::of(
            "deal_act",
            "deal:text revision position at actor:text process:text policy:text action:text",
        ),
        Table::of("deal_timer", "deal:text kind:text at"),
        Table::of(
            "quote",
            "digest:text number:text content:text deal:text seller:text actor:text at is_clear \
             document:text",
        ),
        Table::of(
            "approval",
            "id:text content:text quote:text deal:text person:text amount:text currency:text \
             reason:text asked_at state:text decided_by:text decided_at comment:text \
             valid_from:text valid_until:text revision asked_by:text",
        ),
        Table::of("deal_history", "deal:text revision at document:text"),
        Table::of(
            "forecast",
            "id kind:text subject:text as_of_on:text due_on:text horizon revision method:text \
             version:text position made_at said:text",
        )
        .numbered(),
        Table::of("forecast_score", "forecast_id came:text position scored_at"),
        Table::of("forecast_alarm", "id watched:text as_of_on:text detail:text position raised_at")
            .numbered(),
        Table::of(
            "forecast_trial",
            "id kind:text actor:text wanted_at started_at ended_at result:text",
        )
        .numbered(),
        Table::of("snapshot", "piece position bytes:bytes"),
    ]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::Backend;
    use super::super::testing::each_backend;
    use super::*;

    /// What a backup leaves out.
    const LEFT_OUT: [&str; 4] = ["_sqlx_migrations", "record_staged", "session", "sqlite_sequence"];

    #[tokio::test]
    async fn every_column_of_the_schema_is_in_a_backup_or_left_out_on_purpose() {
        const SQLITE: &str = "
            SELECT t.name, c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c
            WHERE t.type = 'table'";
        const POSTGRES: &str = "
            SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT)
            FROM information_schema.columns WHERE table_schema = current_schema()
                AND is_generated = 'NEVER'";

        each_backend(async |store| {
            let found: Vec<(String, String)> = match store.reader() {
                Backend::Sqlite(db) => sqlx::query_as(SQLITE).fetch_all(db).await.unwrap(),
                Backend::Postgres(db) => sqlx::query_as(POSTGRES).fetch_all(db).await.unwrap(),
            };
            let is_kept = |(table, _): &(String, String)| !LEFT_OUT.contains(&&**table);
            let expected: BTreeSet<_> = found.into_iter().filter(is_kept).collect();
            let described = tables().into_iter().flat_map(|table| {
                assert!(table.is_sound(), "{table:?}");
                let name = table.name;
                table.columns.into_iter().map(move |column| (name.clone(), column.name))
            });
            assert_eq!(described.collect::<BTreeSet<_>>(), expected);
        })
        .await;
    }
}
