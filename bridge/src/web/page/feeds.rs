//! Where facts come from: how each feed does, when it runs, how old its facts are.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::feeds::standing::{Health, Standing};
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::feeds;
use crate::web::i18n::{key, text};
use crate::web::language::Language;
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// The page.
#[derive(Debug, Template)]
#[template(path = "feeds.html")]
struct FeedsPage {
    shell: Shell,
    rows: Vec<Line>,
}

/// A feed in the table, and at the head of its own page.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) id: String,
    pub(super) href: String,
    pub(super) title: String,
    pub(super) kind: &'static str,
    /// The word of its state, by which it is coloured.
    pub(super) health: &'static str,
    pub(super) state: String,
    pub(super) checked: Option<When>,
    pub(super) next: Option<When>,
    pub(super) set: Option<i64>,
    pub(super) facts: u64,
    pub(super) active: Option<When>,
    pub(super) said: Option<String>,
}

/// Shows them all.
pub(crate) async fn show(State(app): State<App>, shell: Shell) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadFeeds)?;
    let teller = shell.teller(&app);
    let all = feeds::all(&app).await?;
    render(&FeedsPage { rows: all.iter().map(|one| line(&teller, one)).collect(), shell })
}

pub(super) fn line(teller: &Teller, standing: &Standing) -> Line {
    let Standing { feed, health, state, set, run, next_at } = standing;
    let title = feed.title.in_language(teller.language.tag());
    let said = run.as_ref().and_then(|run| run.sentence.as_deref());
    Line {
        id: Visible(&feed.id).to_string(),
        href: format!("/feeds/{}", feed.id),
        title: Visible(title).to_string(),
        kind: feed.kind.name,
        health: health.word(),
        state: words(teller.language, *health),
        checked: state.checked_at.map(|at| teller.when(at)),
        next: next_at.map(|at| teller.when(at)),
        set: set.as_ref().map(|set| set.id),
        facts: set.as_ref().map(|set| set.facts).unwrap_or_default(),
        active: set.as_ref().and_then(|set| set.active_at).map(|at| teller.when(at)),
        said: said.map(|said| Visible(said).to_string()),
    }
}

fn words(language: Language, health: Health) -> String {
    let key = match health {
        Health::Fine => key!("feed-fine"),
        Health::Waiting => key!("feed-waiting"),
        Health::Late => key!("feed-late"),
        Health::Failing => key!("feed-failing"),
        Health::Held => key!("feed-held"),
        Health::Paused => key!("feed-paused"),
    };
    text(language, key)
}
