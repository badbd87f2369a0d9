//! The rules in force, since when, and what their last reload came to.

use askama::Template;
use axum::extract::State;
use axum::response::Html;
use fluent_bundle::FluentValue;
use upturn_core::rule::Stage;

use super::render;
use super::rule::{link, title};
use super::shell::Shell;
use crate::auth::rights::Action;
use crate::lifecycle::{self, Standing};
use crate::reload::{FileFinding, Refusal};
use crate::runtime::switching::SUBJECT;
use crate::store::audit::{self, AuditEntry};
use crate::store::task_view;
use crate::web::App;
use crate::web::fault::Fault;
use crate::web::i18n::{find_text, key, text_with};
use crate::web::visible::Visible;
use crate::web::when::{Teller, When};

/// Switches of rules on the page.
const SWITCHES_MAX: u32 = 20;
/// Findings on the page; `upturn check` shows all.
const FINDINGS_MAX: usize = 20;

/// The page.
#[derive(Debug, Template)]
#[template(path = "rules.html")]
struct RulesPage {
    shell: Shell,
    /// The last reload, if it was refused.
    refused: Option<RefusalShown>,
    rows: Vec<Line>,
    /// Newest first.
    switches: Vec<Switch>,
}

/// A reload that changed nothing.
#[derive(Debug)]
struct RefusalShown {
    when: When,
    findings: Vec<String>,
    more: Option<String>,
}

/// A rule in the table.
#[derive(Debug)]
struct Line {
    href: String,
    title: String,
    id: String,
    stage: Option<Stage>,
    since: When,
    version: String,
    open: u64,
}

/// A time at which rules changed.
#[derive(Debug)]
struct Switch {
    when: When,
    actor: String,
    action: String,
    rules: Vec<String>,
}

/// Shows them all.
pub(crate) async fn show(State(app): State<App>, shell: Shell) -> Result<Html<String>, Fault> {
    shell.check(Action::ReadRules)?;
    let sight = shell.caller()?.sight_or_nothing(&app, Action::ReadTasks).await?;
    let teller = shell.teller(&app);
    let standing = lifecycle::standing(&app.store).await?;
    let open = task_view::open_by_rule(&app.store, &sight).await?;
    let switches = audit::newest_of_subject(&app.store, SUBJECT, SWITCHES_MAX).await?;
    let line = |Standing { term, summary }: &Standing| {
        let of_stage = summary.stage.map(|stage| (term.rule.clone(), stage));
        Line {
            href: link(&term.rule, Some(&term.version)),
            title: title(&summary.title, &term.rule, shell.language),
            id: Visible(&term.rule).to_string(),
            stage: summary.stage,
            since: teller.when(term.since_at),
            version: Visible(&term.version).to_string(),
            open: of_stage.and_then(|key| open.get(&key)).copied().unwrap_or_default(),
        }
    };
    render(&RulesPage {
        refused: app.reloader.refused().map(|refusal| refused(&teller, &refusal)),
        rows: standing.iter().map(line).collect(),
        switches: switches.iter().map(|entry| switch(&teller, entry)).collect(),
        shell,
    })
}

fn refused(teller: &Teller, Refusal { at, findings }: &Refusal) -> RefusalShown {
    let told = |finding: &FileFinding| {
        let FileFinding { file, line, column, code, message } = finding;
        let number = |n: &Option<u64>| n.map(|n| format!(":{n}")).unwrap_or_default();
        let text = format!("{file}{}{}: [{code}] {message}", number(line), number(column));
        Visible(&text).to_string()
    };
    let more = findings.len().saturating_sub(FINDINGS_MAX);
    let words =
        || text_with(teller.language, key!("rules-refused-more"), [("n", FluentValue::from(more))]);
    RefusalShown {
        when: teller.when(*at),
        findings: findings.iter().take(FINDINGS_MAX).map(told).collect(),
        more: (0 < more).then(words),
    }
}

fn switch(teller: &Teller, entry: &AuditEntry) -> Switch {
    let known = find_text(teller.language, &format!("audit-{}", entry.action));
    let rules = entry.detail.as_array().map_or(&[][..], |rules| rules);
    // Each is `{"id": …, "before": […], "now": […]}`.
    let id = |rule: &serde_json::Value| Some(Visible(rule.get("id")?.as_str()?).to_string());
    Switch {
        when: teller.when(entry.at),
        actor: Visible(&entry.actor).to_string(),
        action: known.unwrap_or_else(|| Visible(&entry.action).to_string()),
        rules: rules.iter().filter_map(id).collect(),
    }
}
