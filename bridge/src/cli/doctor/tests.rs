//! Tests of the doctor as a whole: settings in, report and exit code out.

use std::fs;
use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use serde_json::Value;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use super::*;

#[derive(Debug)]
struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> DateTime<Utc> {
        DateTime::parse_from_rfc3339("2026-03-01T08:00:00Z").unwrap().to_utc()
    }
}

/// A folder with rules and settings whose doors are free.
fn folder(more: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).display().to_string();
    fs::create_dir(folder.path().join("rules")).unwrap();
    let rule = include_str!("../../../../deploy/rules/charger-care.toml");
    fs::write(folder.path().join("rules/care.toml"), rule).unwrap();
    let settings = format!(
        "store.url = \"sqlite:{}\"\nrules.dir = \"{}\"\nweb.listen = \"127.0.0.1:0\"\n{more}\n",
        path("upturn.db"),
        path("rules"),
    );
    fs::write(folder.path().join("upturn.toml"), settings).unwrap();
    folder
}

async fn report(folder: &TempDir) -> (Exit, Value) {
    let file = folder.path().join("upturn.toml");
    let mut out = Vec::new();
    let args = DoctorArgs { json: true, mosquitto: None };
    let exit = run(args, Some(&file), &FixedClock, &mut out).await.unwrap();
    (exit, serde_json::from_slice(&out).unwrap())
}

fn find<'v>(report: &'v Value, name: &str) -> &'v Value {
    let checks = report["checks"].as_array().unwrap();
    checks.iter().find(|check| check["name"] == name).unwrap()
}

/// An MQTT broker that answers each log-in with `answer`.
async fn broker(answer: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap();
    TaskTracker::new().spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            // The log-in begins with its type; after the answer comes the farewell, or nothing.
            stream.read_u8().await.ok();
            stream.write_all(answer).await.ok();
            stream.read_to_end(&mut Vec::new()).await.ok();
        }
    });
    at
}

#[tokio::test]
async fn ends_with_0_if_nothing_fails_and_with_1_if_anything_does() {
    let folder = folder("mqtt.listen = \"127.0.0.1:0\"");
    let database = folder.path().join("upturn.db");
    let damaged = "no database at all, but as long as one. ".repeat(100);
    for (content, exit) in [("", Exit::Ok), (damaged.as_str(), Exit::Findings)] {
        if !content.is_empty() {
            fs::write(&database, content).unwrap();
        }
        let (found, report) = report(&folder).await;
        assert_eq!(found, exit, "{report:#}");
        assert_eq!(report["ok"], exit == Exit::Ok, "{report:#}");
    }
}

#[tokio::test]
async fn wrong_settings_are_listed_and_what_needs_them_is_not_looked_at() {
    let folder = folder("log.level = \"loud\"\nweb.colour = 3");
    let (exit, report) = report(&folder).await;
    assert_eq!(exit, Exit::Findings);
    let configuration = find(&report, "configuration");
    assert_eq!(configuration["verdict"], "fail");
    let found = configuration["found"].as_str().unwrap();
    assert!(found.contains("log.level") && found.contains("web.colour"), "{found}");
    let names: Vec<_> =
        report["checks"].as_array().unwrap().iter().map(|check| check["name"].clone()).collect();
    assert_eq!(names, ["configuration", "clock", "open files"]);
}

#[tokio::test]
async fn a_folder_without_rules_is_a_warning_and_one_that_is_missing_a_failure() {
    let folder = folder("mqtt.listen = \"127.0.0.1:0\"");
    fs::remove_file(folder.path().join("rules/care.toml")).unwrap();
    let (_, empty) = report(&folder).await;
    assert_eq!(find(&empty, "rules")["verdict"], "warn");
    fs::remove_dir(folder.path().join("rules")).unwrap();
    let (exit, missing) = report(&folder).await;
    assert_eq!((exit, &find(&missing, "rules")["verdict"]), (Exit::Findings, &Value::from("fail")));
}

