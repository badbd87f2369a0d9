//! Error pages, and the explanation of each kind of problem.

use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::http::Uri;
use axum::response::Html;

use super::render;
use super::shell::Shell;
use crate::web::App;
use crate::web::fault::{Fault, FaultKind};
use crate::web::language::Language;

/// A page that says what went wrong and what to do.
#[derive(Debug, Template)]
#[template(path = "fault.html")]
pub(crate) struct FaultPage {
    /// The frame.
    pub(crate) shell: Shell,
    /// The kind of fault.
    pub(crate) kind: FaultKind,
    /// What exactly is wrong, if that is known.
    pub(crate) detail: Option<String>,
    /// Under which id the log has more.
    pub(crate) correlation_id: Option<String>,
}

impl FaultPage {
    fn title(&self) -> String {
        self.shell.text(&format!("fault-{}", self.kind.code()))
    }

    fn help(&self) -> String {
        self.shell.text(&format!("fault-{}-help", self.kind.code()))
    }
}

/// Explains the kind of problem that the `type` of an API error names.
pub(crate) async fn explain(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    Path(code): Path<String>,
    uri: Uri,
) -> Result<Html<String>, Fault> {
    let kind = FaultKind::ALL.into_iter().find(|kind| kind.code() == code);
    let kind = kind.ok_or(FaultKind::NotFound)?;
    let shell = Shell::for_nobody(&app, language, &uri);
    render(&FaultPage { shell, kind, detail: None, correlation_id: None })
}
