//! The batch insert for SQLite: many rows in one statement.

use std::iter;
use std::sync::{Arc, LazyLock};

use sqlx::sqlite::SqliteArguments;
use sqlx::{Arguments as _, SqliteConnection};

use super::{NewEvent, stated_at};

/// Rows in a statement, largest first. A batch is cut into as few as these allow, so there is one
/// text for each size and each is prepared once.
const ROWS: [usize; 5] = [512, 128, 32, 8, 1];
const COLUMNS: usize = 12;

static STATEMENTS: LazyLock<[(usize, String); ROWS.len()]> =
    LazyLock::new(|| ROWS.map(|rows| (rows, statement(rows))));

/// Inserts what is new of `events` at `places`; returns how many are.
pub(super) async fn insert(
    db: &mut SqliteConnection,
    events: &[NewEvent<'_>],
    places: &[i64],
) -> Result<u64, sqlx::Error> {
    let mut texts = Texts::default();
    let mut rows = events.iter().zip(places);
    let mut inserted = 0;
    for (size, statement) in &*STATEMENTS {
        while *size <= rows.len() {
            let arguments = bind(rows.by_ref().take(*size), &mut texts);
            let arguments = arguments.map_err(sqlx::Error::Encode)?;
            let done = sqlx::query_with(statement.as_str(), arguments).execute(&mut *db).await?;
            inserted += done.rows_affected();
        }
    }
    Ok(inserted)
}

fn statement(rows: usize) -> String {
    // Not `$1`: SQLite looks a named place up in a list, which takes as long as the list.
    let row = format!("({})", ["?"; COLUMNS].join(","));
    let rows = iter::repeat_n(row, rows).collect::<Vec<_>>().join(",");
    format!(
        "INSERT INTO event (position, stated_at, device, id, occurred_at, received_at, seq, kind, \
             channel, source, clock_suspect, attributes) \
         VALUES {rows} \
         ON CONFLICT (stated_at, device, id) DO NOTHING"
    )
}

fn bind<'a>(
    rows: impl ExactSizeIterator<Item = (&'a NewEvent<'a>, &'a i64)>,
    texts: &mut Texts,
) -> Result<SqliteArguments, sqlx::error::BoxDynError> {
    let mut arguments = SqliteArguments::default();
    arguments.reserve(rows.len() * COLUMNS, 0);
    for (NewEvent { source, event, .. }, place) in rows {
        arguments.add(*place)?;
        arguments.add(stated_at(event))?;
        arguments.add(text(event.device.as_str()))?;
        arguments.add(text(event.id.as_str()))?;
        arguments.add(event.occurred_at.timestamp_millis())?;
        arguments.add(event.received_at.timestamp_millis())?;
        arguments.add(event.seq)?;
        arguments.add(texts.kind.shared(&event.kind))?;
        arguments.add(event.channel.as_deref().map(text))?;
        arguments.add(texts.source.shared(source))?;
        arguments.add(event.clock_suspect)?;
        arguments.add(text(event.attributes.as_json()))?;
    }
    Ok(arguments)
}

/// Texts cross to the connection's own thread; this is the form that is copied once only.
fn text(text: &str) -> Arc<str> {
    Arc::from(text)
}

/// The texts of the row before, which the next row often repeats.
#[derive(Default)]
struct Texts {
    kind: Latest,
    source: Latest,
}

#[derive(Default)]
struct Latest(Option<Arc<str>>);

impl Latest {
    fn shared(&mut self, wanted: &str) -> Arc<str> {
        match &self.0 {
            Some(latest) if **latest == *wanted => Arc::clone(latest),
            _ => Arc::clone(self.0.insert(text(wanted))),
        }
    }
}
