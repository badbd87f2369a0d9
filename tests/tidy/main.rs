//! The rules of the house that no compiler checks.
#![expect(clippy::unwrap_used, reason = "a test fails where something is missing")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A file of ours with more lines holds more than one thing.
const LINES_MAX: usize = 500;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Returns the files that git keeps, or would keep, relative to the root.
fn files() -> Vec<String> {
    let mut git = Command::new("git");
    git.args(["ls-files", "--cached", "--others", "--exclude-standard"]).current_dir(root());
    let listed = git.output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let text = String::from_utf8(listed.stdout).unwrap();
    text.lines().filter(|path| root().join(path).exists()).map(str::to_owned).collect()
}

fn read(path: &str) -> String {
    String::from_utf8_lossy(&std::fs::read(root().join(path)).unwrap()).into_owned()
}

fn rust_files() -> Vec<String> {
    files()
        .into_iter()
        .filter(|path| Path::new(path).extension().is_some_and(|e| e == "rs"))
        .collect()
}

#[test]
fn the_top_level_is_the_house_and_nothing_else() {
    let expected = [
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Cargo.lock",
        "Cargo.toml",
        "LICENSE",
        "README.md",
        "bridge",
        "connectors",
        "core",
        "deploy",
        "migrations",
        "tests",
    ];
    let found: BTreeSet<String> = files()
        .iter()
        .filter_map(|path| path.split('/').next())
        .filter(|name| !name.starts_with('.'))
        .map(str::to_owned)
        .collect();
    assert_eq!(found, expected.into_iter().map(str::to_owned).collect());
}

#[test]
fn dependencies_go_one_way() {
    let cases: [(&str, &[&str]); 3] = [
        ("core/Cargo.toml", &["tokio", "sqlx", "reqwest", "rumqttc", "axum", "upturn"]),
        (
            "connectors/Cargo.toml",
            &["sqlx", "axum", "rumqttc", "upturn.", "upturn ", "upturn-tests"],
        ),
        ("bridge/Cargo.toml", &["upturn-tests"]),
    ];
    for (manifest, banned) in cases {
        let text = read(manifest);
        let dependencies = text.split("[dependencies]").nth(1).unwrap();
        // Tests may need more, as a server to call.
        let dependencies = dependencies.split("\n[").next().unwrap();
        for line in dependencies.lines() {
            let found = banned.iter().find(|name| line.starts_with(**name));
            assert_eq!(found, None, "{manifest}: {line}");
        }
    }
}

#[test]
fn sql_stands_in_the_store_only() {
    let words = ["SELECT ", "INSERT INTO", "DELETE FROM", "UPDATE "];
    for path in rust_files() {
        // Connectors have no database; Salesforce is asked in a language that looks alike.
        let rooms = ["bridge/src/store", "connectors/", "tests/"];
        if rooms.iter().any(|room| path.starts_with(room)) {
            continue;
        }
        let text = read(&path);
        let found = text.lines().find(|line| {
            let line = line.trim_start();
            !line.starts_with("//") && words.iter().any(|word| line.contains(word))
        });
        assert_eq!(found, None, "{path}");
    }
}

#[test]
fn modules_are_named_after_what_they_hold() {
    for path in rust_files() {
        assert!(!path.ends_with("/mod.rs"), "{path}: use thing.rs beside thing/");
    }
}

#[test]
fn files_hold_one_thing_and_say_which() {
    for path in rust_files() {
        let text = read(&path);
        let lines = text.lines().count();
        assert!(lines <= LINES_MAX, "{path} has {lines} lines; at most {LINES_MAX}");
        assert!(text.starts_with("//!"), "{path} does not say what it holds");
    }
}

#[test]
fn both_databases_have_the_same_migrations() {
    let names = |database: &str| -> BTreeSet<String> {
        let folder = format!("migrations/{database}/");
        files().iter().filter_map(|path| path.strip_prefix(&folder)).map(str::to_owned).collect()
    };
    assert!(!names("sqlite").is_empty());
    assert_eq!(names("sqlite"), names("postgres"));
}

#[test]
fn each_room_has_a_sign() {
    for room in
        ["core", "connectors", "bridge", "bridge/src/store", "migrations", "deploy", "tests"]
    {
        let path = format!("{room}/README.md");
        assert!(files().contains(&path), "{path} is missing");
    }
}

#[test]
fn nothing_is_left_unfinished() {
    let marks = ["TODO", "FIXME", "XXX", "todo!(", "unimplemented!("];
    for path in rust_files() {
        if path.starts_with("tests/tidy/") {
            continue;
        }
        let text = read(&path);
        // A to-do of a calendar is a `VTODO`.
        let text = text.replace("VTODO", "");
        let found = marks.iter().find(|mark| text.contains(**mark));
        assert_eq!(found, None, "{path}");
    }
}
