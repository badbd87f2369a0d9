//! Who asks: a browser by its session, a program by HTTP Basic.

use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum_extra::extract::cookie::{Cookie, CookieJar, SameSite};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};

use super::fault::{Fault, FaultKind};
use super::{App, Gate};
use crate::auth::throttle::Wait;
use crate::auth::{name, password, token};
use crate::store::session::{self, Session};
use crate::store::user::{self, User};

/// How long a session lasts without use.
const IDLE_MAX: TimeDelta = TimeDelta::minutes(30);

/// How long a session lasts at most.
const AGE_MAX: TimeDelta = TimeDelta::hours(12);

/// How much of the idle time may pass before use is written down again.
const EXTEND_AFTER: TimeDelta = TimeDelta::minutes(1);

/// The address a request came from; the server adds it to each request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) IpAddr);

impl Peer {
    /// Returns who sent the request with these `parts`.
    pub(crate) fn of(parts: &Parts) -> IpAddr {
        Self::or_unknown(parts.extensions.get().copied())
    }

    /// Returns the address of `peer`; without one, all requests count as one sender's.
    pub(crate) fn or_unknown(peer: Option<Self>) -> IpAddr {
        peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.0)
    }
}

/// Somebody who is logged in. Others are sent to the log-in page.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    /// The user's name.
    pub(crate) name: String,
}

impl FromRequestParts<App> for Reader {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Response> {
        match of_session(app, &parts.headers).await {
            Ok(Some(name)) => Ok(Self { name }),
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

/// Somebody whom a script or a program speaks for: by session or by HTTP Basic.
#[derive(Clone, Debug)]
pub(crate) struct ApiReader {
    /// The user's name.
    pub(crate) name: String,
}

impl FromRequestParts<App> for ApiReader {
    type Rejection = Fault;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Fault> {
        let name = match basic(&parts.headers)? {
            Some((name, password)) => of_password(app, name, password, Peer::of(parts)).await?,
            // What a page asks for by itself does not keep its reader logged in.
            None => find_session(app, &parts.headers).await?.map(|(_, session)| session.user),
        };
        name.map(|name| Self { name }).ok_or_else(|| FaultKind::Unauthenticated.into())
    }
}

/// Returns the name and password of HTTP Basic, if the request has them.
fn basic(headers: &HeaderMap) -> Result<Option<(String, String)>, Fault> {
    let Some(header) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let credential = || {
        let (scheme, encoded) = header.to_str().ok()?.split_once(' ')?;
        let encoded = scheme.eq_ignore_ascii_case("basic").then(|| encoded.trim())?;
        let plain = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
        let (name, password) = plain.split_once(':')?;
        Some((name.to_owned(), password.to_owned()))
    };
    credential().map(Some).ok_or_else(|| FaultKind::Unauthenticated.into())
}

async fn of_password(
    app: &App,
    name: String,
    password: String,
    peer: IpAddr,
) -> Result<Option<String>, Fault> {
    let stored = find_user(app, &name).await?.map(|user| user.password_hash);
    if is_known(app, &password, stored.as_deref()) {
        return Ok(Some(name));
    }
    let attempt = Attempt { name: &name, password: &password, peer };
    Ok(verify(app, attempt, stored).await?.then_some(name))
}

/// Returns whether `password` was verified a moment ago.
fn is_known(app: &App, password: &str, stored: Option<&str>) -> bool {
    let verified = &app.gate.verified;
    stored.is_some_and(|stored| verified.knows(password, stored, app.clock.now()))
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

/// Returns whether `attempt` names a user and their password; one that comes too often is refused
/// whether it is right or not.
pub(crate) async fn is_right(app: &App, attempt: Attempt<'_>) -> Result<bool, Fault> {
    let stored = find_user(app, attempt.name).await?.map(|user| user.password_hash);
    verify(app, attempt, stored).await
}

async fn verify(app: &App, attempt: Attempt<'_>, stored: Option<String>) -> Result<bool, Fault> {
    let Attempt { name, password, peer } = attempt;
    let Gate { throttle, verified } = &*app.gate;
    // Names that nobody can have share one account, so that they cannot fill the memory.
    let account = if name::check(name).is_ok() { name } else { "" };
    let check = || {
        let now = app.clock.now();
        let wait = |wait: Wait| Fault::too_many_attempts((wait.until - now).num_seconds());
        throttle.check(account, peer, now).map_err(wait)
    };
    check()?;
    let turn = password::turn().await.map_err(Fault::internal)?;
    // Others may have failed, or come in, while this one waited.
    check()?;
    if is_known(app, password, stored.as_deref()) {
        return Ok(true);
    }

    let is_right = password::verify(&turn, password.to_owned(), stored.clone()).await;
    let is_right = is_right.map_err(Fault::internal)?;
    let now = app.clock.now();
    if let Some(stored) = stored.filter(|_| is_right) {
        throttle.succeeded(account, peer);
        verified.remember(password, &stored, now);
    } else {
        throttle.failed(account, peer, now);
        tracing::info!(%peer, "a log-in was refused");
    }
    Ok(is_right)
}

async fn find_user(app: &App, name: &str) -> Result<Option<User>, Fault> {
    match name::check(name) {
        Ok(()) => Ok(user::find(&app.store, name).await?),
        Err(_) => Ok(None),
    }
}

/// Returns who is logged in with the request's cookie, and keeps the session alive.
async fn of_session(app: &App, headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some((hash, session)) = find_session(app, headers).await? else { return Ok(None) };
    let expires_at = expiry(session.created_at, app.clock.now());
    if session.expires_at + EXTEND_AFTER <= expires_at {
        session::extend(&app.store, &hash, expires_at).await?;
    }
    Ok(Some(session.user))
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
