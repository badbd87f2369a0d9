//! Deliveries at risk: what was promised, and who sees a delay.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use upturn_core::compliance::delivery_risk::{Light, Source};

use super::render;
use super::shell::Shell;
use crate::store::policy;
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::i18n::{key, text};
use crate::web::language::Language;
use crate::web::selling::at_risk::{self, AtRisk};
use crate::web::visible::Visible;

/// Deliveries on the page.
const SHOWN_MAX: usize = 200;

/// The page.
#[derive(Debug, Template)]
#[template(path = "at_risk.html")]
struct AtRiskPage {
    shell: Shell,
    rows: Vec<Line>,
    total: usize,
    has_document: bool,
}

/// A line of an order.
#[derive(Debug)]
struct Line {
    order: String,
    account: String,
    product: String,
    due_on: String,
    is_red: bool,
    light: String,
    sources: Vec<String>,
}

/// Shows them.
pub(crate) async fn show(State(app): State<App>, shell: Shell) -> Result<Html<String>, Fault> {
    let found = at_risk::board(&app, shell.caller()?).await?;
    let version = policy::committed(&app.store).await?;
    render(&AtRiskPage {
        total: found.len(),
        rows: found.iter().take(SHOWN_MAX).map(|one| line(shell.language, one)).collect(),
        has_document: version.is_some_and(|version| version.policy.delivery_risk.is_some()),
        shell,
    })
}

fn line(language: Language, one: &AtRisk) -> Line {
    let is_red = one.light == Light::Red;
    let light = if is_red { key!("risk-red") } else { key!("risk-amber") };
    Line {
        order: Visible(&one.order).to_string(),
        account: Visible(&one.account).to_string(),
        product: Visible(&one.product).to_string(),
        due_on: one.due_on.to_string(),
        is_red,
        light: text(language, light),
        sources: one.sources.iter().map(|source| words(language, *source)).collect(),
    }
}

fn words(language: Language, source: Source) -> String {
    let key = match source {
        Source::ContractDate => key!("risk-contract-date"),
        Source::ProductionPlan => key!("risk-production-plan"),
        Source::Shipment => key!("risk-shipment"),
        Source::Stock => key!("risk-stock"),
        Source::CarrierClosure => key!("risk-carrier-closure"),
        Source::OpenTicket => key!("risk-open-ticket"),
    };
    text(language, key)
}
