//! A whole installation in a folder of its own: settings, rules, registry, a user, the program.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Once;

use serde_json::Value;
use sqlx::{Connection as _, Executor as _, PgConnection, SqliteConnection};
use tempfile::TempDir;

use crate::binary::{self, Running, free_port, run, upturn, wait_for};
use crate::http;
use crate::proxy::{Proxy, Upstream};
use crate::shared::left_out;

/// The rule of most tests: three failures in a row on a device.
pub const THREE_FAILURES: &str = r#"
id = "three-failures"
kind = "trigger"
title = { en = "Charging failed three times" }

[when]
pattern = "consecutive"
event = "charge_failed"
reset_by = ["charge_ok"]
times = 3
within = "24h"

[episode]
cooldown = "7d"

[[then]]
task = "care"
title = { en = "Charging failed three times", zh = "连续三次充电失败" }
steps = ["send_coupon", "book_consultant"]
"#;

/// What an installation is made of.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The port of a broker that runs already; the embedded one, where absent.
    pub broker: Option<u16>,
    /// The URL of a database; SQLite in the folder, where absent.
    pub database: Option<String>,
    /// The rules, as TOML texts.
    pub rules: Vec<String>,
    /// How far back devices' clocks are believed, as settings write it.
    pub accept_past: Option<String>,
    /// The tables of `[mqtt]`, where they are not the usual ones of `broker`.
    pub doors: Option<String>,
    /// Where letters about tasks are published, if anywhere.
    pub letters: Option<String>,
    /// Where the SQLite file lies, if not in the installation's folder.
    pub data: Option<PathBuf>,
    /// Whether another installation on the same database has made the user.
    pub is_second: bool,
    /// Another build of the program.
    pub program: Option<PathBuf>,
    /// What the program finds in its environment.
    pub environment: Vec<(&'static str, String)>,
}

/// An installation.
#[derive(Debug)]
pub struct Site {
    /// The port of the pages.
    pub web: u16,
    /// The port devices publish to.
    pub mqtt: u16,
    /// The folder that holds everything.
    pub folder: TempDir,
    /// The program, while it runs.
    pub process: Option<Running>,
    /// The address of the database.
    pub store: String,
    program: Option<PathBuf>,
    environment: Vec<(&'static str, String)>,
}

/// Returns the tables of `[mqtt]` for a broker at `port`, with `more` said about it.
pub fn connect(port: u16, more: &str) -> Option<String> {
    Some(format!("[mqtt.connect]\nurl = \"mqtt://127.0.0.1:{port}\"\n{more}\n"))
}

impl Site {
    /// Installs `plan`, and starts the program.
    pub fn start(plan: &Plan) -> Self {
        let mut site = Self::install(plan);
        site.start_again();
        site
    }

    /// Writes settings, rules and a user; nothing runs yet.
    pub fn install(plan: &Plan) -> Self {
        let site = Self::install_without_user(plan);
        if !plan.is_second {
            let everything = ["--role", "admin", "--role", "operations", "--role", "sales-manager"];
            let mut add = site.command(["user", "add", http::USER, "--region", "*"]);
            add.args(everything);
            let added = run(add, http::PASSWORD);
            assert!(added.status.success(), "{added:?}");
            site.execute(&format!(
                "INSERT INTO api_token (id, token_hash, user_name, label, scopes, created_at,
                    expires_at)
                VALUES ('tests', '{}', '{}', 'tests',
                    '[\"read\",\"tasks\",\"events\",\"rules\",\"feeds\",\"people\",\"audit\"]', 0,
                    4102444800000)",
                http::TOKEN_HASH,
                http::USER,
            ));
        }
        site
    }

