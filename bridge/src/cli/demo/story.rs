//! What the demo tells besides tasks: two quotes, and stock before a closed window.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use upturn_core::compliance::policy::Policy;
use upturn_core::quote::library::Library;
use upturn_core::quote::priced::Status;
use upturn_core::quote::problem::Problem;
use upturn_core::quote::request::Request as QuoteRequest;
use upturn_core::quote::snapshot::Snapshot;
use upturn_core::record::{self, Kind};

use super::files;
use crate::cli::output;
use crate::clock::{Clock as _, SystemClock};
use crate::facts::saved;
use crate::quote::kept::{self, Asked};
use crate::runtime::request::Request;
use crate::runtime::selling::{Step, What};
use crate::stock::telling::Language;
use crate::store::advice_view::{AdviceFilter, AdviceRow};
use crate::store::error::StoreError;
use crate::store::record::StoredRecord;
use crate::store::{self, Store};
use crate::{compliance, quote};

/// The unit price of the second quote: 4 % below the floor of 133,000.00.
const FOUR_PERCENT: (&str, &str) = ("130340.00", "127680.00");
/// The terms that are told side by side.
const TERMS: [&str; 3] = ["DDP", "FCA", "FOB"];
/// Why the seller asks for the second price.
const REASON: &str = "A framework agreement for three clinics hangs on it.";
/// How long a plan is waited for.
const PLAN_MAX: Duration = Duration::from_mins(1);
/// Pieces of advice that are told.
const PIECES_MAX: u32 = 50;

/// The tables of records.
const RECORDS: [(&str, &str); 3] = [
    ("product", include_str!("../../../../deploy/demo/records/product.csv")),
    ("stock", include_str!("../../../../deploy/demo/records/stock.csv")),
    ("deal", include_str!("../../../../deploy/demo/records/deal.csv")),
];
const QUOTE: &str = include_str!("../../../../deploy/demo/quote.json");

/// Why a part of the story is not told.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoryError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("the demo's {0} is wrong: {1}")]
    Wrong(&'static str, String),
    #[error("the quotes were not kept: nothing answers")]
    NoAnswer,
    #[error("no plan of stock was made in {} s", PLAN_MAX.as_secs())]
    NoPlan,
}

/// Writes the records that stock is planned with.
pub(super) async fn write_records(store: &Store) -> Result<(), StoryError> {
    let mut tx = store.begin().await?;
    for (name, table) in RECORDS {
        let wrong = |why: String| StoryError::Wrong(name, why);
        let kind = record::kind(name).ok_or_else(|| wrong("no such kind".to_owned()))?;
        let rows = rows(kind, table).map_err(wrong)?;
        store::record::write(&mut tx, name, &rows, SystemClock.now(), "demo").await?;
    }
    Ok(tx.commit().await?)
}

fn rows(kind: &Kind, table: &str) -> Result<Vec<StoredRecord>, String> {
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let mut rows = Vec::new();
    for cells in reader.records() {
        let cells = cells.map_err(|error| error.to_string())?;
        let place = |name: &str| header.iter().position(|column| column == name);
        let read = kind.read(|name| place(name).and_then(|place| cells.get(place)));
        let record = read.map_err(|errors| {
            errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        })?;
        let document = serde_json::to_string(&record).map_err(|error| error.to_string())?;
        rows.push(StoredRecord { id: kind.key_of(&record), document });
    }
    Ok(rows)
}

/// Prices the demo's quote at 2 % and at 4 % below the seller's floor, by the files in `folder`.
pub(super) fn quotes(folder: &Path, policy: &Policy) -> Result<Vec<Snapshot>, StoryError> {
    let wrong = |why: String| StoryError::Wrong("quote", why);
    let two = price(folder, QUOTE, policy).map_err(wrong)?;
    let (from, to) = FOUR_PERCENT;
    let second = QUOTE.replace(from, to).replace("Q-2024-1121", "Q-2024-1122");
    Ok(vec![two, price(folder, &second, policy).map_err(wrong)?])
}

/// Returns the rules of the house on selling, from `folder`.
pub(super) fn policy(folder: &Path) -> Result<Policy, StoryError> {
    let policy = compliance::load(&folder.join(files::COMPLIANCE));
    policy.map_err(|error| StoryError::Wrong("compliance", error.to_string()))
}

