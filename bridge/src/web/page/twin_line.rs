//! What to mind about a customer who may be somebody else's as well.

use fluent_bundle::FluentValue;

use crate::store::error::StoreError;
use crate::twins::Twins;
use crate::web::App;
use crate::web::i18n::{key, text, text_with};
use crate::web::language::Language;
use crate::web::visible::Visible;

/// How many are told on the page of a task.
const LINES_MAX: usize = 5;

/// Returns what the customer of a task has in common with others, in sentences.
pub(super) async fn of_account(
    app: &App,
    language: Language,
    account: Option<&str>,
) -> Result<Vec<String>, StoreError> {
    let Some(account) = account else { return Ok(Vec::new()) };
    let marks = app.twins.marks(&app.store, &app.reloader.folder()).await?;
    let all = marks.of_account(account);
    let lines = all.iter().flat_map(|twins| {
        let others = twins.records.iter().filter(|other| other.account.as_deref() != Some(account));
        others.map(|other| {
            let owner = other.owner.clone().unwrap_or_else(|| text(language, key!("twin-nobody")));
            let record = format!("{} ({})", other.name, other.id);
            let values = [
                ("what", FluentValue::from(what(language, twins))),
                ("record", FluentValue::from(Visible(&record).to_string())),
                ("owner", FluentValue::from(Visible(&owner).to_string())),
            ];
            text_with(language, key!("twin-line"), values)
        })
    });
    Ok(lines.take(LINES_MAX).collect())
}

/// Returns the words for what duplicates have in common.
pub(super) fn what(language: Language, twins: &Twins) -> String {
    let key = match &*twins.what {
        "phone" => key!("twin-phone"),
        "email" => key!("twin-email"),
        "company" => key!("twin-company"),
        _ => key!("twin-credit-code"),
    };
    text(language, key)
}