    /// Writes settings and rules; nobody has touched the database yet.
    pub fn install_without_user(plan: &Plan) -> Self {
        let folder = TempDir::new().unwrap();
        let (web, mqtt) = (free_port(), plan.broker.unwrap_or_else(free_port));
        let usual = match plan.broker {
            Some(port) => format!("[mqtt.connect]\nurl = \"mqtt://127.0.0.1:{port}\"\n"),
            None => format!("[mqtt]\nlisten = \"127.0.0.1:{mqtt}\"\n"),
        };
        let doors = plan.doors.as_deref().unwrap_or(&usual);
        let data = plan.data.as_deref().unwrap_or(folder.path());
        let file = format!("sqlite:{}", data.join("upturn.db").display());
        let store = plan.database.clone().unwrap_or(file);
        let past = plan.accept_past.as_deref().unwrap_or("400d");
        let letters = plan.letters.as_ref();
        let outbox = letters.map(|topic| format!("[outbox]\nmqtt_topic = \"{topic}\"\n"));
        let rules = folder.path().join("rules");
        let settings = format!(
            "{outbox}[store]\nurl = \"{store}\"\n{doors}[web]\nlisten = \"127.0.0.1:{web}\"\n\
             [rules]\ndir = \"{}\"\n\
             [[source]]\nname = \"native\"\ntopic = \"devices/{{device}}/events\"\n\
             format = \"native\"\naccept_past = \"{past}\"\n\
             [[source]]\nname = \"ocpp\"\ntopic = \"ocpp/1.6/{{device}}/{{action}}\"\n\
             format = \"ocpp16\"\naccept_past = \"{past}\"\n",
            rules.display(),
            outbox = outbox.unwrap_or_default(),
        );
        std::fs::write(folder.path().join("upturn.toml"), settings).unwrap();
        std::fs::create_dir(&rules).unwrap();
        for (number, rule) in plan.rules.iter().enumerate() {
            std::fs::write(rules.join(format!("rule-{number}.toml")), rule).unwrap();
        }
        let (program, environment) = (plan.program.clone(), plan.environment.clone());
        Self { web, mqtt, folder, process: None, store, program, environment }
    }

    /// Runs statements on the database, past the program.
    pub fn execute(&self, statements: &str) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let statements = sqlx::AssertSqlSafe(statements.to_owned());
        runtime.block_on(async {
            if self.store.starts_with("sqlite:") {
                let mut connection = SqliteConnection::connect(&self.store).await.unwrap();
                connection.execute(sqlx::raw_sql(statements)).await.unwrap();
                connection.close().await.unwrap();
            } else {
                let mut connection = PgConnection::connect(&self.store).await.unwrap();
                connection.execute(sqlx::raw_sql(statements)).await.unwrap();
            }
        });
    }

    /// Returns a command on this installation.
    pub fn command<const N: usize>(&self, arguments: [&str; N]) -> Command {
        let mut command = match &self.program {
            None => upturn(["--config"]),
            Some(program) => binary::command(program, ["--config"]),
        };
        // Whatever is kept beside the settings stays in the folder.
        command.arg(self.settings()).args(arguments).current_dir(self.folder.path());
        command
    }

    fn settings(&self) -> PathBuf {
        self.folder.path().join("upturn.toml")
    }

    /// Adds tables to the settings, for programs that start from here on.
    pub fn configure(&self, tables: &str) {
        let text = std::fs::read_to_string(self.settings()).unwrap();
        std::fs::write(self.settings(), format!("{text}{tables}")).unwrap();
    }

    /// Starts the program and waits until it is ready.
    pub fn start_again(&mut self) {
        self.launch();
        self.until_ready();
    }

    /// Lets nothing go wrong any more in programs that start from here on.
    pub fn heal(&mut self) {
        self.environment.clear();
    }

    /// Starts the program.
    pub fn launch(&mut self) {
        let log = self.folder.path().join("log");
        let log = std::fs::File::options().create(true).append(true).open(log).unwrap();
        let mut command = self.command(["serve"]);
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let child = command.stdout(Stdio::null()).stderr(log).spawn().unwrap();
        self.process = Some(Running(child));
    }

    /// Waits until the program says that it is ready.
    pub fn until_ready(&self) {
        wait_for("a ready program", || {
            let (status, _) = http::get(self.web, "/readyz")?;
            (status == 200).then_some(())
        });
    }

    /// Waits until the program says that it is not ready, and returns why.
    pub fn until_unready(&self) -> String {
        wait_for("an unready program", || {
            let (status, body) = http::get(self.web, "/readyz")?;
            (status == 503).then_some(body)
        })
    }

    /// Waits until the program says that it is not ready for a reason that holds `words`.
    pub fn until_unready_for(&self, words: &str) -> String {
        wait_for(&format!("an unready program that says {words:?}"), || {
            let (status, body) = http::get(self.web, "/readyz")?;
            (status == 503 && body.contains(words)).then_some(body)
        })
    }

    /// Returns the program, which runs.
    pub fn running(&mut self) -> &mut Running {
        self.process.as_mut().expect("the program was started")
    }

    /// Returns the ids of the events in the log, in its order.
    pub fn events(&self) -> Vec<String> {
        self.read("SELECT id FROM event ORDER BY position")
    }

    /// Returns the reason of each dead letter, in order of receipt.
    pub fn dead_letters(&self) -> Vec<String> {
        self.read("SELECT code FROM dead_letter ORDER BY id")
    }

    fn read(&self, sql: &'static str) -> Vec<String> {
        let url = self.store.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            if url.starts_with("sqlite:") {
                let mut database = SqliteConnection::connect(&url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap()
            } else {
                let mut database = PgConnection::connect(&url).await.unwrap();
                sqlx::query_scalar(sql).fetch_all(&mut database).await.unwrap()
            }
        })
    }

    /// Ends the program without warning.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// Has the program stop; returns its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        self.process.take().and_then(|mut process| process.terminate())
    }

    /// Returns the standing tasks, once there are as many as `count`.
    pub fn until_tasks(&self, count: usize) -> Vec<Value> {
        wait_for("tasks", || {
            let tasks = self.tasks();
            (tasks.len() == count).then_some(tasks)
        })
    }

    /// Returns the standing tasks, by device.
    pub fn tasks(&self) -> Vec<Value> {
        let (mut tasks, mut path) = (Vec::new(), "/api/v1/tasks?limit=500".to_owned());
        loop {
            let page = http::json(self.web, &path);
            tasks.extend(page["tasks"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(cursor) => path = format!("/api/v1/tasks?limit=500&cursor={cursor}"),
                None => break,
            }
        }
        tasks.sort_by_key(|task| (task["device"].to_string(), task["last_at"].to_string()));
        tasks
    }

    /// Returns what the program has logged.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Site {
    /// Shows what the program logged where a test fails.
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(writeln!(std::io::stderr(), "the program's log:\n{}", self.log()));
        }
    }
}

