//! Deals: a board of the stages, and the list with its filters.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;

use super::render;
use super::shell::Shell;
use crate::store::policy;
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::selling::{self, DealFilter, DealRow};
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// Deals on a page.
const PAGE: usize = 100;
/// Deals of one stage on the board.
const COLUMN: usize = 12;

/// The page.
#[derive(Debug, Template)]
#[template(path = "deals.html")]
struct DealsPage {
    shell: Shell,
    board: Vec<Column>,
    rows: Vec<Line>,
    total: usize,
    next: Option<String>,
    stage: String,
    owner: String,
    is_filtered: bool,
    with_closed: bool,
    news: Option<News>,
}

/// A change of the rules that the reader has yet to read of.
#[derive(Debug)]
pub(super) struct News {
    /// The version.
    pub(super) digest: String,
    /// Since when it is in force.
    pub(super) since: When,
}

/// A stage on the board.
#[derive(Debug)]
struct Column {
    id: String,
    title: String,
    rows: Vec<Line>,
    count: usize,
}

/// A deal.
#[derive(Debug)]
struct Line {
    href: String,
    id: String,
    account: String,
    owner: String,
    product: String,
    stage: String,
    amount: String,
    expected: String,
    acted: Option<When>,
    is_closed: bool,
}

/// The filters in the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    stage: String,
    owner: String,
    closed: String,
    after: String,
}

/// Shows them.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    let caller = shell.caller()?;
    let teller = shell.teller(&app);
    let wanted = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let filter = DealFilter {
        stage: wanted(&params.stage),
        owner: wanted(&params.owner),
        process: None,
        with_closed: params.closed == "1",
    };
    let mut found = selling::deals(&app, caller, &filter).await?;
    let version = policy::committed(&app.store).await?;
    let board = match &version {
        Some(version) if filter.stage.is_none() => {
            let language = shell.language.tag();
            let stages = version.policy.processes.iter().flat_map(|process| &process.stage);
            let mut seen = std::collections::BTreeSet::new();
            let stages = stages.filter(|stage| seen.insert(&stage.id));
            stages
                .map(|stage| {
                    let title = stage.title.in_language(language);
                    column(&teller, (&stage.id, title), &found)
                })
                .collect()
        }
        _ => Vec::new(),
    };
    let news = if selling::has_news(&app, caller, version.as_ref()).await? {
        version.map(|version| News { since: teller.when(version.at), digest: version.digest })
    } else {
        None
    };
    let total = found.len();
    found.retain(|row| params.after < row.id);
    let has_more = PAGE < found.len();
    found.truncate(PAGE);
    let next = found.last().filter(|_| has_more).map(|last| {
        let query = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("stage", &params.stage)
            .append_pair("owner", &params.owner)
            .append_pair("closed", &params.closed)
            .append_pair("after", &last.id)
            .finish();
        format!("/deals?{query}")
    });
    render(&DealsPage {
        board,
        rows: found.iter().map(|row| line(&teller, row)).collect(),
        total,
        next,
        is_filtered: !params.stage.is_empty() || !params.owner.is_empty(),
        stage: Visible(&params.stage).to_string(),
        owner: Visible(&params.owner).to_string(),
        with_closed: filter.with_closed,
        news,
        shell,
    })
}

fn column(teller: &Teller, (id, title): (&str, &str), found: &[DealRow]) -> Column {
    let rows: Vec<_> =
        found.iter().filter(|row| row.head.is_some() && row.field("stage") == Some(id)).collect();
    Column {
        id: id.to_owned(),
        title: title.to_owned(),
        count: rows.len(),
        rows: rows.into_iter().take(COLUMN).map(|row| line(teller, row)).collect(),
    }
}

fn line(teller: &Teller, row: &DealRow) -> Line {
    let field = |name: &str| Visible(row.field(name).unwrap_or_default()).to_string();
    Line {
        href: crate::href::page("deals", &row.id),
        id: Visible(&row.id).to_string(),
        account: field("account"),
        owner: field("owner"),
        product: field("product"),
        stage: field("stage"),
        amount: [field("amount"), field("currency")].join(" ").trim().to_owned(),
        expected: field("expected_on"),
        acted: row.head.as_ref().map(|head| teller.when(head.at)),
        is_closed: row.field("closed_on").is_some(),
    }
}
