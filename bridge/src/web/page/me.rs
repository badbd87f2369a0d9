//! One's own page: password, language, tokens for programs.

use std::collections::BTreeSet;

use askama::Template;
use axum::extract::{Extension, Form, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use axum_extra::extract::cookie::CookieJar;
use serde::Deserialize;

use super::people::{refusal, role_words, scope_words};
use super::render;
use super::shell::Shell;
use super::token_line::TokenLine;
use crate::auth::rights::TokenScope;
use crate::people::{self, NewToken, PeopleError};
use crate::store::api_token;
use crate::web::App;
use crate::web::caller::Caller;
use crate::web::fault::{Fault, FaultKind, Told};
use crate::web::i18n::{key, text};
use crate::web::language::{self, Language};
use crate::web::profile_form::{Pairs, value};
use crate::web::session::{self, Attempt, Entrant, Peer};
use crate::web::visible::Visible;

/// How long tokens last, to choose from, in days.
const DAYS: [i64; 3] = [30, 90, people::TOKEN_DAYS_MAX];

/// The page.
#[derive(Debug, Template)]
#[template(path = "me.html")]
struct MePage {
    shell: Shell,
    id: String,
    name: String,
    roles: String,
    scope: String,
    superior: Option<String>,
    /// The language that was chosen.
    language: Language,
    tokens: Vec<TokenLine>,
    scopes: [TokenScope; 10],
    days: [i64; 3],
    /// A token that was just made, told once.
    made: Option<String>,
    told: Option<String>,
    refusal: Option<String>,
}

/// What the reader just did, by the address.
#[derive(Debug, Deserialize)]
pub(crate) struct Params {
    #[serde(default)]
    did: String,
}

/// Shows the page.
pub(crate) async fn show(
    State(app): State<App>,
    Entrant(caller): Entrant,
    Extension(language): Extension<Language>,
    Query(params): Query<Params>,
    uri: Uri,
) -> Result<Html<String>, Fault> {
    let shell = Shell::for_caller(&app, language, &uri, caller);
    let words = |key| Some(text(shell.language, key));
    let told = match &*params.did {
        "password" => words(key!("told-password")),
        "language" => words(key!("told-saved")),
        "revoked" => words(key!("told-revoked")),
        _ => None,
    };
    render(&MePage { told, ..page(&app, shell).await? })
}

/// Gives oneself another password, which ends one's sessions everywhere but here.
pub(crate) async fn set_password(
    State(app): State<App>,
    Entrant(caller): Entrant,
    Extension(language): Extension<Language>,
    peer: Option<Extension<Peer>>,
    (headers, Form(pairs)): (HeaderMap, Form<Pairs>),
) -> Result<Response, Fault> {
    let peer = Peer::or_unknown(peer.map(|Extension(peer)| peer));
    let field = |name: &str| {
        pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    };
    let (current, wanted) = (field("current"), field("new"));
    let attempt = Attempt { name: caller.id(), password: current, peer };
    let refused = if !session::is_right(&app, attempt).await? {
        text(language, key!("refused-current"))
    } else if wanted == current {
        text(language, key!("refused-same"))
    } else {
        let (by, new) = (caller.by(&app), (wanted.to_owned(), false));
        match people::set_password(&app.store, by, caller.id(), new).await {
            Ok(()) => {
                session::end(&app, &headers).await?;
                let cookie = session::begin(&app, caller.id()).await?;
                let next = Redirect::to("/me?did=password");
                return Ok((CookieJar::new().add(cookie), next).into_response());
            }
            Err(error) => refusal(language, error)?,
        }
    };
    refuse(&app, caller, language, refused).await
}

/// Chooses the language of one's pages and letters.
pub(crate) async fn set_language(
    State(app): State<App>,
    session::Reader(caller): session::Reader,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Fault> {
    let chosen = Language::find(value(&pairs, "language"))
        .ok_or_else(|| Fault::bad_request("there is no such language; use en or zh-CN"))?;
    let profile =
        crate::auth::person::Profile { language: Some(chosen), ..caller.person.profile.clone() };
    let registered = app.reloader.people();
    people::change(&app.store, &registered, caller.by(&app), &caller.person, profile).await?;
    let cookies = CookieJar::new().add(language::cookie(chosen));
    Ok((cookies, Redirect::to("/me?did=language")).into_response())
}

/// Makes a token and tells it, once.
pub(crate) async fn make_token(
    State(app): State<App>,
    shell: Shell,
    Form(pairs): Form<Pairs>,
) -> Result<Response, Fault> {
    let caller = shell.caller()?;
    let scopes: BTreeSet<TokenScope> = pairs
        .iter()
        .filter(|(key, _)| key == "scope")
        .filter_map(|(_, word)| TokenScope::find(word))
        .collect();
    let new = NewToken {
        label: value(&pairs, "label").to_owned(),
        scopes,
        days: value(&pairs, "days").parse().unwrap_or_default(),
    };
    match people::make_token(&app.store, caller.by(&app), caller.id(), new).await {
        Ok(made) => {
            let page = MePage { made: Some(made), ..page(&app, shell).await? };
            Ok(render(&page)?.into_response())
        }
        Err(error) => {
            let (caller, language) = (caller.clone(), shell.language);
            let words = refusal(language, error)?;
            refuse(&app, caller, language, words).await
        }
    }
}

/// Revokes a token of one's own.
pub(crate) async fn revoke(
    State(app): State<App>,
    session::Reader(caller): session::Reader,
    Path(token): Path<String>,
) -> Result<Redirect, Fault> {
    let owner = Some(caller.id());
    match people::revoke_token(&app.store, caller.by(&app), &token, owner).await {
        Ok(()) => Ok(Redirect::to("/me?did=revoked")),
        Err(PeopleError::UnknownToken(_)) => Err(FaultKind::NotFound.into()),
        Err(error) => Err(error.into()),
    }
}

/// Returns the key of what a token of `scope` is for.
fn scope_key(scope: TokenScope) -> &'static str {
    match scope {
        TokenScope::Read => key!("scope-read"),
        TokenScope::Tasks => key!("scope-tasks"),
        TokenScope::Events => key!("scope-events"),
        TokenScope::Rules => key!("scope-rules"),
        TokenScope::Delivery => key!("scope-delivery"),
        TokenScope::Feeds => key!("scope-feeds"),
        TokenScope::Deals => key!("scope-deals"),
        TokenScope::Records => key!("scope-records"),
        TokenScope::People => key!("scope-people"),
        TokenScope::Audit => key!("scope-audit"),
    }
}

async fn refuse(
    app: &App,
    caller: Caller,
    language: Language,
    words: String,
) -> Result<Response, Fault> {
    let shell = Shell::for_caller(app, language, &Uri::from_static("/me"), caller);
    let page = MePage { refusal: Some(words), ..page(app, shell).await? };
    let status = StatusCode::UNPROCESSABLE_ENTITY;
    Ok((status, Extension(Told), render(&page)?).into_response())
}

async fn page(app: &App, shell: Shell) -> Result<MePage, Fault> {
    let teller = shell.teller(app);
    let person = &shell.caller()?.person;
    let profile = &person.profile;
    let tokens = api_token::all(&app.store, Some(&person.id)).await?;
    Ok(MePage {
        id: Visible(&person.id).to_string(),
        name: Visible(person.shown()).to_string(),
        roles: role_words(shell.language, &profile.roles),
        scope: scope_words(shell.language, profile),
        superior: profile.superior.as_deref().map(|id| Visible(id).to_string()),
        language: profile.language.unwrap_or(shell.language),
        tokens: tokens.iter().map(|token| TokenLine::of(&teller, token)).collect(),
        scopes: TokenScope::ALL,
        days: DAYS,
        made: None,
        told: None,
        refusal: None,
        shell,
    })
}