fn price(folder: &Path, text: &str, policy: &Policy) -> Result<Snapshot, String> {
    let request: QuoteRequest = serde_json::from_str(text).map_err(|error| error.to_string())?;
    let facts = saved::read(&folder.join("facts")).map_err(|error| error.to_string())?;
    let told = |problems: Vec<Problem>| {
        problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    let library = Library::of(quote::sources(facts, request.date), &request.facts, request.date)
        .map_err(told)?;
    Snapshot::take(request, &library, policy).map_err(told)
}

/// Keeps the quotes, and asks in the seller's name for what one of them may not do by itself.
pub(super) async fn keep(
    asks: &mpsc::Sender<Request>,
    quotes: &[Snapshot],
    policy: &Policy,
) -> Result<(), StoryError> {
    for snapshot in quotes {
        let (actor, at) = (&*snapshot.request.seller.person, SystemClock.now());
        let stored = kept::stored(snapshot, None, (actor, at));
        let stored = stored.map_err(|error| StoryError::Wrong("quote", error.to_string()))?;
        let beyond = kept::beyond(snapshot);
        let asked = Asked { by: actor, at, reason: REASON };
        let own = snapshot.quote.currency;
        let currency = policy.approvers.as_ref().map_or(own, |approvers| approvers.currency);
        let case = kept::case(&stored, snapshot, (&beyond, currency), &asked);
        send(asks, actor, What::Keep(Box::new(stored))).await?;
        if !beyond.is_empty() {
            send(asks, actor, What::Ask(Box::new(case))).await?;
        }
    }
    Ok(())
}

async fn send(asks: &mpsc::Sender<Request>, actor: &str, what: What) -> Result<(), StoryError> {
    let step = Box::new(Step { what, actor: actor.to_owned() });
    let (reply, answer) = oneshot::channel();
    let unsaid = |_| StoryError::NoAnswer;
    asks.send(Request::Sell { step, reply }).await.map_err(|_| StoryError::NoAnswer)?;
    let answer = answer.await.map_err(unsaid)?;
    answer.map_err(|refused| StoryError::Wrong("quote", refused.detail))
}

/// Returns the advice on stock, once a plan is made.
pub(super) async fn advice(store: &Store) -> Result<Vec<AdviceRow>, StoryError> {
    let planned = async {
        loop {
            if store::advice::plan_state(store).await?.planned_at.is_some() {
                return Ok::<(), StoreError>(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(PLAN_MAX, planned).await.map_err(|_| StoryError::NoPlan)??;
    let (filter, now) = (AdviceFilter::default(), SystemClock.now());
    Ok(store::advice_view::page(store, &filter, now, (0, PIECES_MAX)).await?)
}

/// Returns a quote as JSON: the terms side by side, and what keeps it from going out.
pub(super) fn quote_document(snapshot: &Snapshot) -> Value {
    let quote = &snapshot.quote;
    let offers = quote.offers.iter().filter(|offer| TERMS.contains(&offer.term.as_str()));
    json!({
        "id": snapshot.request.id,
        "date": snapshot.request.date,
        "currency": quote.currency,
        "goods": quote.goods,
        "offers": offers.map(|offer| json!({
            "term": offer.term,
            "status": offer.status,
            "total": offer.total,
            "total_without_vat": offer.total_without_vat,
            "problems": offer.problems,
        })).collect::<Vec<_>>(),
        "rates": quote.lines.iter().filter_map(|line| line.rate.as_ref()).collect::<Vec<_>>(),
        "problems": quote.problems,
        "content": snapshot.content,
        "digest": snapshot.digest,
    })
}

/// Returns a piece of advice as JSON.
pub(super) fn advice_document(row: &AdviceRow) -> Value {
    json!({
        "id": row.id,
        "state": row.state,
        "quantity": row.quantity,
        "headline": {
            "en": Language::En.headline(&row.view),
            "zh": Language::Zh.headline(&row.view),
        },
        "plan": row.view,
    })
}

/// Prints quotes and advice for people.
pub(super) fn tell(quotes: &[Snapshot], advice: &[AdviceRow]) -> io::Result<()> {
    for snapshot in quotes {
        output::say(line(snapshot))?;
        let blocked = snapshot.quote.problems.iter();
        let blocked = blocked.chain(snapshot.quote.offers.iter().flat_map(|offer| &offer.problems));
        if let Some(problem) = blocked.clone().find(|problem| problem.breach.is_some()) {
            let may = problem.breach.as_ref().map(|breach| breach.may_approve.join(", "));
            let may = may.unwrap_or_default();
            output::say(format_args!("  blocked: {problem}; may approve: {may}"))?;
        }
    }
    for row in advice {
        output::say(Language::En.headline(&row.view))?;
        output::say(format_args!("  - {}", Language::En.steps(&row.view.break_even)))?;
    }
    Ok(())
}

fn line(snapshot: &Snapshot) -> String {
    let offers = snapshot.quote.offers.iter();
    let offers = offers.filter(|offer| TERMS.contains(&offer.term.as_str())).map(|offer| {
        let total = offer.total.map_or_else(|| "?".to_owned(), |total| total.to_string());
        let word = match offer.status {
            Status::Priced => "",
            Status::Blocked => " blocked",
            Status::Refused => " refused",
            Status::NeedsPerson => " needs a person",
        };
        format!("{} {total}{word}", offer.term)
    });
    let offers: Vec<String> = offers.collect();
    let (id, currency) = (&snapshot.request.id, snapshot.quote.currency);
    format!("quote {id} in {currency}: {}", offers.join(", "))
}
