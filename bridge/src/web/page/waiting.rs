//! What waits for the reader beside tasks of their own: each a sentence that leads to where it is done.

use fluent_bundle::FluentValue;

use super::shell::Shell;
use crate::auth::rights::Action;
use crate::feeds::standing::Health;
use crate::store::advice_view::{self, AdviceFilter};
use crate::store::task_view::TaskCounts;
use crate::web::fault::Fault;
use crate::web::filter::{Filter, Owner, View};
use crate::web::i18n::{key, text_with};
use crate::web::{App, feeds, selling};

/// Something that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) href: String,
    pub(super) words: String,
}

/// Returns what waits, of everything the reader may decide; `own` and `all` count their own tasks and
/// those they may see.
pub(super) async fn of(
    app: &App,
    shell: &Shell,
    (own, all): (&TaskCounts, &TaskCounts),
) -> Result<Vec<Waiting>, Fault> {
    let language = shell.language;
    let mut waiting = Vec::new();
    let mut say = |href: &str, words| waiting.push(Waiting { href: href.to_owned(), words });
    if own.all < all.all {
        let counts = [("n", all.all), ("late", all.overdue), ("today", all.due_today)];
        let counts = counts.map(|(name, n)| (name, FluentValue::from(n)));
        let href = Filter { view: View::All, owner: Owner::All }.link(&[]);
        say(&href, text_with(language, key!("waiting-tasks"), counts));
    }
    if shell.can(Action::DecideApprovals) {
        let cases = selling::cases(app, shell.caller()?).await?;
        let n = cases.iter().filter(|view| view.can_decide).count();
        if 0 < n {
            say("/approvals", text_with(language, key!("waiting-approvals"), [("n", n.into())]));
        }
    }
    if shell.can(Action::ActOnAdvice) {
        let (filter, now) = (AdviceFilter::default(), app.clock.now());
        let n = advice_view::count(&app.store, &filter, now).await?;
        let first = advice_view::page(&app.store, &filter, now, (0, 1)).await?;
        if let Some(by) = first.first().and_then(|row| row.view.latest_ship_on) {
            let told = [("n", n.into()), ("by", by.to_string().into())];
            say("/advice", text_with(language, key!("waiting-advice-by"), told));
        } else if 0 < n {
            say("/advice", text_with(language, key!("waiting-advice"), [("n", n.into())]));
        }
    }
    if shell.can(Action::ManageFeeds) {
        let feeds = feeds::all(app).await?;
        let count = |health| feeds.iter().filter(|feed| feed.health == health).count();
        let (held, failing) = (count(Health::Held), count(Health::Failing));
        for (n, key) in [(held, key!("waiting-held")), (failing, key!("waiting-failing"))] {
            if 0 < n {
                say("/feeds", text_with(language, key, [("n", n.into())]));
            }
        }
    }
    Ok(waiting)
}
