//! Who asks: a browser by its session, a program by its token.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;

use super::App;
use super::caller::Caller;
use super::fault::{Fault, FaultKind};
use crate::auth::person::Person;
use crate::auth::throttle::Wait;
use crate::auth::{name, password, token};
use crate::store::audit::{self, NewEntry};
use crate::store::session::{self, Session};
use crate::store::{api_token, person};

/// Who says in the trail that somebody was not let in.
const SYSTEM: &str = "upturn";

/// How much of the hash of a name nobody has stands in the trail, in characters.
const HASH_SHOWN: usize = 16;

/// How long a session lasts without use.
const IDLE_MAX: TimeDelta = TimeDelta::minutes(30);

/// How long a session lasts at most.
const AGE_MAX: TimeDelta = TimeDelta::hours(12);

/// How much of the idle time may pass before use is written down again.
const EXTEND_AFTER: TimeDelta = TimeDelta::minutes(1);

/// Where somebody with a password that another person gave chooses their own.
const OWN_PAGE: &str = "/me";

/// The address a request came from; the server adds it to each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Peer {
    /// Returns the address of `peer`; without one, all requests count as one sender's.
    pub(crate) fn or_unknown(peer: Option<Self>) -> IpAddr {
        peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0)
    }
}

/// Somebody who is logged in, even if they have yet to choose their password. Others are sent to the
/// log-in page.
#[derive(Clone, Debug)]
pub(crate) struct Entrant(pub(crate) Caller);

impl FromRequestParts<App> for Entrant {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match of_session(app, &parts.headers).await {
            Ok(Some(caller)) => Ok(Self(caller)),
            Ok(None) => Err(Redirect::to(&login_link(parts)).into_response()),
            Err(fault) => Err(fault.into_response()),
        }
    }
}

fn login_link(parts: &Parts) -> String {
    let wanted = parts.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
    if parts.method != Method::GET || wanted == "/" || wanted == "/tasks" {
        return "/login".to_owned();
    }
    let query =
        url::form_urlencoded::Serializer::new(String::new()).append_pair("next", wanted).finish();
    format!("/login?{query}")
}

/// Somebody who is logged in with a password of their own. Others are sent to where they choose one.
#[derive(Clone, Debug)]
pub(crate) struct Reader(pub(crate) Caller);

impl FromRequestParts<App> for Reader {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        let Entrant(caller) = Entrant::from_request_parts(parts, app).await?;
        if caller.person.password_given_at.is_some() {
            return Err(Redirect::to(OWN_PAGE).into_response());
        }
        Ok(Self(caller))
    }
}

/// Somebody whom a script or a program speaks for: by session or by token.
impl FromRequestParts<App> for Caller {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fault> {
        identify(app, &parts.headers).await
    }
}

/// Returns who asks with these `headers`.
pub(crate) async fn identify(app: &App, headers: &HeaderMap) -> Result<Caller, Fault> {
    let caller = match bearer(headers)? {
        Some(token) => of_token(app, &token).await?,
        // What a page asks for by itself does not keep its reader logged in.
        None => match find_session(app, headers).await? {
            Some((_, session)) => caller(app, &session.user).await?,
            None => None,
        },
    };
    let caller = caller.ok_or(FaultKind::Unauthenticated)?;
    if caller.person.password_given_at.is_some() {
        return Err(FaultKind::PasswordGiven.into());
    }
    Ok(caller)
}

/// Returns the token of the request, if it has one.
fn bearer(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let token = || {
        let (scheme, token) = header.to_str().ok()?.split_once(' ')?;
        let token = scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())?;
        token.starts_with(token::PREFIX).then(|| token.to_owned())
    };
    token().map(Some).ok_or_else(|| FaultKind::Unauthenticated.into())
}

async fn of_token(app: &App, token: &str) -> Result<Option<Caller>, Fault> {
    let found = api_token::take(&app.store, &token::hash(token), app.clock.now()).await?;
    let Some(found) = found else { return Ok(None) };
    let caller = caller(app, &found.person).await?;
    Ok(caller.map(|caller| Caller { token: Some(found.scopes), ..caller }))
}

async fn caller(app: &App, id: &str) -> Result<Option<Caller>, Fault> {
    let person = person::find(&app.store, id).await?;
    let person = person.filter(Person::is_enabled);
    Ok(person.map(|person| Caller { person, token: None }))
}

/// Somebody's try to come in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    /// As whom.
    pub(crate) name: &'a str,
    /// With which password.
    pub(crate) password: &'a str,
    /// From where.
    pub(crate) peer: IpAddr,
}

