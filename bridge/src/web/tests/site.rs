//! A site to send requests to, with a clock that stands until it is moved.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::header::{CONTENT_TYPE, COOKIE, HOST, SET_COOKIE};
use axum::http::request::Builder;
use axum::http::{HeaderMap, Request as HttpRequest, StatusCode};
use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::{OnceCell, broadcast, mpsc, watch};
use tokio_util::task::TaskTracker;
use tower::ServiceExt as _;
use upturn_core::id::{DeviceId, EventId, RuleId, TaskId};
use upturn_core::lead::policy::Policy;
use upturn_core::registry::Registry;
use upturn_core::rule::Stage;
use upturn_core::task::{EpisodeState, Evidence, Occasion, Task, Title};

use crate::auth::person::{EVERYWHERE, Profile};
use crate::auth::rights::TokenScope;
use crate::auth::role::Role;
use crate::auth::{password, token};
use crate::clock::Clock;
use crate::config::{Config, RegistryConfig, RulesConfig};
use crate::delivery::Routing;
use crate::delivery::files::Setup;
use crate::facts::shelf::Shelf;
use crate::feeds::job::Office;
use crate::feeds::{self, Feeds};
use crate::health::Health;
use crate::ingest::submission::Submission;
use crate::reload::{Documents, Reloader};
use crate::runtime::request::Request;
use crate::store::api_token::{self, ApiToken};
use crate::store::audit::{self, NewEntry};
use crate::store::dead_letter::{self, NewDeadLetter};
use crate::store::person::{self, NewPerson};
use crate::store::session::{self, Session};
use crate::store::{self, Store, task_history};
use crate::telemetry::Metrics;
use crate::web::{App, Change, WebSettings, router};

/// A calendar file: weekdays from 9 to 18, the make-up workday before Spring Festival 2025, the festival.
pub(super) const SHANGHAI: &str = r#"
    zone = "Asia/Shanghai"
    revision = "1"
    [week]
    mon = ["09:00-18:00"]
    tue = ["09:00-18:00"]
    wed = ["09:00-18:00"]
    thu = ["09:00-18:00"]
    fri = ["09:00-18:00"]
    [[override]]
    on = "2025-01-26"
    hours = ["09:00-18:00"]
    name = "make-up workday"
    [[override]]
    from = "2025-01-28"
    to = "2025-02-04"
    hours = []
    name = "holiday"
"#;
/// The name that can log in.
pub(super) const NAME: &str = "li.wei";
/// Its password.
pub(super) const PASSWORD: &str = "correct horse";

/// The database, in the site's folder.
const FILE: &str = "upturn.db";
/// The size of SQLite's pages.
const PAGE_BYTES: usize = 4096;

/// Shows the time it was set to.
#[derive(Debug)]
pub(super) struct Fixed(Mutex<DateTime<Utc>>);

impl Clock for Fixed {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap()
    }
}

/// Headers of a request: names and values.
pub(super) type Headers<'a> = &'a [(&'a str, &'a str)];

/// A site.
#[derive(Clone, Debug)]
pub(super) struct Site {
    pub(super) store: Store,
    pub(super) health: Health,
    pub(super) metrics: Metrics,
    pub(super) changes: broadcast::Sender<Change>,
    pub(super) delivery: watch::Sender<Arc<Routing>>,
    pub(super) leads: watch::Sender<Arc<Policy>>,
    pub(super) router: Router,
    /// What waits for a writer, until somebody takes it to play one.
    pub(super) submissions: Arc<Mutex<Option<mpsc::Receiver<Submission>>>>,
    /// The same for what people ask of a writer.
    pub(super) requests: Arc<Mutex<Option<mpsc::Receiver<Request>>>>,
    /// The way to whoever plays the writer.
    pub(super) asks: mpsc::Sender<Request>,
    clock: Arc<Fixed>,
    // Last, so that it goes when nobody uses it.
    folder: Arc<TempDir>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The cookie that was set, as a browser sends it back: the session's, if there are several.
    pub(super) fn cookie(&self) -> String {
        let set = self.headers.get_all(SET_COOKIE).into_iter().map(|set| set.to_str().unwrap());
        let chosen = set.max_by_key(|set| set.contains("upturn_session="));
        chosen.expect("no cookie was set").split(';').next().unwrap().to_owned()
    }
}

