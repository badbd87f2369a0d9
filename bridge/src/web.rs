//! The pages, the API and the probes: what people and programs see over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use tokio::sync::{broadcast, mpsc, watch};
use tower_http::csrf::CsrfLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

use crate::auth::throttle::Throttle;
use crate::clock::Clock;
use crate::config::forecast::ForecastConfig;
use crate::delivery::Routing;
use crate::feeds::Feeds;
use crate::feeds::job::Office;
use crate::health::Health;
use crate::ingest::submission::Submission;
use crate::reload::Reloader;
use crate::runtime::request::Request;
use crate::store::Store;
use crate::telemetry::Metrics;
use crate::twins;

pub(crate) mod advice;
pub(crate) mod api;
pub(crate) mod ask;
pub(crate) mod asset;
pub(crate) mod booking;
pub(crate) mod caller;
pub(crate) mod deed_form;
pub(crate) mod facts;
pub(crate) mod fault;
pub(crate) mod calendars;
pub(crate) mod feeds;
pub(crate) mod figures;
pub(crate) mod filter;
pub(crate) mod forecasts;
pub(crate) mod headers;
pub(crate) mod i18n;
pub(crate) mod language;
pub(crate) mod live;
pub(crate) mod overrule;
pub(crate) mod page;
pub(crate) mod post;
pub(crate) mod probe;
pub(crate) mod profile_form;
pub(crate) mod selling;
pub(crate) mod records;
pub(crate) mod serve;
pub(crate) mod session;
pub(crate) mod uploads;
pub(crate) mod visible;
pub(crate) mod when;

#[cfg(test)]
mod tests;

/// The largest request body.
const BODY_BYTES_MAX: usize = 1024 * 1024;

/// How long a request may take until its answer begins.
const REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

/// What handlers work with. A clone shares it.
#[derive(Clone, Debug)]
pub(crate) struct App {
    /// The store.
    pub(crate) store: Store,
    /// What the parts of the program say about themselves.
    pub(crate) health: Health,
    /// What the program counts.
    pub(crate) metrics: Metrics,
    /// Tells open pages that there is something new.
    pub(crate) changes: broadcast::Sender<Change>,
    /// To the one writer.
    pub(crate) asks: mpsc::Sender<Request>,
    /// Reads rules and registry again.
    pub(crate) reloader: Arc<Reloader>,
    /// Who is told of what happens to tasks.
    pub(crate) delivery: watch::Receiver<Arc<Routing>>,
    /// Where facts come from.
    pub(crate) feeds: watch::Receiver<Arc<Feeds>>,
    /// Fetches them.
    pub(crate) feed_office: Office,
    /// What is forecast.
    pub(crate) forecast: ForecastConfig,
    /// Takes events that programs hand in to the writer.
    pub(crate) submit: mpsc::Sender<Submission>,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// The settings.
    pub(crate) settings: Arc<WebSettings>,
    /// Accounts and contacts that may be one.
    pub(crate) twins: Arc<twins::Known>,
    /// Tables that were sent to be looked at.
    pub(crate) uploads: Arc<uploads::Uploads>,
    /// Who failed to come in.
    pub(crate) throttle: Arc<Throttle>,
}

/// A commit that changed tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Grows with every such commit.
    pub(crate) tasks_version: u64,
}

/// What the operator decides about the pages.
#[derive(Clone, Debug)]
pub(crate) struct WebSettings {
    /// Whether browsers reach the pages over TLS, so that the cookie must travel over it only.
    pub(crate) secure_cookies: bool,
    /// Where the embedded broker listens, for the example of an empty inbox.
    pub(crate) broker: Option<SocketAddr>,
}

/// Returns everything that is served.
pub(crate) fn router(app: App) -> Router {
    let limits = tower::ServiceBuilder::new()
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, REQUEST_TIME_MAX))
        .layer(CsrfLayer::new())
        .layer(DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(BODY_BYTES_MAX));

    // The layer that is added last is the outermost one.
    Router::new()
        .merge(pages())
        .merge(api::openapi::routes().route_layer(from_fn(api::only_json)))
        .merge(probes())
        .layer(limits)
        .layer(from_fn_with_state(app.clone(), fault::tell))
        .layer(from_fn(language::negotiate))
        .layer(from_fn(headers::protect))
        .with_state(app)
}

fn pages() -> Router<App> {
    work_pages().merge(house_pages())
}

