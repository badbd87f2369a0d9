//! Backups: of either database into either, while the program runs, and never half.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use upturn_tests::binary::run;
use upturn_tests::fleet::{self, Message};
use upturn_tests::http;
use upturn_tests::site::{Database, Plan, Site, THREE_FAILURES, each_database};

const DEVICES: usize = 30;

fn plan(database: Option<String>) -> Plan {
    Plan { database, rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() }
}

fn failure(device: usize, number: usize) -> Message {
    let ts = 1_795_000_000_000_u64 + 60_000 * number as u64;
    let text = "换桩 \u{1f50c} \\u0000 'q'";
    let event = json!({"id": number.to_string(), "ts": ts, "kind": "charge_failed", "note": text});
    Message::new(format!("devices/d{device:02}/events"), event.to_string())
}

/// Starts a site with tasks, dead letters, a closed task and events that wait for more.
fn busy_site(database: Option<String>) -> Site {
    let site = Site::start(&Plan { accept_past: Some("36500d".to_owned()), ..plan(database) });
    let mut messages: Vec<Message> = Vec::new();
    for number in 0..3 {
        messages.extend((0..DEVICES).map(|device| failure(device, number)));
    }
    messages.push(failure(99, 0));
    messages.push(Message::new("devices/d00/events", "\0 no JSON \u{7f}"));
    fleet::publish(site.mqtt, &messages, 200, |_| {});
    let tasks = site.until_tasks(DEVICES);
    let id = tasks[0]["id"].as_str().unwrap();
    let (status, _) =
        http::post(site.web, &format!("/api/v1/tasks/{id}/accept"), &json!({})).unwrap();
    assert_eq!(status, 200);
    site
}

fn backup(site: &Site, name: &str) -> PathBuf {
    let output = run(site.command(["backup", name]), "");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    site.folder.path().join(name)
}

fn restore(site: &Site, file: &Path) -> (Option<i32>, String) {
    let output = run(site.command(["restore", file.to_str().unwrap()]), "");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

/// Returns the tasks, without what is only the page's own.
fn tasks(site: &Site) -> Vec<Value> {
    site.tasks()
}

#[test]
fn a_backup_of_the_running_program_fills_either_database_and_folds_to_the_same() {
    each_database(|database| {
        let site = busy_site(database);
        let file = backup(&site, "first.backup");
        let expected = tasks(&site);
        let letters = http::json(site.web, "/api/v1/dead-letters");

        let server = Database::create();
        let targets = [None].into_iter().chain(server.iter().map(|s| Some(s.url.clone())));
        for target in targets {
            let kind = if target.is_some() { "into PostgreSQL" } else { "into SQLite" };
            let mut other = Site::install_without_user(&plan(target));
            let (code, said) = restore(&other, &file);
            assert_eq!(code, Some(0), "{kind}: {said}");
            assert!(said.contains(&format!("{DEVICES} tasks")), "{kind}: {said}");

            other.start_again();
            assert_eq!(tasks(&other), expected, "{kind}");
            assert_eq!(http::json(other.web, "/api/v1/dead-letters"), letters, "{kind}");
            // A repeated event is still known, and the device at one of three goes on counting.
            let more = [failure(99, 0), failure(99, 1), failure(99, 2)];
            fleet::publish(other.mqtt, &more, 1, |_| {});
            other.until_tasks(DEVICES + 1);
            // Numbers that the database gives go on behind those that are there.
            fleet::publish(other.mqtt, &[Message::new("devices/x/events", "no")], 1, |_| {});

            let (code, said) = restore(&other, &file);
            assert_eq!(code, Some(69), "{kind}: {said}");
        }
    });
}

#[test]
fn a_database_that_is_not_empty_is_not_restored_over() {
    each_database(|database| {
        let site = Site::install(&plan(database));
        let file = backup(&site, "first.backup");
        let output = run(site.command(["backup", "first.backup"]), "");
        assert_eq!(output.status.code(), Some(74), "never over another file: {output:?}");
        let (code, said) = restore(&site, &file);
        assert_eq!(code, Some(69), "{said}");
        assert!(said.contains("the database is not empty: 'audit' has rows"), "{said}");
    });
}

#[test]
fn a_torn_or_foreign_backup_changes_nothing() {
    let site = busy_site(None);
    let whole = std::fs::read(backup(&site, "first.backup")).unwrap();
    let line_ends: Vec<usize> =
        whole.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at).collect();
    let mut flipped = whole.clone();
    let at = line_ends[line_ends.len() / 2] + 3;
    flipped[at] ^= 1;
    let newer = String::from_utf8(whole.clone()).unwrap();
    let newer = newer.replacen("\"upturn_backup\":1", "\"upturn_backup\":9", 1);
    let last = line_ends[line_ends.len() - 2];
    let cases = [
        ("nothing", Vec::new(), "no backup of upturn"),
        ("a letter", b"Dear customer,\n".repeat(99), "no backup of upturn"),
        ("a database", std::fs::read(site.folder.path().join("upturn.db")).unwrap(), "no backup"),
        ("cut within a line", whole[..whole.len() / 2].to_vec(), "torn or was changed"),
        ("cut between lines", whole[..=line_ends[line_ends.len() / 3]].to_vec(), "torn"),
        ("without its end", whole[..=last].to_vec(), "torn or was changed"),
        ("a flipped bit", flipped, "torn or was changed"),
        ("of a newer program", newer.into_bytes(), "format 9"),
    ];
    for (name, bytes, expected) in cases {
        let other = Site::install_without_user(&plan(None));
        let file = other.folder.path().join("bad.backup");
        std::fs::write(&file, bytes).unwrap();
        let (code, said) = restore(&other, &file);
        assert_eq!(code, Some(65), "{name}: {said}");
        assert!(said.contains(expected), "{name}: {said}");
        assert!(!other.folder.path().join("upturn.db").exists(), "{name}: a database was made");
    }
    let missing = site.folder.path().join("missing.backup");
    assert_eq!(restore(&site, &missing).0, Some(66));
}