/// Runs `test` with SQLite in the site's own folder, and with a new PostgreSQL database.
pub fn each_database(test: impl Fn(Option<String>)) {
    test(None);
    if let Some(database) = Database::create() {
        test(Some(database.url.clone()));
    }
}

/// A database of its own on the tests' PostgreSQL, dropped with it.
#[derive(Debug)]
pub struct Database {
    /// Its address.
    pub url: String,
    server: String,
    name: String,
}

impl Database {
    /// Makes one; `None`, with one line that says so, where the tests have no server.
    pub fn create() -> Option<Self> {
        let Some(server) = std::env::var_os("UPTURN_TEST_POSTGRES") else {
            static SAID: Once = Once::new();
            left_out(&SAID, "PostgreSQL; set UPTURN_TEST_POSTGRES to a server's URL");
            return None;
        };
        Some(Self::on(server.into_string().unwrap()))
    }

    /// Makes one on `server`.
    pub fn on(server: String) -> Self {
        let name = format!("upturn_{}_{}", std::process::id(), free_port());
        execute(&server, format!("CREATE DATABASE {name}"));
        let (rest, query) = server.split_once('?').map_or((&*server, None), |(r, q)| (r, Some(q)));
        let base = rest.rsplit_once('/').unwrap().0;
        let query = query.map_or_else(String::new, |query| format!("?{query}"));
        let url = format!("{base}/{name}{query}");
        Self { url, server, name }
    }

    /// Has every session from here on run with a setting of its own.
    pub fn set(&self, name: &str, value: &str) {
        execute(&self.server, format!("ALTER DATABASE {} SET {name} = {value}", self.name));
    }

    /// Returns a connection that can be cut, and the database's address by way of it.
    pub fn by_proxy(&self) -> (Proxy, String) {
        let folder = self.url.rsplit_once("host=").expect("the tests' server has a socket").1;
        let proxy = Proxy::to(Upstream::Socket(PathBuf::from(folder).join(".s.PGSQL.5432")));
        let url = format!("postgres://postgres@127.0.0.1:{}/{}", proxy.port, self.name);
        (proxy, url)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        execute(&self.server, format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}

fn execute(server: &str, statement: String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = PgConnection::connect(server).await.unwrap();
        connection.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    });
}

/// Returns the path of the program, for those who only want it built.
pub fn program() -> &'static std::path::Path {
    binary::path()
}
