//! What the facts in force say: codes of goods, searched, and prices of currencies as of a day.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;
use upturn_core::fact::rate_book::Leg;

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::web::App;
use crate::web::facts::{self, GoodsFound, Origin, RateFound, RateTyped};
use crate::web::fault::Fault;
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// Entries of each feed on the page.
const ENTRIES: usize = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "facts.html")]
struct FactsPage {
    shell: Shell,
    words: String,
    /// What was searched for is told by these feeds; none where nothing was searched for.
    tables: Option<Vec<Table>>,
    rate: RateTyped,
    price: Option<Result<Price, String>>,
}

/// What one feed says of goods.
#[derive(Debug)]
struct Table {
    origin: Line,
    entries: Vec<Entry>,
    /// There are more than are shown.
    is_cut: bool,
}

/// Whose word it is.
#[derive(Debug)]
struct Line {
    feed: String,
    href: String,
    set: Option<i64>,
    checked: Option<When>,
}

/// Goods by their code.
#[derive(Debug)]
struct Entry {
    code: String,
    description: String,
    above: String,
}

/// The price of a currency.
#[derive(Debug)]
struct Price {
    origin: Line,
    value: String,
    legs: Vec<LegLine>,
}

/// A published rate that it comes from.
#[derive(Debug)]
struct LegLine {
    says: String,
    on: String,
    is_inverted: bool,
    missed: u32,
}

/// What is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    q: String,
    #[serde(flatten)]
    rate: RateTyped,
}

/// Shows what is asked for.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(Params { q, rate }): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadFeeds)?;
    let teller = shell.teller(&app);
    let tables = if q.trim().is_empty() {
        None
    } else {
        let found = facts::goods(&app, &q, ENTRIES + 1).await?;
        Some(found.into_iter().map(|one| table(&teller, one)).collect())
    };
    let price = if rate.base.trim().is_empty() && rate.quote.trim().is_empty() {
        None
    } else {
        let found = match rate.read(app.clock.now().date_naive()) {
            Ok(asked) => facts::rate(&app, asked).await?.map_err(|error| error.to_string()),
            // What is typed wrong is told beside it.
            Err(wrong) => Err(wrong),
        };
        let visible = |said: String| Visible(&said).to_string();
        Some(found.map(|found| price(&teller, &found)).map_err(visible))
    };
    render(&FactsPage { words: q, tables, rate, price, shell })
}

fn table(teller: &Teller, mut found: GoodsFound) -> Table {
    let is_cut = ENTRIES < found.entries.len();
    found.entries.truncate(ENTRIES);
    let entries = found.entries.iter().map(|(goods, above)| {
        let above = above.last().map(|one| format!("{} {}", one.code, one.description));
        Entry {
            code: Visible(&goods.code).to_string(),
            description: Visible(&goods.description).to_string(),
            above: Visible(&above.unwrap_or_default()).to_string(),
        }
    });
    let entries = entries.collect();
    Table { origin: line(teller, &found.origin), entries, is_cut }
}

fn price(teller: &Teller, found: &RateFound) -> Price {
    Price {
        origin: line(teller, &found.origin),
        value: found.price.value.normalize().to_string(),
        legs: found.price.legs.iter().map(leg).collect(),
    }
}

fn leg(leg: &Leg) -> LegLine {
    let rate = &leg.rate;
    let until = rate.until.map(|until| format!(" – {until}")).unwrap_or_default();
    LegLine {
        says: format!("{} {} = {} {}", rate.unit, rate.base, rate.value, rate.quote),
        on: format!("{}{until}", rate.date),
        is_inverted: leg.is_inverted,
        missed: leg.missed,
    }
}

fn line(teller: &Teller, origin: &Origin) -> Line {
    Line {
        feed: Visible(&origin.feed).to_string(),
        href: format!("/feeds/{}", origin.feed),
        set: origin.set,
        checked: origin.checked_at.map(|at| teller.when(at)),
    }
}
