//! What a letter would look like: of a stored task, or an invented one. Nothing is sent.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use upturn_connectors::deliver;
use upturn_connectors::deliver::letter::Text;
use upturn_connectors::deliver::template::{self, HEADLINES, TemplateError, Templates};
use upturn_core::registry::Registry;

use super::{Destination, letter};
use crate::store::error::StoreError;
use crate::store::{Store, outbox_view, task_facts};

/// The subject of an invented letter.
const INVENTED: &str = "t2";

/// What is looked at.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// What is told: one of [`kinds`].
    pub(crate) kind: String,
    /// `en` or `zh`.
    pub(crate) language: String,
    /// The task it is about.
    pub(crate) subject: String,
    /// What is known of it.
    pub(crate) body: Value,
}

/// What a letter would look like.
#[derive(Clone, Debug)]
pub(crate) struct Preview {
    /// What people read.
    pub(crate) text: Text,
    /// What is sent, where the channel always puts it the same way.
    pub(crate) sent: Option<String>,
}

/// Returns the kinds of letters there are.
pub(crate) fn kinds() -> impl Iterator<Item = &'static str> {
    HEADLINES.iter().map(|(kind, ..)| *kind)
}

impl Draft {
    /// Returns an invented letter.
    pub(crate) fn invented(kind: &str, language: &str) -> Self {
        let body = template::sample(kind);
        let (kind, language) = (kind.to_owned(), language.to_owned());
        Self { kind, language, subject: INVENTED.to_owned(), body }
    }

    /// Returns a letter about the stored task `id`, with what the newest letter about it says, else with
    /// what is known of it; none if there is no such task.
    pub(crate) async fn of_task(
        store: &Store,
        id: &str,
        (kind, language): (&str, &str),
    ) -> Result<Option<Self>, StoreError> {
        let body = if let Some(body) = outbox_view::newest_body(store, id).await? {
            body
        } else {
            let mut tx = store.begin_reading().await?;
            let Some(facts) = task_facts::find(&mut tx, id).await? else { return Ok(None) };
            let (detail, made_at) = (json!({}), facts.created_at);
            letter::body((id, &facts), (&detail, made_at), &Registry::default(), None)
        };
        let (kind, language, subject) = (kind.to_owned(), language.to_owned(), id.to_owned());
        Ok(Some(Self { kind, language, subject, body }))
    }

    /// Returns what it would look like at `destination`.
    pub(crate) fn at(
        self,
        destination: &Destination,
        templates: &Templates,
        now: DateTime<Utc>,
    ) -> Result<Preview, TemplateError> {
        let Self { kind, language, subject, body } = self;
        let text = template::render(templates, destination.place(), &kind, &language, &body)?;
        let key = letter::key(&kind, &format!("{subject}@preview"), &destination.id);
        let (recipient, remote) = (None, None);
        let letter = deliver::Letter { key, kind, subject, body, text, recipient, remote };
        let sent = destination.channel.preview(&letter, now);
        Ok(Preview { text: letter.text, sent })
    }
}
