//! The page that offers free hours of consultants, each with a button that books it.

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Html;
use fluent_bundle::FluentValue;
use upturn_core::id::TaskId;

use super::render;
use super::shell::Shell;
use super::tasks::{link, title};
use crate::web::App;
use crate::web::ask;
use crate::web::booking::{self, Offer, Unread};
use crate::web::fault::Fault;
use crate::web::i18n::{key, text_with};
use crate::web::visible::Visible;
use crate::web::when::Teller;

/// The page.
#[derive(Debug, Template)]
#[template(path = "slots.html")]
struct SlotsPage {
    shell: Shell,
    /// The task's page.
    back: String,
    title: String,
    /// Where a time is booked.
    href: String,
    slots: Vec<Line>,
    /// The consultants whose calendars could not be read, and why.
    unread: Vec<String>,
}

/// A free hour.
#[derive(Debug)]
struct Line {
    consultant: String,
    starts_at: String,
    /// When, and with whom.
    words: String,
}

/// Shows three free hours.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Path(id): Path<String>,
) -> Result<Html<String>, Fault> {
    let task = ask::check_act(&app, &TaskId::from_text(&id), shell.caller()?).await?;
    booking::step(&task)?;
    let offers = booking::offers(&app).await?;
    let teller = shell.teller(&app);
    let back = link(&task.row.id);
    render(&SlotsPage {
        href: format!("{back}/book-consultant"),
        back,
        title: title(&task.row, shell.language),
        slots: offers.slots.into_iter().map(|offer| line(&teller, offer)).collect(),
        unread: offers.unread.iter().map(|one| unread(&teller, one)).collect(),
        shell,
    })
}

fn line(teller: &Teller, offer: Offer) -> Line {
    let who = offer.name.as_deref().unwrap_or(&offer.consultant);
    let values = [
        ("at", FluentValue::from(teller.in_sentence(offer.span.starts_at))),
        ("who", FluentValue::from(Visible(who).to_string())),
    ];
    let words = text_with(teller.language, key!("slot-words"), values);
    Line { consultant: offer.consultant, starts_at: offer.starts_at, words }
}

fn unread(teller: &Teller, unread: &Unread) -> String {
    let values = [
        ("who", FluentValue::from(Visible(&unread.consultant).to_string())),
        ("why", FluentValue::from(Visible(&unread.why).to_string())),
    ];
    text_with(teller.language, key!("slots-unread"), values)
}
