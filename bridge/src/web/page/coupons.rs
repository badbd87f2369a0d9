//! The pools of coupons: what is left, what was issued, and what may be given away.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::store::coupon;
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::visible::Visible;

/// The page.
#[derive(Debug, Template)]
#[template(path = "coupons.html")]
struct CouponsPage {
    shell: Shell,
    rows: Vec<Line>,
}

/// A campaign.
#[derive(Debug)]
struct Line {
    name: String,
    left: u64,
    issued: u64,
    imported: u64,
    budget: Option<String>,
    spent: String,
}

/// Shows every campaign.
pub(crate) async fn show(State(app): State<App>, shell: Shell) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadCoupons)?;
    let teller = shell.teller(&app);
    let campaigns = coupon::campaigns(&app.store, teller.day_of(teller.now)).await?;
    let rows = campaigns.into_iter().map(|(name, standing)| Line {
        name: Visible(&name).to_string(),
        left: standing.left,
        issued: standing.issued,
        imported: standing.imported,
        budget: standing.budget.map(|budget| format!("{} {}", budget.amount, budget.currency)),
        spent: standing.spent.to_string(),
    });
    render(&CouponsPage { rows: rows.collect(), shell })
}
