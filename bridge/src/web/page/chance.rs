//! The chance of a deal, as a part of its page: `chance.html`.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use fluent_bundle::FluentValue;
use upturn_core::forecast::ledger::WinSaid;

use super::plot::percent;
use super::render;
use super::shell::Shell;
use crate::forecasts::wins::{ChanceSaid, StepSaid};
use crate::store::forecast::Forecast;
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::forecasts;
use crate::web::i18n::{key, text, text_with};
use crate::web::language::Language;
use crate::web::visible::Visible;

/// What is known of a deal's chance, in words.
#[derive(Debug, Template)]
#[template(path = "chance.html")]
pub(crate) struct Chance {
    title: String,
    said: String,
    basis: String,
    step: Option<String>,
    caution: String,
}

/// A page that tells nothing else.
#[derive(Debug, Template)]
#[template(path = "chance_page.html")]
struct ChancePage {
    shell: Shell,
    deal: String,
    part: String,
}

/// Shows the chance of one deal.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Html<String>, Fault> {
    forecasts::check_sight(&app, shell.caller()?, &id).await?;
    let part = fragment(&app, shell.language, &id).await?;
    render(&ChancePage { deal: Visible(&id).to_string(), part, shell })
}

/// Returns the part of the page of the deal `id` that tells its chance, as HTML; what says that nothing
/// was said yet, if so.
pub(crate) async fn fragment(app: &App, language: Language, id: &str) -> Result<String, Fault> {
    let known = forecasts::chance(app, id).await?;
    let part = known.map_or_else(
        || Chance {
            title: text(language, key!("chance-title")),
            said: text(language, key!("chance-none")),
            basis: String::new(),
            step: None,
            caution: String::new(),
        },
        |(forecast, said)| Chance::of(language, &forecast, &said),
    );
    part.render().map_err(Fault::internal)
}

impl Chance {
    fn of(language: Language, forecast: &Forecast, known: &ChanceSaid) -> Self {
        let WinSaid { probability, n, won, has_signal, .. } = known.said;
        let said = [
            ("chance", FluentValue::from(percent(probability))),
            ("days", FluentValue::from(forecast.horizon)),
            ("day", FluentValue::from(forecast.as_of.to_string())),
        ];
        let basis = [("n", FluentValue::from(n)), ("won", FluentValue::from(won))];
        let basis_key = if has_signal { key!("chance-basis") } else { key!("chance-no-signal") };
        Self {
            title: text(language, key!("chance-title")),
            said: text_with(language, key!("chance-said"), said),
            basis: text_with(language, basis_key, basis),
            step: known.step.as_ref().map(|step| step_words(language, step)),
            caution: text(language, key!("chance-caution")),
        }
    }
}

/// Returns what to obtain next, in words.
fn step_words(language: Language, step: &StepSaid) -> String {
    let values = [
        ("word", FluentValue::from(Visible(&step.word).to_string())),
        ("chance", FluentValue::from(percent(step.probability))),
        ("n", FluentValue::from(step.n)),
    ];
    match &*step.what {
        "stage" => text_with(language, key!("chance-step-stage"), values),
        _ => text_with(language, key!("chance-step-signal"), values),
    }
}
