//! The log-in page, logging in and logging out.

use askama::Template;
use axum::extract::{Extension, Form, Query, State};
use axum::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use super::render;
use super::shell::Shell;
use crate::store::person;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind, Told};
use crate::web::language::{self, Language};
use crate::web::session::{self, Attempt, Peer};

/// The log-in page.
#[derive(Debug, Template)]
#[template(path = "login.html")]
struct LoginPage {
    shell: Shell,
    /// Where to go afterwards.
    next: String,
    /// The name that was typed before.
    name: String,
    refusal: Option<Refusal>,
    /// Whether somebody can log in at all.
    has_users: bool,
}

/// Why a try was refused, as far as the page tells.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    /// Wrong name or password; which one stays untold.
    Wrong,
    /// Too many wrong ones; more in so many minutes.
    TooMany,
}

/// Where to go afterwards.
#[derive(Debug, Deserialize)]
pub(crate) struct Goal {
    #[serde(default)]
    next: String,
}

/// What is typed in.
#[derive(Deserialize)]
pub(crate) struct Typed {
    name: String,
    password: String,
    #[serde(default)]
    next: String,
}

pub(super) fn begin_at(caller: &Caller) -> &'static str {
    if caller.person.password_given_at.is_some() { "/me" } else { caller.home() }
}

/// Shows the form.
pub(crate) async fn show(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    Query(goal): Query<Goal>,
    uri: Uri,
) -> Result<Response, Fault> {
    let page = LoginPage {
        shell: Shell::for_nobody(&app, language, &uri),
        next: goal.next,
        name: String::new(),
        refusal: None,
        has_users: person::any_exists(&app.store).await?,
    };
    Ok(render(&page)?.into_response())
}

/// Logs in.
pub(crate) async fn submit(
    State(app): State<App>,
    Extension(language): Extension<Language>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
    Form(typed): Form<Typed>,
) -> Result<Response, Fault> {
    let name = typed.name.trim();
    let peer = Peer::or_unknown(peer.map(|Extension(peer)| peer));
    let attempt = Attempt { name, password: &typed.password, peer };
    let (status, refusal, fault) = match session::is_right(&app, attempt).await {
        Ok(true) => {
            session::end(&app, &headers).await?;
            return enter(&app, name, &typed.next).await;
        }
        Ok(false) => (StatusCode::UNAUTHORIZED, Refusal::Wrong, None),
        Err(fault) if fault.kind == FaultKind::TooManyAttempts => {
            (StatusCode::TOO_MANY_REQUESTS, Refusal::TooMany, Some(fault))
        }
        Err(fault) => return Err(fault),
    };
    let page = LoginPage {
        shell: Shell::for_nobody(&app, language, &Uri::from_static("/login")),
        next: local(&typed.next, "").to_owned(),
        name: name.to_owned(),
        refusal: Some(refusal),
        has_users: person::any_exists(&app.store).await?,
    };
    let mut response = (status, Extension(Told), render(&page)?).into_response();
    if let Some(wait) =
        fault.and_then(|fault| fault.into_response().headers_mut().remove(RETRY_AFTER))
    {
        response.headers_mut().insert(RETRY_AFTER, wait);
    }
    if status == StatusCode::UNAUTHORIZED {
        // HTTP demands a scheme; one that browsers do not know keeps their own prompt away.
        let form = HeaderValue::from_static("Form realm=\"Upturn\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, form);
    }
    Ok(response)
}

/// Begins a session of somebody who showed who they are, and leads to the page they wanted.
async fn enter(app: &App, name: &str, next: &str) -> Result<Response, Fault> {
    let person = person::find(&app.store, name).await?.ok_or(FaultKind::Unauthenticated)?;
    let mut cookies = CookieJar::new().add(session::begin(app, name).await?);
    if let Some(chosen) = person.profile.language {
        cookies = cookies.add(language::cookie(chosen));
    }
    let home = begin_at(&Caller { person, token: None });
    Ok((cookies, Redirect::to(local(next, home))).into_response())
}

/// Logs out.
pub(crate) async fn log_out(
    State(app): State<App>,
    peer: Option<Extension<Peer>>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let peer = Peer::or_unknown(peer.map(|Extension(peer)| peer));
    let gone = session::sign_out(&app, &headers, peer).await?;
    Ok((CookieJar::new().add(gone), Redirect::to("/login")).into_response())
}

/// Returns `wanted` if it is a page of ours, else `home`.
fn local<'a>(wanted: &'a str, home: &'a str) -> &'a str {
    // A second slash or a backslash would lead to another host.
    let is_local = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && !wanted.contains(|c: char| c == '\\' || c.is_control());
    if is_local { wanted } else { home }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leads_nowhere_but_to_a_page_of_ours() {
        let cases = [
            ("/dead-letters?before=7", "/dead-letters?before=7"),
            ("", "/tasks"),
            ("https://evil.example/", "/tasks"),
            ("//evil.example/", "/tasks"),
            ("/\\evil.example/", "/tasks"),
            ("/\t/evil.example/", "/tasks"),
            ("javascript:alert(1)", "/tasks"),
        ];
        for (wanted, expected) in cases {
            assert_eq!(local(wanted, "/tasks"), expected, "case: {wanted:?}");
        }
    }
}