/// What sales and logistics work with.
fn work_pages() -> Router<App> {
    Router::new()
        .route("/", get(page::start::show))
        .route("/tasks", get(page::tasks::show))
        .route("/tasks/new", get(page::tasks::count_new))
        .route("/tasks/{id}", get(page::task::show))
        .route("/leads", get(page::leads::show))
        .route("/pool", get(page::leads::show_pool))
        .route("/tasks/{id}/override", post(page::task_lead::decide))
        .route("/tasks/{id}/requirements", post(page::deliveries::ask))
        .route("/tasks/{id}/slots", get(page::slots::show))
        .route("/tasks/{id}/{verb}", post(page::task::act))
        .route("/deals", get(page::deals::show))
        .route("/deals/{id}", get(page::deal::show))
        .route("/deals/{id}/upload", post(page::deal_upload::take))
        .route("/deals/{id}/override", post(page::deal::decide))
        .route("/deals/{id}/{verb}", post(page::deal::act))
        .route("/policies/{digest}/confirm", post(page::deal::confirm))
        .route("/quotes", get(page::quotes::show).post(page::quotes::price))
        .route("/quotes/{id}", get(page::quotes::one))
        .route("/quotes/{id}/print", get(page::quotes::print))
        .route("/quotes/{id}/{verb}", post(page::quotes::act))
        .route("/deliveries-at-risk", get(page::at_risk::show))
        .route("/reports", get(page::reports::show))
        .route("/approvals", get(page::approvals::show))
        .route("/approvals/{id}/{verb}", post(page::approvals::decide))
        .route("/coupons", get(page::coupons::show))
        .route("/figures", get(page::figures::show))
        .route("/advice", get(page::advice::show))
        .route("/advice/{id}", get(page::advice_piece::show))
        .route("/advice/{id}/{verb}", post(page::advice_piece::act))
        .route("/forecasts", get(page::forecasts::show))
        .route("/forecasts/trials/{kind}", post(page::forecasts::try_out))
        .route("/deals/{id}/chance", get(page::chance::show))
}

/// What operations look after, and the pages of people.
fn house_pages() -> Router<App> {
    Router::new()
        .route("/login", get(page::login::show).post(page::login::submit))
        .route("/logout", post(page::login::log_out))
        .route("/destinations", get(page::destinations::show))
        .route("/destinations/{id}", get(page::destination::show))
        .route("/destinations/{id}/test", post(page::destinations::test))
        .route("/destinations/{id}/on", post(page::destinations::turn_on))
        .route("/letters/{id}/{verb}", post(page::destinations::decide))
        .route("/facts", get(page::facts::show))
        .route("/feeds", get(page::feeds::show))
        .route("/calendars", get(page::calendars::show))
        .route("/feeds/{id}", get(page::feed::show))
        .route("/feeds/{id}/{verb}", post(page::feed::act))
        .route("/feeds/{id}/sets/{set}/{verb}", post(page::feed::decide))
        .route("/feeds/{id}/secrets/{name}", post(page::feed::set_secret))
        .route("/records", get(page::records::show))
        .route("/records/adopt", post(page::records::adopt))
        .route("/records/{kind}", get(page::record_kind::show))
        .route("/records/{kind}/import", post(page::record_kind::look))
        .route("/records/{kind}/import/{upload}", post(page::record_kind::decide))
        .route("/rules", get(page::rules::show))
        .route("/rules/{id}", get(page::rule::show))
        .route("/dead-letters", get(page::dead_letters::show))
        .route("/dead-letters/{id}/raw", get(page::dead_letters::download))
        .route("/people", get(page::people::show).post(page::people::add))
        .route("/people/new", get(page::people::blank))
        .route("/people/{id}", get(page::person::show).post(page::person::change))
        .route("/people/{id}/{verb}", post(page::person::act))
        .route("/tokens/{id}/revoke", post(page::person::revoke))
        .route("/me", get(page::me::show))
        .route("/me/password", post(page::me::set_password))
        .route("/me/language", post(page::me::set_language))
        .route("/me/tokens", post(page::me::make_token))
        .route("/me/tokens/{id}/revoke", post(page::me::revoke))
        .route("/audit", get(page::audit::show))
        .route("/problems/{code}", get(page::fault::explain))
        .route("/live", get(live::handle))
        .route("/assets/{name}", get(asset::handle))
}

fn probes() -> Router<App> {
    Router::new()
        .route("/healthz", get(probe::alive))
        .route("/readyz", get(probe::ready))
        .route("/metrics", get(probe::metrics))
}
