//! By which days and hours people work: the next window, how far it is announced, and who says so.

use askama::Template;
use axum::extract::State;
use axum::response::Html;

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::web::App;
use crate::web::calendars::{self, CalendarShown};
use crate::web::fault::Fault;
use crate::web::visible::Visible;

/// The page.
#[derive(Debug, Template)]
#[template(path = "calendars.html")]
struct CalendarsPage {
    shell: Shell,
    calendars: Vec<Shown>,
}

/// A calendar.
#[derive(Debug)]
struct Shown {
    name: Option<String>,
    zone: String,
    revision: String,
    region: Option<String>,
    announced: Option<String>,
    feeds: Vec<Feed>,
    trouble: Option<String>,
    next: Option<String>,
    days: Vec<Line>,
}

#[derive(Debug)]
struct Feed {
    id: String,
    href: String,
}

#[derive(Debug)]
struct Line {
    span: String,
    hours: Option<String>,
    name: String,
    is_own: bool,
}

/// Shows them all.
pub(crate) async fn show(State(app): State<App>, shell: Shell) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadFeeds)?;
    let calendars = calendars::all(&app).await?.into_iter().map(Shown::of).collect();
    render(&CalendarsPage { shell, calendars })
}

impl Shown {
    fn of(calendar: CalendarShown) -> Self {
        let visible = |text: String| Visible(&text).to_string();
        let days = calendar.days.into_iter().map(|days| Line {
            span: span(&days.first_on.to_string(), &days.last_on.to_string()),
            hours: (!days.hours.is_empty()).then(|| days.hours.join(", ")),
            name: visible(days.name),
            is_own: days.is_own,
        });
        let next = calendar.next_window.map(|window| {
            let span = span(&window.first_on.to_string(), &window.last_on.to_string());
            format!("{span} · {}", Visible(&window.names.join(", ")))
        });
        let feed = |id: String| Feed { href: format!("/feeds/{id}"), id: visible(id) };
        Self {
            name: calendar.name.map(visible),
            zone: calendar.zone,
            revision: visible(calendar.revision),
            region: calendar.region.map(visible),
            announced: calendar.announced_until.map(|day| day.to_string()),
            feeds: calendar.feeds.into_iter().map(feed).collect(),
            trouble: calendar.trouble.map(visible),
            next,
            days: days.collect(),
        }
    }
}

fn span(first: &str, last: &str) -> String {
    if first == last { first.to_owned() } else { format!("{first} – {last}") }
}
