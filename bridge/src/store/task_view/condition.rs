//! Which tasks a statement is about: filters, places in a list, and what the reader sees.

use sqlx::{Database, Encode, QueryBuilder, Type};

use super::{DueFilter, OwnerFilter, TaskCursor, TaskFilter};
use crate::auth::sight::Sight;

/// Adds the conditions of `filter` and `after`. Each combination is a text of its own, so each is
/// planned with the index that serves it.
pub(super) fn push_filter<DB: Database>(
    query: &mut QueryBuilder<DB>,
    filter: &TaskFilter,
    after: Option<&TaskCursor>,
) where
    for<'a> i64: Encode<'a, DB> + Type<DB>,
    for<'a> String: Encode<'a, DB> + Type<DB>,
{
    query.push(" WHERE ").push(filter.state.condition());
    push_owner(query, &filter.owner);
    match filter.due {
        DueFilter::Any => {}
        DueFilter::Before(before) => {
            query.push(" AND contacted_at IS NULL");
            query.push(" AND due_at < ").push_bind(before.timestamp_millis());
        }
        DueFilter::Between(from, before) => {
            query.push(" AND contacted_at IS NULL");
            query.push(" AND due_at >= ").push_bind(from.timestamp_millis());
            query.push(" AND due_at < ").push_bind(before.timestamp_millis());
        }
        DueFilter::FromOrNever(from) => {
            query
                .push(" AND (due_at IS NULL OR contacted_at IS NOT NULL OR due_at >= ")
                .push_bind(from.timestamp_millis());
            query.push(")");
        }
    }
    if let Some(TaskCursor { created_at, id }) = after {
        query.push(" AND (created_at, id) < (").push_bind(*created_at);
        query.push(", ").push_bind(id.clone()).push(")");
    }
}

pub(super) fn push_owner<DB: Database>(query: &mut QueryBuilder<DB>, owner: &OwnerFilter)
where
    for<'a> String: Encode<'a, DB> + Type<DB>,
{
    match owner {
        OwnerFilter::Anyone => {}
        OwnerFilter::Is(owner) => {
            // No column holds the character, so another that none holds finds the same: nothing.
            query.push(" AND owner = ").push_bind(owner.replace('\0', "\u{fffd}"));
        }
        OwnerFilter::Pools => {
            query.push(" AND owner LIKE 'pool:%'");
        }
    }
}

/// Adds the condition that a task is in `sight`.
pub(in crate::store) fn push_sight<DB: Database>(query: &mut QueryBuilder<DB>, sight: &Sight)
where
    for<'a> String: Encode<'a, DB> + Type<DB>,
{
    let Sight::Part { owners, regions } = sight else { return };
    query.push(" AND (1 = 0");
    for (column, among) in [("owner", owners), ("region", regions)] {
        if among.is_empty() {
            continue;
        }
        query.push(" OR task.").push(column).push(" IN (");
        let mut list = query.separated(", ");
        for one in among {
            list.push_bind(one.clone());
        }
        query.push(")");
    }
    query.push(")");
}
