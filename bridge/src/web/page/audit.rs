//! The trail: who changed what, and when.

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Html;
use serde::Deserialize;
use serde_json::Value;

use super::render;
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::store::audit::search::{self, AuditFilter, Found};
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::i18n::{find_text, key};
use crate::web::profile_form::begins;
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// Entries on a page.
const PAGE_LEN: u32 = 50;

/// The page.
#[derive(Debug, Template)]
#[template(path = "audit.html")]
struct AuditPage {
    shell: Shell,
    filter: Params,
    kinds: Vec<Kind>,
    rows: Vec<Line>,
    /// The way back from a later page.
    newest: Option<String>,
    next: Option<String>,
}

/// A kind of change, to choose from.
#[derive(Debug)]
struct Kind {
    /// What its actions begin with.
    prefix: &'static str,
    label: String,
    is_chosen: bool,
}

/// An entry.
#[derive(Debug)]
struct Line {
    when: When,
    actor: String,
    action: String,
    subject: String,
    /// Where the subject has a page.
    href: Option<String>,
    detail: Option<String>,
}

/// What is looked for, as the address carries it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Params {
    actor: String,
    action: String,
    subject: String,
    from: String,
    until: String,
    before: Option<String>,
}

/// Shows the newest entries that the filter lets through.
pub(crate) async fn show(
    State(app): State<App>,
    shell: Shell,
    Query(params): Query<Params>,
) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadAudit)?;
    let teller = shell.teller(&app);
    let before = params.before.as_deref().map(str::parse::<i64>).transpose();
    let before =
        before.map_err(|_| Fault::bad_request("'before' is not the number of an entry"))?;
    let filter = params.filter(&teller)?;
    let mut found = search::page(&app.store, &filter, before, PAGE_LEN + 1).await?;
    let has_more = usize::try_from(PAGE_LEN).is_ok_and(|len| len < found.len());
    found.truncate(usize::try_from(PAGE_LEN).unwrap_or(usize::MAX));
    let last = found.last().filter(|_| has_more).map(|last| last.id);
    let kinds = [
        ("", key!("audit-kind-all")),
        ("person-", key!("audit-kind-person")),
        ("password-", key!("audit-kind-password")),
        ("token-", key!("audit-kind-token")),
        ("sign-", key!("audit-kind-sign")),
        ("task-", key!("audit-kind-task")),
        ("rules-", key!("audit-kind-rules")),
        ("registry-", key!("audit-kind-registry")),
    ];
    let kind = |(prefix, label)| Kind {
        prefix,
        label: shell.text(label),
        is_chosen: prefix == params.action,
    };
    render(&AuditPage {
        kinds: kinds.map(kind).into(),
        rows: found.iter().map(|found| line(&teller, found)).collect(),
        newest: before.is_some().then(|| params.link(None)),
        next: last.map(|last| params.link(Some(last))),
        filter: params,
        shell,
    })
}

impl Params {
    fn filter(&self, teller: &Teller) -> Result<AuditFilter, Fault> {
        let day = |text: &str, days| {
            let detail = "a day is written 2026-01-31";
            begins(text, days, teller).map_err(|_| Fault::bad_request(detail))
        };
        Ok(AuditFilter {
            actor: self.actor.trim().to_owned(),
            action: self.action.clone(),
            subject: self.subject.trim().to_owned(),
            from: day(&self.from, 0)?,
            until: day(&self.until, 1)?,
        })
    }

    /// Returns the address of the same filter, before an entry.
    fn link(&self, before: Option<i64>) -> String {
        let fields = [
            ("actor", &self.actor),
            ("action", &self.action),
            ("subject", &self.subject),
            ("from", &self.from),
            ("until", &self.until),
        ];
        let fields = fields.into_iter().filter(|(_, value)| !value.is_empty());
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .extend_pairs(before.map(|before| ("before", before.to_string())))
            .finish();
        format!("/audit?{query}")
    }
}

fn line(teller: &Teller, found: &Found) -> Line {
    let known = find_text(teller.language, &format!("audit-{}", found.action));
    let is_empty = match &found.detail {
        Value::Null => true,
        Value::Object(members) => members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => false,
    };
    let laid_out = || serde_json::to_string_pretty(&found.detail).unwrap_or_default();
    Line {
        when: teller.when(found.at),
        actor: Visible(&found.actor).to_string(),
        action: known.unwrap_or_else(|| Visible(&found.action).to_string()),
        subject: Visible(&found.subject).to_string(),
        href: found.subject.strip_prefix("person:").map(super::people::link),
        detail: (!is_empty).then(|| crate::web::visible::VisibleLines(&laid_out()).to_string()),
    }
}