#[tokio::test]
async fn a_calendar_whose_holidays_end_soon_is_a_warning() {
    let registry = tempfile::tempdir().unwrap();
    let settings =
        format!("mqtt.listen = \"127.0.0.1:0\"\nregistry.dir = \"{}\"", registry.path().display());
    let folder = folder(&settings);
    let cases = [
        ("announced_until = \"2026-12-31\"", "ok", ""),
        ("announced_until = \"2026-03-30\"", "warn", "holidays are known until 2026-03-30"),
        ("", "warn", "it is not said until when holidays are known"),
        ("announced_until = \"soon\"", "fail", "'soon' is no day"),
    ];
    for (line, verdict, expected) in cases {
        let calendar = format!(
            "zone = \"Asia/Shanghai\"\nrevision = \"1\"\n{line}\n[week]\nmon = [\"09:00-17:00\"]\n"
        );
        fs::write(registry.path().join("calendar.toml"), calendar).unwrap();
        let (_, report) = report(&folder).await;
        let found = find(&report, "registry");
        assert_eq!(found["verdict"], verdict, "case: {line}: {found}");
        assert!(found["found"].as_str().unwrap().contains(expected), "case: {line}: {found}");
    }
}

#[tokio::test]
async fn asks_the_broker_whether_it_lets_us_in() {
    // CONNACK: accepted, and refused for a wrong password.
    let cases: [(&'static [u8], &str); 2] =
        [(&[0x20, 3, 0, 0, 0], "ok"), (&[0x20, 3, 0, 0x86, 0], "fail")];
    for (answer, verdict) in cases {
        let at = broker(answer).await;
        let settings = format!("mqtt.connect.url = \"mqtt://{at}\"");
        let (_, report) = report(&folder(&settings)).await;
        let found = find(&report, "broker");
        assert_eq!(found["verdict"], verdict, "case: {answer:?}: {found}");
    }
}

#[tokio::test]
async fn a_secret_that_is_missing_fails_and_one_that_all_can_read_is_a_warning() {
    use std::os::unix::fs::PermissionsExt as _;

    let at = broker(&[0x20, 3, 0, 0, 0]).await;
    let secrets = tempfile::tempdir().unwrap();
    let password = secrets.path().join("password");
    let settings = format!(
        "mqtt.connect.url = \"mqtt://{at}\"\nmqtt.connect.username = \"u\"\n\
         mqtt.connect.password_file = \"{}\"",
        password.display()
    );
    let folder = folder(&settings);
    let (_, missing) = report(&folder).await;
    assert_eq!(find(&missing, "secrets")["verdict"], "fail");
    for (mode, verdict) in [(0o644, "warn"), (0o640, "ok"), (0o600, "ok")] {
        fs::write(&password, "geheim").unwrap();
        fs::set_permissions(&password, fs::Permissions::from_mode(mode)).unwrap();
        let (_, found) = report(&folder).await;
        assert_eq!(find(&found, "secrets")["verdict"], verdict, "case: {mode:o}: {found:#}");
        assert!(!found.to_string().contains("geheim"), "case: {mode:o}");
    }
}

#[tokio::test]
async fn prints_a_table_with_what_to_do_below_what_was_found() {
    let folder = folder("mqtt.listen = \"127.0.0.1:0\"");
    fs::remove_file(folder.path().join("rules/care.toml")).unwrap();
    let file = folder.path().join("upturn.toml");
    let mut out = Vec::new();
    let args = DoctorArgs { json: false, mosquitto: None };
    run(args, Some(&file), &FixedClock, &mut out).await.unwrap();
    let table = String::from_utf8(out).unwrap();
    let mut lines = table.lines().skip_while(|line| !line.contains("rules  "));
    let rules = lines.next().unwrap();
    assert!(rules.starts_with("warn  rules"), "{table}");
    let column = rules.find("none in").unwrap();
    let advice = lines.next().unwrap();
    assert_eq!(advice.find("-> write one"), Some(column), "{table}");
}
