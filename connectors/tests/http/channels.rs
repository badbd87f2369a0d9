//! The channels under test: their settings, a letter, and what a good server answers them.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use axum::response::Response;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use upturn_connectors::deliver::kind::SettingsError;
use upturn_connectors::deliver::letter::{Letter, Text};
use upturn_connectors::deliver::{self, Channel, Surroundings};
use upturn_connectors::http::guard::Allowed;
use upturn_connectors::http::{Http, Limits, Options};

use crate::server::{Asked, json, say};

/// What no reason, log or debug output may hold.
pub(crate) const CANARY: &str = "S3CR3T-canary";
/// A key of 24 bytes.
pub(crate) const KEY: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// Another.
pub(crate) const OTHER_KEY: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

/// The folder of a test, with its secrets.
pub(crate) struct Site {
    folder: TempDir,
    pub(crate) url: String,
}

impl Site {
    /// Returns a folder for settings that lead to `url`.
    pub(crate) fn new(url: &str) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), url: url.to_owned() }
    }

    /// Returns a file that holds `text`.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn settings(&self, kind: &str) -> Value {
        let url = &self.url;
        let token = || self.file("token", &format!("{CANARY}-token\n"));
        let hook = |path: &str| self.file("url", &format!("{url}{path}\n"));
        match kind {
            "wecom" => json!({"url_file": hook(&format!("/cgi-bin/webhook/send?key={CANARY}"))}),
            "dingtalk" => json!({
                "url_file": hook(&format!("/robot/send?access_token={CANARY}")),
                "secret_file": self.file("key", &format!("SEC{CANARY}")),
            }),
            "feishu" => json!({
                "url_file": hook(&format!("/open-apis/bot/v2/hook/{CANARY}")),
                "secret_file": self.file("key", &format!("{CANARY}-key")),
            }),
            "webhook" => json!({
                "url_file": hook(&format!("/hooks/{CANARY}")),
                "secret_files": [self.file("key", KEY)],
            }),
            "hubspot" => json!({"url": url, "token_file": token()}),
            "odoo" => json!({
                "url": url, "key_file": token(), "database": "sales",
                "keeps": {"activity": {"res_model_id": 1, "res_id": 7, "activity_type_id": 4}},
            }),
            "odoo-lead" => json!({"url": url, "key_file": token(), "keeps": {"lead": {}}}),
            "salesforce" => json!({
                "url": url,
                "client_id_file": self.file("id", &format!("{CANARY}-id")),
                "client_secret_file": self.file("secret", &format!("{CANARY}+/=&secret")),
            }),
            other => panic!("no settings for {other}"),
        }
    }

    pub(crate) fn channel(&self, kind: &str) -> Box<dyn Channel> {
        build(kind, &self.settings(kind)).unwrap()
    }

    pub(crate) fn hasty(&self, kind: &str) -> Box<dyn Channel> {
        let exchange = Duration::from_millis(300);
        build_on(client(Limits { exchange, ..Limits::default() }), kind, &self.settings(kind))
            .unwrap()
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// The client with the usual bounds. Reading the system's authorities takes a while, so it is made
/// once.
static HTTP: LazyLock<Http> = LazyLock::new(|| client(Limits::default()));

fn client(limits: Limits) -> Http {
    let allowed = Allowed::new(["127.0.0.1".to_owned()]);
    Http::with(Options { allowed, limits, ..Options::default() }).unwrap()
}

/// Makes a channel of `kind` with the usual bounds.
pub(crate) fn build(kind: &str, settings: &Value) -> Result<Box<dyn Channel>, SettingsError> {
    build_on(HTTP.clone(), kind, settings)
}

fn build_on(http: Http, kind: &str, settings: &Value) -> Result<Box<dyn Channel>, SettingsError> {
    let name = kind.split('-').next().unwrap();
    let kind = deliver::KINDS.iter().find(|kind| kind.name == name).unwrap();
    (kind.build)(settings, &Surroundings { http, publisher: None })
}

/// The channels over HTTP.
pub(crate) const CHANNELS: [&str; 8] =
    ["dingtalk", "feishu", "hubspot", "odoo", "odoo-lead", "salesforce", "webhook", "wecom"];

pub(crate) fn now() -> DateTime<Utc> {
    "2026-11-22T11:00:00Z".parse().unwrap()
}

/// A letter of `kind` about task `t1`, with a hostile device.
pub(crate) fn letter(kind: &str) -> Letter {
    Letter {
        key: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".to_owned(),
        kind: kind.to_owned(),
        subject: "t1".to_owned(),
        body: json!({
            "device": "<at user_id=\"all\">@all [x](https://evil.example)",
            "at": "2026-11-22T10:59:58.000Z", "due_at": "2026-11-22T18:00:00Z",
            "zone": "Asia/Shanghai", "grade": "A", "link": "https://upturn.example/tasks/t1",
        }),
        text: Text {
            language: "zh".to_owned(),
            title: "New task: charging failed".to_owned(),
            plain: "Device: <at user_id=\"all\">@all [x](https://evil.example)\n\
                    https://upturn.example/tasks/t1\n"
                .to_owned(),
            html: None,
            markdown: None,
        },
        recipient: None,
        remote: None,
    }
}

/// Answers as the system of `kind` does that takes everything and has no record yet.
pub(crate) fn good(kind: &str, asked: &Asked) -> Response {
    if asked.uri.path().ends_with("/oauth2/token") {
        return granted();
    }
    match (kind, asked.line().as_str()) {
        ("wecom" | "dingtalk", _) => json(200, &json!({"errcode": 0, "errmsg": "ok"})),
        ("feishu", _) => json(200, &json!({"code": 0, "msg": "success", "data": {}})),
        ("webhook", _) => say(204, ""),
        ("hubspot", "POST /crm/v3/objects/tasks") => {
            json(201, &json!({"id": "512", "properties": {}, "archived": false}))
        }
        ("hubspot", _) => json(200, &json!({"total": 0, "results": []})),
        ("odoo" | "odoo-lead", line) if line.ends_with("/create") => json(200, &json!([25])),
        ("odoo" | "odoo-lead", _) => json(200, &json!([])),
        ("salesforce", line) if line.ends_with("/query") => {
            json(200, &json!({"totalSize": 0, "done": true, "records": []}))
        }
        ("salesforce", _) => {
            json(201, &json!({"id": "00TD000000IqhSLIAZ", "errors": [], "success": true}))
        }
        other => panic!("no answer to {other:?}"),
    }
}

/// The answer to a client that signs in to Salesforce.
pub(crate) fn granted() -> Response {
    let token = format!("{CANARY}-session");
    json(200, &json!({"access_token": token, "token_type": "Bearer", "issued_at": "1795345200000"}))
}
