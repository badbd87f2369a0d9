//! What a plan is made of, read from the database: records, and sets of facts in force.

use serde::de::DeserializeOwned;
use upturn_core::fact::Fact;
use upturn_core::stock::gather::Outside;
use upturn_core::stock::gather::row::{Rows, Stock};

use crate::facts::shelf::Shelf;
use crate::facts::stored::StoredError;
use crate::store::error::StoreError;
use crate::store::{Store, feed_set, record};

/// Records that are read at once.
const PAGE_LEN: u32 = 5_000;

/// The kinds of feeds whose facts bear on a plan.
const BEARING: [&str; 8] = [
    "chinese-days",
    "closures",
    "gtfs",
    "holiday-cn",
    "icalendar",
    "lanes",
    "nager",
    "uk-bank-holidays",
];

/// Returns the numbers of the sets in force that bear on a plan.
pub(crate) async fn bearing(store: &Store) -> Result<Vec<i64>, StoreError> {
    let active = feed_set::active(store).await?;
    Ok(active.iter().filter(|set| is_bearing(&set.kind)).map(|set| set.id).collect())
}

fn is_bearing(kind: &str) -> bool {
    BEARING.contains(&kind)
}

/// Returns what the sets in force tell, those that came into force later later.
pub(crate) async fn outside(store: &Store, shelf: &Shelf) -> Result<Outside, StoredError> {
    let mut active = feed_set::active(store).await?;
    active.retain(|set| is_bearing(&set.kind));
    active.sort_by_key(|set| set.id);
    let mut outside = Outside::default();
    for set in &active {
        for fact in shelf.facts_of(store, set).await?.iter() {
            match fact {
                Fact::Calendar(almanac) => outside.almanacs.push((**almanac).clone()),
                Fact::Closure(closure) => outside.closures.push((**closure).clone()),
                Fact::Lane(lane) => outside.lanes.push((set.feed.clone(), (**lane).clone())),
                Fact::Rate(_)
                | Fact::Tax(_)
                | Fact::Duty(_)
                | Fact::Goods(_)
                | Fact::Sailing(_)
                | Fact::PortCall(_)
                | Fact::TransportEvent(_)
                | Fact::Weather(_)
                | Fact::Attributes(_)
                | Fact::Policy(_)
                | Fact::Unread(_) => {}
            }
        }
    }
    Ok(outside)
}

/// Returns the records that bear on a plan. Those that hold what an import never writes are left out.
pub(crate) async fn rows(store: &Store) -> Result<Rows, StoreError> {
    let dated = |(mut row, at): (Stock, i64)| {
        row.updated_at = at;
        row
    };
    Ok(Rows {
        products: plain(store, "product").await?,
        stock: of_kind(store, "stock").await?.into_iter().map(dated).collect(),
        deals: plain(store, "deal").await?,
        orders: plain(store, "order").await?,
        shipments: plain(store, "shipment").await?,
    })
}

async fn plain<T: DeserializeOwned>(store: &Store, kind: &str) -> Result<Vec<T>, StoreError> {
    Ok(of_kind(store, kind).await?.into_iter().map(|(row, _)| row).collect())
}

async fn of_kind<T: DeserializeOwned>(
    store: &Store,
    kind: &str,
) -> Result<Vec<(T, i64)>, StoreError> {
    let mut rows = Vec::new();
    let mut after = String::new();
    loop {
        let page = record::dated_page(store, kind, &after, PAGE_LEN).await?;
        let Some((last, _, _)) = page.last() else { return Ok(rows) };
        after.clone_from(last);
        for (id, document, at) in page {
            match serde_json::from_str(&document) {
                Ok(row) => rows.push((row, at)),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, record.kind = kind, record.id = id, "not planned with");
                }
            }
        }
    }
}
