//! The database as operators handle it: its schema, and files that are torn or another program's.

use std::path::Path;

use serde_json::Value;
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tempfile::TempDir;
use upturn_tests::binary::{run, upturn};
use upturn_tests::site::{Plan, Site, THREE_FAILURES, each_database};

fn steps(site: &Site) -> (Option<i32>, Value) {
    let output = run(site.command(["migrate", "status", "--json"]), "");
    (output.status.code(), serde_json::from_slice(&output.stdout).unwrap())
}

#[test]
fn the_schema_is_brought_up_to_date_by_command_and_only_while_nothing_runs() {
    each_database(|database| {
        // A site whose database nobody has touched.
        let plan = Plan { database, rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() };
        let mut site = Site::install_without_user(&plan);
        let (code, before) = steps(&site);
        assert_eq!((code, &before["current"]), (Some(1), &Value::Bool(false)), "{before}");
        let pending = before["steps"].as_array().unwrap();
        assert!(pending.iter().all(|step| step["state"] == "pending"), "{before}");

        let output = run(site.command(["migrate", "up", "--dry-run"]), "");
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.contains("CREATE TABLE event"), "{said}");
        assert_eq!(steps(&site), (code, before), "a dry run changes nothing");

        let output = run(site.command(["migrate", "up"]), "");
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let (code, after) = steps(&site);
        assert_eq!((code, &after["current"]), (Some(0), &Value::Bool(true)), "{after}");

        site.start_again();
        let output = run(site.command(["migrate", "up"]), "");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(69), "{said}");
        assert!(said.contains("another upturn already runs on"), "{said}");
        assert_eq!(steps(&site).0, Some(0), "looking is allowed");
    });
}

#[test]
fn a_schema_of_a_newer_program_is_refused_by_every_command() {
    each_database(|database| {
        let plan = Plan { database, rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() };
        let site = Site::install(&plan);
        site.execute(
            "INSERT INTO _sqlx_migrations
                (version, description, success, checksum, execution_time)
             SELECT 9999, 'from the future', success, checksum, execution_time
             FROM _sqlx_migrations WHERE version = 1",
        );
        let (code, shown) = steps(&site);
        assert_eq!(code, Some(1));
        assert_eq!(shown["steps"].as_array().unwrap().last().unwrap()["version"], 9999);
        for command in [
            &["serve"][..],
            &["migrate", "up"],
            &["export", "events", "out.jsonl"],
            &["backup", "out.backup"],
        ] {
            let mut started = site.command([]);
            let output = run_with(&mut started, command);
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(69), "{command:?}: {said}");
            assert!(said.contains("schema 9999"), "{command:?}: {said}");
        }
        assert!(!site.folder.path().join("out.jsonl").exists());
        assert!(!site.folder.path().join("out.backup").exists());
    });
}

fn run_with(command: &mut std::process::Command, arguments: &[&str]) -> std::process::Output {
    command.args(arguments).output().unwrap()
}

/// Makes a file that SQLite, but not Upturn, knows.
fn foreign(path: &Path) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = format!("sqlite:{}?mode=rwc", path.display());
        let mut connection = SqliteConnection::connect(&url).await.unwrap();
        connection.execute("CREATE TABLE letters (text TEXT)").await.unwrap();
        connection.close().await.unwrap();
    });
}

/// Makes a database of ours with something in it.
fn ours(path: &Path) {
    let site = Site::install(&Plan { rules: vec![THREE_FAILURES.to_owned()], ..Plan::default() });
    let copied = std::fs::copy(site.folder.path().join("upturn.db"), path).unwrap();
    assert!(8 * 4096 < copied);
}

#[test]
fn a_torn_or_foreign_file_is_refused_by_every_command_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let place = |name: &str| folder.path().join(name);
    std::fs::create_dir(place("rules")).unwrap();
    std::fs::write(place("rules/r.toml"), THREE_FAILURES).unwrap();
    ours(&place("whole.db"));
    let whole = std::fs::read(place("whole.db")).unwrap();
    foreign(&place("foreign.db"));
    std::fs::write(place("text.db"), "a letter to a customer\n".repeat(400)).unwrap();
    std::fs::write(place("cut.db"), &whole[..whole.len() / 2]).unwrap();
    std::fs::write(place("cut-within-a-page.db"), &whole[..5 * 4096 + 100]).unwrap();
    let mut overwritten = whole;
    overwritten[100..4096].fill(0xee);
    std::fs::write(place("overwritten.db"), overwritten).unwrap();

    let commands: [&[&str]; 11] = [
        &["serve"],
        &["migrate", "status"],
        &["migrate", "up"],
        &["migrate", "up", "--dry-run"],
        &["backup", "out.backup"],
        &["export", "events", "out.jsonl"],
        &["backtest"],
        &["explain", "task", "t"],
        &["rules", "list"],
        &["user", "add", "somebody", "--role", "sales"],
        &["doctor"],
    ];
    for name in ["foreign", "text", "cut", "cut-within-a-page", "overwritten"] {
        let database = place(&format!("{name}.db"));
        let before = std::fs::read(&database).unwrap();
        for command in commands {
            let mut started = upturn(command);
            started.current_dir(folder.path());
            started.env("UPTURN_STORE__URL", format!("sqlite:{}", database.display()));
            started.env("UPTURN_WEB__LISTEN", "127.0.0.1:0");
            started.env("UPTURN_MQTT__LISTEN", "127.0.0.1:0");
            let output = run(started, "a password that is long enough\n");
            let out = String::from_utf8(output.stdout).unwrap();
            let said = format!("{out}{}", String::from_utf8(output.stderr).unwrap());
            let expected = if command == ["doctor"] { 1 } else { 69 };
            assert_eq!(output.status.code(), Some(expected), "{name}, {command:?}: {said}");
            assert!(said.contains("`upturn doctor`"), "{name}, {command:?}: {said}");
            assert!(
                std::fs::read(&database).unwrap() == before,
                "{name}, {command:?}: the file was changed"
            );
        }
    }
    assert!(!place("out.backup").exists() && !place("out.jsonl").exists());
}