impl Site {
    /// Returns an empty site without users.
    pub(super) async fn new() -> Self {
        Self::with_settings(WebSettings {
            secure_cookies: false,
            broker: Some(([127, 0, 0, 1], 1883).into()),
        })
        .await
    }

    pub(super) async fn with_settings(settings: WebSettings) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = new_store(folder.path()).await;
        let health = Health::new(&["broker", "database", "migrations"]);
        let metrics = Metrics::new();
        let (changes, _) = broadcast::channel(16);
        let (submit, submissions) = mpsc::channel(1);
        let clock = Arc::new(Fixed(Mutex::new("2025-03-05T12:00:00Z".parse().unwrap())));
        let (asks, requests) = mpsc::channel(64);
        let config = config(folder.path());
        let delivery = watch::Sender::new(Arc::new(Routing::default()));
        let as_clock: Arc<dyn Clock> = Arc::<Fixed>::clone(&clock);
        let (documents, feed_office) =
            documents(&config, &delivery, (&store, &as_clock, &metrics, &asks));
        let feeds = documents.feeds.1.subscribe();
        let leads = documents.leads.clone();
        let app = App {
            reloader: Arc::new(Reloader::new(
                &config,
                (asks.clone(), TaskTracker::new()),
                as_clock,
                &Registry::default(),
                documents,
            )),
            delivery: delivery.subscribe(),
            feeds,
            feed_office,
            forecast: config.forecast.clone(),
            asks: asks.clone(),
            store: store.clone(),
            health: health.clone(),
            metrics: metrics.clone(),
            changes: changes.clone(),
            submit,
            clock: Arc::<Fixed>::clone(&clock),
            settings: Arc::new(settings),
            throttle: Arc::default(),
            twins: Arc::default(),
            uploads: Arc::default(),
        };
        let folder = Arc::new(folder);
        let submissions = Arc::new(Mutex::new(Some(submissions)));
        let requests = Arc::new(Mutex::new(Some(requests)));
        let router = router(app);
        Self {
            store,
            health,
            metrics,
            changes,
            delivery,
            leads,
            router,
            submissions,
            requests,
            asks,
            clock,
            folder,
        }
    }

    /// Returns a site on which li.wei can log in.
    pub(super) async fn with_user() -> Self {
        let site = Self::new().await;
        site.add_user().await;
        site
    }

    pub(super) async fn add_user(&self) {
        // Argon2 is slow by design; one hash serves all tests.
        static HASH: OnceCell<String> = OnceCell::const_new();
        let hash = HASH.get_or_init(|| async { password::hash(PASSWORD.into()).await.unwrap() });
        let roles = [Role::Admin, Role::Operations, Role::SalesManager].into();
        let everything =
            Profile { roles, regions: [EVERYWHERE.into()].into(), ..Profile::default() };
        self.add_person(NAME, everything, hash.await).await;
    }

    /// Adds somebody with a token for everything, which is [`token_of`] them.
    pub(super) async fn add_person(&self, id: &str, profile: Profile, hash: &str) {
        let created_at = self.now();
        let (id, password_hash) = (id.to_owned(), hash.to_owned());
        let token = ApiToken {
            id: id.clone(),
            person: id.clone(),
            label: "tests".into(),
            scopes: TokenScope::ALL.into(),
            created_at,
            expires_at: created_at + TimeDelta::days(3650),
            last_used_at: None,
            revoked_at: None,
        };
        let new = NewPerson { id, profile, password_hash, is_given: false, created_at };
        let mut tx = self.store.begin().await.unwrap();
        assert!(person::create(&mut tx, &new).await.unwrap());
        let hash = token::hash(&token_of(&new.id));
        api_token::create(&mut tx, &token, &hash).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub(super) fn advance(&self, time: TimeDelta) {
        *self.clock.0.lock().unwrap() += time;
    }

    pub(super) async fn send(&self, request: HttpRequest<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub(super) async fn get(&self, path: &str, headers: Headers<'_>) -> Answer {
        self.send(with_headers(HttpRequest::get(path), headers).body(Body::empty()).unwrap()).await
    }

    pub(super) async fn post(&self, path: &str, form: &str, headers: Headers<'_>) -> Answer {
        let request = HttpRequest::post(path)
            .header(HOST, "upturn.test")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        self.send(with_headers(request, headers).body(Body::from(form.to_owned())).unwrap()).await
    }

    /// Sends JSON, or nothing, as a program does.
    pub(super) async fn call(
        &self,
        method: &str,
        path: &str,
        headers: Headers<'_>,
        body: &str,
    ) -> Answer {
        let request = HttpRequest::builder().method(method).uri(path).header(HOST, "upturn.test");
        let request = if body.is_empty() {
            request
        } else {
            request.header(CONTENT_TYPE, "application/json")
        };
        self.send(with_headers(request, headers).body(Body::from(body.to_owned())).unwrap()).await
    }

    pub(super) async fn log_in(&self, password: &str) -> Answer {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("name", NAME)
            .append_pair("password", password)
            .finish();
        self.post("/login", &form, &[("origin", "http://upturn.test")]).await
    }

    /// Begins a session of `id` past the log-in page, which is slow by design; returns its cookie.
    pub(super) async fn enter(&self, id: &str) -> String {
        let text = token::new().unwrap();
        let (created_at, expires_at) = (self.now(), self.now() + TimeDelta::minutes(30));
        let session = Session { user: id.to_owned(), created_at, expires_at };
        session::create(&self.store, &token::hash(&text), &session).await.unwrap();
        format!("upturn_session={text}")
    }

    /// Gets a page as somebody who is logged in.
    pub(super) async fn page(&self, path: &str) -> Answer {
        let cookie = self.log_in(PASSWORD).await.cookie();
        self.get(path, &[(COOKIE.as_str(), &cookie)]).await
    }

    /// Stores `tasks`, and that their rule made them.
    pub(super) async fn add(&self, tasks: impl IntoIterator<Item = Task>) {
        let mut tx = self.store.begin().await.unwrap();
        for task in tasks {
            assert!(store::task::create(&mut tx, &task).await.unwrap());
            let entry = NewEntry {
                at: task.created_at,
                actor: "upturn",
                action: "task-created",
                subject: task.id.as_str(),
                detail: &json!({}),
            };
            task_history::append(&mut tx, entry).await.unwrap();
        }
        tx.commit().await.unwrap();
    }

    pub(super) async fn withdraw(&self, id: &str) {
        let mut tx = self.store.begin().await.unwrap();
        let id = TaskId::from_text(id);
        let taken = store::task::withdraw(&mut tx, &id, self.now()).await.unwrap();
        assert_eq!(taken, store::task::Taken::Withdrawn(Stage::Live));
        tx.commit().await.unwrap();
    }

    pub(super) async fn record(&self, entry: NewEntry<'_>) {
        let mut tx = self.store.begin().await.unwrap();
        audit::append(&mut tx, entry).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Stores `letters`; the first one in a new site has the number 1.
    pub(super) async fn add_letters(&self, letters: &[NewDeadLetter]) {
        let mut tx = self.store.begin().await.unwrap();
        dead_letter::insert(&mut tx, letters).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Returns whether `text` is anywhere in the database's files.
    pub(super) fn holds(&self, text: &str) -> bool {
        let files = fs::read_dir(self.folder.path()).unwrap();
        files
            .map(|file| file.unwrap().path())
            .filter(|path| path.is_file())
            .map(|path| fs::read(path).unwrap())
            .any(|bytes| bytes.windows(text.len()).any(|window| window == text.as_bytes()))
    }

    /// Overwrites what the database's file has held since it was new, but for its first page.
    ///
    /// What was written later is still in SQLite's log.
    pub(super) fn damage(&self) {
        let path = self.folder.path().join(FILE);
        let mut bytes = fs::read(&path).unwrap();
        for page in bytes.chunks_mut(PAGE_BYTES).skip(1) {
            page.fill(0xee);
        }
        fs::write(&path, bytes).unwrap();
    }

    /// Returns the path of the site's folder.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Returns the token of somebody whom a test added.
pub(super) fn token_of(id: &str) -> String {
    format!("upt_{id}")
}

/// Returns the header by which a program speaks for `id`.
pub(super) fn bearer(id: &str) -> String {
    format!("Bearer {}", token_of(id))
}

/// Returns a new store in `folder`: a copy of one, so that the schema is made once for all tests.
async fn new_store(folder: &Path) -> Store {
    static TEMPLATE: OnceCell<Vec<u8>> = OnceCell::const_new();

    let template = TEMPLATE.get_or_init(|| async {
        let folder = tempfile::tempdir().unwrap();
        let store = open(folder.path()).await;
        store.migrate().await.unwrap();
        // Writes the log back, so that all of it is in the one file.
        store.close().await;
        fs::read(folder.path().join(FILE)).unwrap()
    });
    fs::write(folder.join(FILE), template.await).unwrap();
    open(folder).await
}

async fn open(folder: &Path) -> Store {
    Store::open(&format!("sqlite:{}", folder.join(FILE).display())).await.unwrap()
}

fn with_headers(request: Builder, headers: Headers<'_>) -> Builder {
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))
}

/// Returns a task with `id`, made `minutes` before `now`, due `due` after.
pub(super) fn task(id: &str, now: DateTime<Utc>, minutes: i64, due: Option<TimeDelta>) -> Task {
    let created_at = now - TimeDelta::minutes(minutes);
    let evidence: Vec<Evidence> = (1..=3_i64)
        .map(|number| Evidence {
            id: EventId::new(&format!("{id}-e{number}")).unwrap(),
            device: DeviceId::new("EVSE-0042").unwrap(),
            channel: Some("1".into()),
            kind: "charge_failed".into(),
            occurred_at: created_at - TimeDelta::minutes(20 * (3 - number)),
            attributes:
                r#"{"code":"GroundFailure","cause":"charger","info":"RCD trip","energy_wh":0}"#
                    .into(),
        })
        .collect();
    Task {
        version: "".into(),
        stage: Stage::Live,
        id: TaskId::from_text(id),
        rule: RuleId::new("charger-care").unwrap(),
        scope: "EVSE-0042".into(),
        device: DeviceId::new("EVSE-0042").unwrap(),
        account: Some("greenfleet".into()),
        kind: "care".into(),
        title: Title {
            en: Some("Charging failed three times".into()),
            zh: Some("连续三次充电失败".into()),
        },
        steps: vec!["send_coupon".into(), "book_consultant".into(), "call_back".into()],
        owner: NAME.into(),
        due_at: due.map(|due| now + due),
        created_at,
        created_by: 7,
        occasion: Occasion {
            first_at: evidence.first().unwrap().occurred_at,
            last_at: evidence.last().unwrap().occurred_at,
            evidence,
            episode: EpisodeState::Closed,
            joined: 0,
            joined_at: None,
        },
    }
}

/// Returns settings that name folders in `folder`, which it makes.
fn config(folder: &Path) -> Config {
    let (rules, registry) = (folder.join("rules"), folder.join("registry"));
    fs::create_dir(&rules).unwrap();
    fs::create_dir(&registry).unwrap();
    let rules = RulesConfig { dir: rules };
    Config { rules, registry: RegistryConfig { dir: Some(registry) }, ..Config::default() }
}

/// Returns what documents are read again with, and what feeds are fetched with.
fn documents(
    config: &Config,
    delivery: &watch::Sender<Arc<Routing>>,
    (store, clock, metrics, asks): (&Store, &Arc<dyn Clock>, &Metrics, &mpsc::Sender<Request>),
) -> (Documents, Office) {
    let setup = feeds::files::Setup::new(config, Arc::clone(clock)).unwrap();
    let office = Office {
        store: store.clone(),
        clock: Arc::clone(clock),
        metrics: metrics.clone(),
        asks: asks.clone(),
        http: setup.http.clone(),
        vault: Arc::default(),
        shelf: Shelf::default(),
    };
    let feeds = watch::Sender::new(Arc::new(Feeds::default()));
    let documents = Documents {
        delivery: (Setup::for_checks(config).unwrap(), delivery.clone()),
        feeds: (setup, feeds),
        folder: watch::Sender::default(),
        leads: watch::Sender::default(),
    };
    (documents, office)
}
