//! Reports: how processes are kept, where they are weakest, and trails to look at.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;
use upturn_core::compliance::report::{self, Report, Trail, Weakness};

use super::render;
use super::shell::Shell;
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::i18n::{find_text, key};
use crate::web::selling::reports::{self, Fall, Tolerance};

/// How many deals a scan draws.
pub(crate) const DRAWN: usize = 10;

/// The page.
#[derive(Debug, Template)]
#[template(path = "reports.html")]
struct ReportsPage {
    shell: Shell,
    month: String,
    months: Vec<Report>,
    all: Report,
    weak: Vec<Weakness>,
    falls: Vec<Fall>,
    tolerance: Vec<Tolerance>,
    trails: Vec<Trail>,
    seed: u64,
}

/// What is wanted, by the address.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    month: String,
    seed: Option<u64>,
}

/// Shows them.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    let gathered = reports::gather(&app, shell.caller()?).await?;
    let ways = gathered.ways();
    let seed = params.seed.unwrap_or(1);
    let month = Some(&*params.month).filter(|month| !month.is_empty());
    render(&ReportsPage {
        months: report::months(&ways)
            .iter()
            .map(|month| report::report(&ways, &gathered.asked, Some(month)))
            .collect(),
        all: report::report(&ways, &gathered.asked, month),
        weak: report::check_up(&ways, &gathered.asked),
        falls: gathered.falls(),
        tolerance: gathered.tolerance.clone(),
        trails: report::scan(&ways, seed, DRAWN),
        seed,
        month: params.month,
        shell,
    })
}

impl ReportsPage {
    fn kind(&self, weakness: &Weakness) -> String {
        let key = match weakness.kind {
            "requirement-missing" => key!("weak-requirement"),
            "dwell" => key!("weak-dwell"),
            "approval" => key!("weak-approval"),
            _ => key!("weak-seller"),
        };
        find_text(self.shell.language, key).unwrap_or_default()
    }
}

/// Returns hundredths of a percent as people read them.
fn percent(hundredths: Option<u64>) -> String {
    hundredths
        .map_or_else(|| "–".to_owned(), |share| format!("{}.{:02} %", share / 100, share % 100))
}

fn rate(rate: f64) -> String {
    format!("{rate:.3}")
}