/// Returns whether `attempt` names somebody who may come in, and their password; one that comes too
/// often is refused whether it is right or not.
pub(crate) async fn is_right(app: &App, attempt: Attempt<'_>) -> Result<bool, Fault> {
    let Attempt { name, password, peer } = attempt;
    // Names that nobody can have share one account, so that they cannot fill the memory.
    let account = if name::check(name).is_ok() { name } else { "" };
    let stored = match account {
        "" => None,
        account => person::credentials(&app.store, account).await?,
    };
    // Whoever is kept out takes as long as nobody, and is told the same.
    let stored = stored.filter(person::Credentials::is_enabled);
    let check = || {
        let now = app.clock.now();
        let wait = |wait: Wait| Fault::too_many_attempts((wait.until - now).num_seconds());
        app.throttle.check(account, peer, now).map_err(wait)
    };
    check()?;
    let turn = password::turn().await.map_err(Fault::internal)?;
    // Others may have failed while this one waited.
    check()?;
    let hash = stored.map(|stored| stored.password_hash);
    let is_right = password::verify(&turn, password.to_owned(), hash).await;
    let is_right = is_right.map_err(Fault::internal)?;
    if is_right {
        app.throttle.succeeded(account, peer);
        note(app, ("sign-in", name), &format!("person:{name}"), peer).await?;
        return Ok(true);
    }
    let now = app.clock.now();
    app.throttle.failed(account, peer, now);
    tracing::info!(%peer, "a log-in was refused");
    if app.throttle.is_noted(now) {
        let is_closed = app.throttle.check(account, peer, now).is_err();
        let action = if is_closed { "sign-in-locked" } else { "sign-in-refused" };
        note(app, (action, SYSTEM), &subject(app, account, name).await?, peer).await?;
    }
    Ok(false)
}

/// Returns what the trail calls the account that somebody tried: a name nobody has may be a password in
/// the wrong field.
async fn subject(app: &App, account: &str, name: &str) -> Result<String, Fault> {
    let is_known = !account.is_empty() && person::find(&app.store, account).await?.is_some();
    let hash = token::hash(name);
    let hash = hash.get(..HASH_SHOWN).unwrap_or(&hash);
    Ok(if is_known { format!("person:{account}") } else { format!("unknown:{hash}") })
}

async fn note(
    app: &App,
    (action, actor): (&str, &str),
    subject: &str,
    peer: IpAddr,
) -> Result<(), Fault> {
    let detail = json!({ "address": peer });
    let entry = NewEntry { at: app.clock.now(), actor, action, subject, detail: &detail };
    let mut tx = app.store.begin().await?;
    audit::append(&mut tx, entry).await?;
    Ok(tx.commit().await?)
}

/// Ends the session of the request and says so in the trail, if it has one.
pub(crate) async fn sign_out(
    app: &App,
    headers: &HeaderMap,
    peer: IpAddr,
) -> Result<Cookie<'static>, Fault> {
    if let Some((_, session)) = find_session(app, headers).await? {
        let subject = format!("person:{}", session.user);
        note(app, ("sign-out", &session.user), &subject, peer).await?;
    }
    end(app, headers).await
}

/// Returns who is logged in with the request's cookie, and keeps the session alive.
async fn of_session(app: &App, headers: &HeaderMap) -> Result<Option<Caller>, Fault> {
    let Some((hash, session)) = find_session(app, headers).await? else { return Ok(None) };
    let expires_at = expiry(session.created_at, app.clock.now());
    if session.expires_at + EXTEND_AFTER <= expires_at {
        session::extend(&app.store, &hash, expires_at).await?;
    }
    caller(app, &session.user).await
}

/// Returns the session of the request's cookie, with the hash it is stored under.
async fn find_session(app: &App, headers: &HeaderMap) -> Result<Option<(String, Session)>, Fault> {
    let Some(token) = token_of(app, headers) else { return Ok(None) };
    let hash = token::hash(&token);
    let session = session::find(&app.store, &hash, app.clock.now()).await?;
    Ok(session.map(|session| (hash, session)))
}

fn expiry(created_at: DateTime<Utc>, now: DateTime<Utc>) -> DateTime<Utc> {
    (now + IDLE_MAX).min(created_at + AGE_MAX)
}

/// Begins a session of `user` and returns its cookie.
pub(crate) async fn begin(app: &App, user: &str) -> Result<Cookie<'static>, Fault> {
    let token = token::new().map_err(Fault::internal)?;
    let now = app.clock.now();
    let session = Session { user: user.to_owned(), created_at: now, expires_at: expiry(now, now) };
    session::create(&app.store, &token::hash(&token), &session).await?;
    Ok(cookie(app, token))
}

/// Ends the session of the request, if it has one, and returns the cookie that takes it away.
pub(crate) async fn end(app: &App, headers: &HeaderMap) -> Result<Cookie<'static>, Fault> {
    if let Some(token) = token_of(app, headers) {
        session::delete(&app.store, &token::hash(&token)).await?;
    }
    let mut gone = cookie(app, String::new());
    gone.make_removal();
    Ok(gone)
}

fn token_of(app: &App, headers: &HeaderMap) -> Option<String> {
    let cookies = CookieJar::from_headers(headers);
    cookies.get(cookie_name(app)).map(|cookie| cookie.value().to_owned())
}

fn cookie(app: &App, token: String) -> Cookie<'static> {
    Cookie::build((cookie_name(app), token))
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .secure(app.settings.secure_cookies)
        .build()
}

/// The prefix makes browsers refuse the cookie from anywhere but this host over TLS.
fn cookie_name(app: &App) -> &'static str {
    if app.settings.secure_cookies { "__Host-upturn_session" } else { "upturn_session" }
}
